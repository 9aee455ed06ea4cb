// Follows a run while it goes on, across lives of the server.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anabranch/v1/history.pb.h"
#include "client/lib/client.h"

namespace anabranch::support {

enum class StepKind {
  kStarted,   // a worker has been given an attempt
  kStreams,   // its first output came
  kRecorded,  // its result is recorded
  kFailed,    // it ended without a result
};

struct WatchedStep {
  StepKind kind;
  std::string name;  // "opus/turn-1"
  std::string type;  // of the activity
  int attempt = 0;
};

// Threads: one that watches, and any that ask. `on_step` is called by the
// watching one. The client must outlive this object.
class RunWatcher {
 public:
  using StepCallback = std::function<void(const WatchedStep&)>;

  RunWatcher(client::Client& client, std::string run_id, StepCallback on_step);
  // Waits for the end of the run, or of the client's patience.
  ~RunWatcher() { thread_.join(); }

  // Activities of the type whose results are recorded.
  int Recorded(const std::string& type) const;
  // False when it does not come to that in time.
  bool AwaitRecorded(const std::string& type, int count,
                     absl::Duration timeout) const;
  // How the watch ended; OK while it goes on.
  absl::Status status() const;

 private:
  struct Activity {
    std::string name;
    std::string type;
    int started_attempt = 0;
    int streaming_attempt = 0;
  };

  void Watch();
  void Take(const v1::WatchRunResponse& message);
  void TakeEvent(const v1::HistoryEvent& event);
  void TakeEnd(int64_t seq, int attempt, StepKind kind);
  void Tell(StepKind kind, const Activity& activity, int attempt) const;

  client::Client& client_;
  const std::string run_id_;
  const StepCallback on_step_;
  std::map<int64_t, Activity> activities_;  // of the watching thread

  mutable absl::Mutex mutex_;
  std::map<std::string, int> recorded_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;  // last: it uses all above
};

}  // namespace anabranch::support
