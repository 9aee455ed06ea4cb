// One helper thread for work that would hold up the streams.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "activity_worker/core/worker_core.h"
#include "activity_worker/executor/activity.h"
#include "anabranch/v1/worker_stream.pb.h"

namespace anabranch::activity_worker {

// Threads: any. Its queue is bounded by the worker's slots, because work of a
// task that has ended is taken out again.
class ComputeThread {
 public:
  // Called on the helper thread, once for each work that ran, with what it
  // returned.
  using Done = std::function<void(TaskId, Continuation)>;

  explicit ComputeThread(Done done);
  // Waits for the work that runs; drops what waits.
  ~ComputeThread();
  ComputeThread(const ComputeThread&) = delete;
  ComputeThread& operator=(const ComputeThread&) = delete;

  void Submit(TaskId id, std::shared_ptr<const v1::Task> task, HelperWork work);

  // Takes out what has not begun.
  void Cancel(TaskId id);

 private:
  struct Item {
    TaskId id = 0;
    std::shared_ptr<const v1::Task> task;
    HelperWork work;
  };

  void Loop();

  const Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> items_;  // guarded by mutex_
  bool stopped_ = false;    // guarded by mutex_
  std::thread thread_;
};

}  // namespace anabranch::activity_worker
