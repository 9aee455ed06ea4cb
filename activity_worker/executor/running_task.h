// One attempt in progress: its activity, and the timers and call it uses.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "activity_worker/executor/activity.h"
#include "activity_worker/executor/compute_thread.h"
#include "activity_worker/executor/http_engine.h"
#include "activity_worker/executor/task_runner.h"
#include "activity_worker/executor/timer_queue.h"
#include "base/clock.h"

namespace anabranch::activity_worker {

// What all attempts of an executor share; outlives them.
struct TaskServices {
  Clock& clock;
  TimerQueue& timers;
  HttpEngine& http;
  ComputeThread& compute;
  // Reports an event; one with an outcome is the attempt's last, and the task
  // may be destroyed after the current callback.
  std::function<void(TaskEvent)> report;
};

// Executor thread. Its destructor releases everything it waits for.
class RunningTask : public ActivityContext, private HttpObserver {
 public:
  RunningTask(TaskServices& services, BegunTask begun);
  ~RunningTask() override;
  RunningTask(const RunningTask&) = delete;
  RunningTask& operator=(const RunningTask&) = delete;

  // Makes the activity and lets it begin; ends at once when `factory` is null.
  void Start(const ActivityFactory* factory);

  // Ends the attempt from outside.
  void Stop(std::string_view type, std::string_view message, bool retryable);

  // Goes on with what the helper thread has prepared.
  void Continue(const Continuation& next);

  // ActivityContext.
  const v1::Task& task() const override { return *task_; }
  void Progress(std::string_view text) override;
  void Heartbeat(v1::Payload details) override;
  void Finish(Outcome outcome) override;
  void After(absl::Duration delay, std::function<void()> callback) override;
  void Compute(HelperWork work) override;
  void Post(HttpRequest request, const HttpLimits& limits,
            HttpObserver& observer) override;

 private:
  // HttpObserver: notes the time of each byte on its way to the activity.
  void OnStatus(int status) override;
  void OnHeader(std::string_view name, std::string_view value) override;
  bool OnBody(std::string_view bytes) override;
  void OnDone(const HttpResult& result) override;

  void WatchSilence();
  void ArmDeadline();
  // Sends heartbeats as long as the attempt runs.
  void Beat(absl::Duration interval);

  TaskServices& services_;
  const TaskId id_;
  const std::shared_ptr<const v1::Task> task_;
  std::unique_ptr<Activity> activity_;
  bool ended_ = false;
  std::vector<TimerId> timers_;
  bool computing_ = false;

  HttpCall* call_ = nullptr;
  HttpObserver* observer_ = nullptr;
  HttpLimits limits_;
  bool responded_ = false;
  absl::Duration last_byte_;  // or the call's start; steady
  TimerId silence_timer_ = 0;
  TimerId beat_timer_ = 0;
};

}  // namespace anabranch::activity_worker
