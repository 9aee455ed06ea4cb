// Keeps a worker connected: one stream at a time, opened again when it breaks.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "activity_worker/core/worker_core.h"
#include "activity_worker/executor/task_runner.h"
#include "base/clock.h"

namespace anabranch::activity_worker {

// Drives the core: its inputs come from gRPC's threads, the runner's thread and
// Run()'s, each under one mutex; its outputs leave at once. At most one frame
// is in flight; what comes up meanwhile shares the next one.
class StreamClient : public TaskListener {
 public:
  struct Options {
    std::string address = "127.0.0.1:7400";
    // Waits between attempts to connect: the first and the longest.
    absl::Duration backoff_initial = absl::Milliseconds(20);
    absl::Duration backoff_max = absl::Milliseconds(500);
  };

  // Runner and clock must outlive it.
  StreamClient(WorkerCore::Options core, TaskRunner& runner, Clock& clock,
               Options options);
  ~StreamClient() override;

  // Connects, and stays connected until Leave() has run its course. Blocks.
  // False when some result could not be handed over.
  bool Run();

  // Takes no more tasks; those that run have `grace` to end, then they are
  // stopped and reported as such. Threads: any.
  void Leave(absl::Duration grace);

  void OnTaskEvents(std::vector<TaskEvent> events) override;

 private:
  class Stream;

  // All below under mutex_.
  void OpenStream();
  void CloseStream();
  void OnStreamEnded();
  void TakeOutputs();
  // Whether the worker may end now; moves a drain on.
  bool DrainIsOver(absl::Duration now);
  absl::Duration NextWake() const;

  TaskRunner& runner_;
  Clock& clock_;
  const Options options_;

  std::mutex mutex_;
  std::condition_variable wake_;
  WorkerCore core_;
  std::unique_ptr<Stream> stream_;
  absl::Duration backoff_;
  absl::Duration connect_at_ = absl::ZeroDuration();  // steady
  bool reported_loss_ = false;

  bool leave_ = false;
  absl::Duration leave_deadline_ = absl::InfiniteDuration();
  bool stopped_all_ = false;
};

}  // namespace anabranch::activity_worker
