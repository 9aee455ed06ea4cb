// Carries tasks out: one thread drives them all, however many there are.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "activity_worker/executor/activity_registry.h"
#include "activity_worker/executor/compute_thread.h"
#include "activity_worker/executor/http_engine.h"
#include "activity_worker/executor/running_task.h"
#include "activity_worker/executor/task_runner.h"
#include "activity_worker/executor/timer_queue.h"
#include "base/clock.h"

namespace anabranch::activity_worker {

// Two threads: the one that drives calls and timers, and a helper for work that
// would hold it up. Both live from Start() to Shutdown().
class Executor : public TaskRunner {
 public:
  struct Options {
    HttpEngine::Options http;
  };

  // All must outlive it; the registry is complete.
  Executor(const ActivityRegistry& registry, Clock& clock, Options options);
  ~Executor() override;
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // The listener must live until Shutdown().
  void Start(TaskListener& listener);

  // Ends the threads. Tasks that run end without an outcome.
  void Shutdown();

  void Submit(std::vector<BegunTask> begun,
              std::vector<StoppedTask> stopped) override;

 private:
  struct Inbox {
    std::vector<BegunTask> begun;
    std::vector<StoppedTask> stopped;
    std::vector<std::pair<TaskId, Continuation>> computed;
    bool shutdown = false;
  };

  void Loop();
  void Handle(Inbox& inbox);
  void Deliver();
  template <typename Fill>
  void Put(Fill fill);

  const ActivityRegistry& registry_;
  Clock& clock_;
  TimerQueue timers_;
  HttpEngine http_;
  TaskListener* listener_ = nullptr;

  std::mutex mutex_;
  Inbox inbox_;         // guarded by mutex_
  bool woken_ = false;  // guarded by mutex_

  // Of the executor's thread.
  std::vector<TaskEvent> events_;
  std::unique_ptr<ComputeThread> compute_;
  std::unique_ptr<TaskServices> services_;
  std::map<TaskId, std::unique_ptr<RunningTask>> tasks_;

  std::thread thread_;
};

}  // namespace anabranch::activity_worker
