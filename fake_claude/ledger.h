// The independent witness: every call that reached this server.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "fake_claude/text.h"

namespace anabranch::fake_claude {

// Who called, from the header
// `anabranch-task: uid=<16 hex> seq=<n> attempt=<n> session=<id>`.
struct TaskIdentity {
  std::string uid;
  uint64_t seq = 0;
  uint64_t attempt = 0;
  std::string session;
};

// Nothing when the header is absent or malformed.
std::optional<TaskIdentity> ParseTaskHeader(const std::string& header);

struct CallInfo {
  std::string request_sha256;  // of the body, hex
  std::string model;
  std::string request_id;
  bool stream = false;
  std::optional<TaskIdentity> task;
};

// How a call ended. `finished`: every byte of the reply was handed to the
// socket. `client_gone`: the client closed the connection before that.
struct CallEnd {
  std::string outcome;
  std::string content;  // the content array as it was sent; "" : not complete
  Json usage;           // null: not complete
};

// Threads: any. Calls are numbered from 1 in the order in which they came.
class Ledger {
 public:
  explicit Ledger(Clock& clock) : clock_(clock) {}

  // Appends one JSON line to `path` for every call begun, ended or refused.
  absl::Status AlsoTo(const std::string& path);

  // A call that was answered by an error before any work.
  void Refused(const CallInfo& info, int status);
  // A call that was accepted: from now on it costs. Returns its number.
  size_t Begin(const CallInfo& info);
  // Ends a call; a second end replaces the first.
  void End(size_t call, const CallEnd& end);

  // Returns when the call is listed.
  void AwaitBegin(size_t call) const;
  // Returns when the call has ended.
  void AwaitEnd(size_t call) const;

  // {"calls":[…]}, those numbered above `after`.
  Json Calls(size_t after = 0) const;
  // How many calls begun, finished, are open, or ended otherwise.
  Json Summary() const;

 private:
  struct Call {
    CallInfo info;
    bool begun = false;
    int status = 200;
    int64_t received_ms = 0;
    int64_t finished_ms = 0;  // 0: open
    CallEnd end;
  };

  size_t Add(const CallInfo& info, bool begun, int status);
  Json ToJson(size_t index) const;
  void Log(size_t index);

  Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Call> calls_;
  std::ofstream file_;
};

}  // namespace anabranch::fake_claude
