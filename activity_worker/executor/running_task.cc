#include "activity_worker/executor/running_task.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/proto_time.h"

namespace anabranch::activity_worker {

RunningTask::RunningTask(TaskServices& services, BegunTask begun)
    : services_(services),
      id_(begun.id),
      task_(std::make_shared<const v1::Task>(std::move(begun.task))) {}

RunningTask::~RunningTask() {
  for (const TimerId timer : timers_) services_.timers.Cancel(timer);
  services_.timers.Cancel(silence_timer_);
  services_.timers.Cancel(beat_timer_);
  if (call_ != nullptr) services_.http.Remove(call_);
  if (computing_) services_.compute.Cancel(id_);
}

void RunningTask::Start(const ActivityFactory* factory) {
  if (factory == nullptr) {
    Finish(FailureOf(kUnknownActivity,
                     "this worker does not offer the activity type \"" +
                         task_->activity_type() + "\"",
                     /*retryable=*/true));
    return;
  }
  ArmDeadline();
  activity_ = (*factory)(*this);
  activity_->Start();
  const absl::Duration timeout = FromProto(task_->heartbeat_timeout());
  // Two of three may be late.
  if (timeout > absl::ZeroDuration()) Beat(timeout / 3);
}

void RunningTask::ArmDeadline() {
  if (!task_->has_start_to_close_timeout()) return;
  const absl::Duration limit = FromProto(task_->start_to_close_timeout());
  if (limit <= absl::ZeroDuration()) return;
  After(limit, [this, limit] {
    Stop(kTimeout,
         "the attempt did not end within " + absl::FormatDuration(limit),
         /*retryable=*/true);
  });
}

void RunningTask::Stop(std::string_view type, std::string_view message,
                       bool retryable) {
  if (ended_) return;
  Outcome outcome = FailureOf(type, message, retryable);
  if (activity_ != nullptr) outcome.usage_json = activity_->UsageJson();
  Finish(std::move(outcome));
}

void RunningTask::Progress(std::string_view text) {
  if (ended_ || text.empty()) return;
  services_.report({.id = id_, .progress = std::string(text), .outcome = {}});
}

void RunningTask::Heartbeat(v1::Payload details) {
  if (ended_) return;
  services_.report({.id = id_,
                    .progress = "",
                    .outcome = {},
                    .heartbeat = std::move(details)});
}

void RunningTask::Beat(absl::Duration interval) {
  services_.timers.Cancel(beat_timer_);
  beat_timer_ = services_.timers.Schedule(
      services_.clock.Steady() + interval, [this, interval] {
        if (ended_) return;
        auto details = activity_->HeartbeatDetails();
        if (details.has_value()) Heartbeat(*std::move(details));
        Beat(interval);
      });
}

void RunningTask::Finish(Outcome outcome) {
  if (std::exchange(ended_, true)) return;
  services_.report({.id = id_, .progress = "", .outcome = std::move(outcome)});
}

void RunningTask::After(absl::Duration delay, std::function<void()> callback) {
  timers_.push_back(services_.timers.Schedule(
      services_.clock.Steady() + delay, [this, callback = std::move(callback)] {
        if (!ended_) callback();
      }));
}

void RunningTask::Compute(HelperWork work) {
  computing_ = true;
  services_.compute.Submit(id_, task_, std::move(work));
}

void RunningTask::Continue(const Continuation& next) {
  computing_ = false;
  if (!ended_) next();
}

void RunningTask::Post(HttpRequest request, const HttpLimits& limits,
                       HttpObserver& observer) {
  AB_CHECK(call_ == nullptr);
  observer_ = &observer;
  limits_ = limits;
  responded_ = false;
  last_byte_ = services_.clock.Steady();
  call_ = services_.http.Add(std::move(request), *this);
  WatchSilence();
}

void RunningTask::WatchSilence() {
  const absl::Duration limit = responded_ ? limits_.idle : limits_.first_byte;
  const absl::Duration deadline = last_byte_ + limit;
  if (services_.clock.Steady() < deadline) {
    silence_timer_ =
        services_.timers.Schedule(deadline, [this] { WatchSilence(); });
    return;
  }
  services_.http.Remove(std::exchange(call_, nullptr));
  if (ended_) return;
  HttpResult result;
  result.end = responded_ ? HttpEnd::kStalled : HttpEnd::kNoResponse;
  result.message = (responded_ ? "no byte for " : "no response within ") +
                   absl::FormatDuration(limit);
  observer_->OnDone(result);
}

void RunningTask::OnStatus(int status) {
  const bool first = !std::exchange(responded_, true);
  last_byte_ = services_.clock.Steady();
  if (first && limits_.idle < limits_.first_byte) {
    services_.timers.Cancel(silence_timer_);
    WatchSilence();
  }
  if (!ended_) observer_->OnStatus(status);
}

void RunningTask::OnHeader(std::string_view name, std::string_view value) {
  if (!ended_) observer_->OnHeader(name, value);
}

bool RunningTask::OnBody(std::string_view bytes) {
  last_byte_ = services_.clock.Steady();
  return !ended_ && observer_->OnBody(bytes);
}

void RunningTask::OnDone(const HttpResult& result) {
  call_ = nullptr;
  services_.timers.Cancel(std::exchange(silence_timer_, 0));
  if (!ended_) observer_->OnDone(result);
}

}  // namespace anabranch::activity_worker
