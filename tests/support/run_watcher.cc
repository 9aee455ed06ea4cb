#include "tests/support/run_watcher.h"

#include <utility>

namespace anabranch::support {

RunWatcher::RunWatcher(client::Client& client, std::string run_id,
                       StepCallback on_step)
    : client_(client),
      run_id_(std::move(run_id)),
      on_step_(std::move(on_step)),
      thread_([this] { Watch(); }) {}

int RunWatcher::Recorded(const std::string& type) const {
  absl::MutexLock lock(&mutex_);
  const auto found = recorded_.find(type);
  return found == recorded_.end() ? 0 : found->second;
}

bool RunWatcher::AwaitRecorded(const std::string& type, int count,
                               absl::Duration timeout) const {
  const auto reached = [&] {
    mutex_.AssertHeld();
    const auto found = recorded_.find(type);
    return ended_ || (found != recorded_.end() && found->second >= count);
  };
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&reached), timeout);
  const auto found = recorded_.find(type);
  return found != recorded_.end() && found->second >= count;
}

absl::Status RunWatcher::status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

void RunWatcher::Watch() {
  v1::WatchRunRequest request;
  request.set_run_id(run_id_);
  const absl::Status status =
      client_.WatchRun(request, [this](const v1::WatchRunResponse& message) {
        Take(message);
        return true;
      });
  absl::MutexLock lock(&mutex_);
  status_ = status;
  ended_ = true;
}

void RunWatcher::Tell(StepKind kind, const Activity& activity,
                      int attempt) const {
  if (on_step_) on_step_({kind, activity.name, activity.type, attempt});
}

void RunWatcher::Take(const v1::WatchRunResponse& message) {
  if (message.has_event()) return TakeEvent(message.event());
  if (message.has_progress()) {
    Activity& activity = activities_[message.progress().seq()];
    const int attempt = message.progress().attempt();
    if (attempt <= activity.streaming_attempt) return;
    activity.streaming_attempt = attempt;
    return Tell(StepKind::kStreams, activity, attempt);
  }
  if (!message.has_activity()) return;
  const v1::ActivityInfo& info = message.activity();
  Activity& activity = activities_[info.seq()];
  activity.name = info.name();
  activity.type = info.activity_type();
  if (info.state() != v1::ACTIVITY_STATE_RUNNING) return;
  if (info.attempt() <= activity.started_attempt) return;
  activity.started_attempt = info.attempt();
  Tell(StepKind::kStarted, activity, info.attempt());
}

void RunWatcher::TakeEvent(const v1::HistoryEvent& event) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kActivityScheduled: {
      const v1::ActivityScheduled& scheduled = event.activity_scheduled();
      Activity& activity = activities_[scheduled.seq()];
      activity.name = scheduled.name();
      activity.type = scheduled.activity_type();
      return;
    }
    case v1::HistoryEvent::kActivityCompleted:
      return TakeEnd(event.activity_completed().seq(),
                     event.activity_completed().info().attempt(),
                     StepKind::kRecorded);
    case v1::HistoryEvent::kActivityFailed:
      return TakeEnd(event.activity_failed().seq(),
                     event.activity_failed().info().attempt(),
                     StepKind::kFailed);
    case v1::HistoryEvent::kActivityTimedOut:
      return TakeEnd(event.activity_timed_out().seq(),
                     event.activity_timed_out().info().attempt(),
                     StepKind::kFailed);
    default:
      return;
  }
}

void RunWatcher::TakeEnd(int64_t seq, int attempt, StepKind kind) {
  const Activity& activity = activities_[seq];
  Tell(kind, activity, attempt);
  if (kind != StepKind::kRecorded) return;
  absl::MutexLock lock(&mutex_);
  ++recorded_[activity.type];
}

}  // namespace anabranch::support
