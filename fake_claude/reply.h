// Sends one accepted call's reply at its pace, with its fault, and tells the
// ledger how that ended.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "fake_claude/answer.h"
#include "fake_claude/behaviour.h"
#include "fake_claude/ledger.h"
#include "httplib.h"

namespace anabranch::fake_claude {

// Outcomes besides `error:<status>`.
inline constexpr char kFinished[] = "finished";
inline constexpr char kCut[] = "cut";  // closed in mid body, by a fault
inline constexpr char kEof[] = "eof";  // ended without message_stop
inline constexpr char kErrorEvent[] = "error_event";
inline constexpr char kClientGone[] = "client_gone";
inline constexpr char kStopped[] = "stopped";  // this server was stopped

struct Call {
  size_t number = 0;  // in the ledger
  int socket = -1;
  std::string request_id;
  Answer answer;
  Decision decision;
};

// Threads: the connection's. Lifetime: until the reply is sent.
class Reply {
 public:
  // `stopping` tells whether the server is being stopped.
  Reply(Call call, Clock& clock, Ledger& ledger,
        std::function<bool()> stopping);
  // A reply that was never sent had no taker.
  ~Reply();
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  // A `hang` fault: waits before the headers. False when the client left.
  bool Hang();
  // The body of a stream. False: the connection is to be closed.
  bool Stream(httplib::DataSink& sink);
  // Waits as long as generating a reply that is not streamed takes, with its
  // faults. False when the connection is to be closed without a whole body.
  bool Generate();

  const Call& call() const { return call_; }
  void End(const std::string& outcome);

 private:
  bool Sleep(absl::Duration duration);
  bool Silence();
  bool Send(httplib::DataSink& sink);
  bool SendAll(httplib::DataSink& sink, const std::vector<Frame>& frames);
  // True: go on with the reply.
  bool Strike(httplib::DataSink& sink, bool* close);
  bool IsDue(const std::vector<Frame>& frames, size_t next) const;

  const Call call_;
  Clock& clock_;
  Ledger& ledger_;
  const std::function<bool()> stopping_;
  std::optional<Fault> fault_;
  std::string unsent_;
  int deltas_ = 0;
  bool ended_ = false;
};

}  // namespace anabranch::fake_claude
