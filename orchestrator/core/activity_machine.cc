#include "orchestrator/core/activity_machine.h"

#include <algorithm>

#include "base/proto_time.h"
#include "orchestrator/core/retry.h"

namespace anabranch::core {
namespace {

using api::ActivityInfo;
using api::HistoryEvent;
using api::RetryState;

// Ended attempts that are kept: the first and the last ones.
constexpr int kFirstAttemptsKept = 3;
constexpr int kLastAttemptsKept = 20;
// Losses that are tried again at once.
constexpr int kLossesWithoutBackoff = 2;

api::Failure EngineFailure(const char* type, const char* message) {
  api::Failure failure;
  failure.set_type(type);
  failure.set_message(message);
  failure.set_retryable(true);
  return failure;
}

void EndAttempt(ActivityRecord& record, const api::Failure& failure, double u,
                absl::Time now) {
  ActivityInfo& info = *record.mutable_info();
  auto* attempts = info.mutable_closed_attempts();
  if (attempts->size() >= kFirstAttemptsKept + kLastAttemptsKept) {
    attempts->DeleteSubrange(kFirstAttemptsKept, 1);
  }
  auto* closed = attempts->Add();
  closed->set_attempt(info.attempt());
  closed->set_session(info.session());
  *closed->mutable_start_time() = info.start_time();
  *closed->mutable_end_time() = ToProto(now);
  *closed->mutable_failure() = failure;
  closed->set_jitter(u);
  info.set_failed_attempts(info.failed_attempts() + 1);
  *info.mutable_last_failure() = failure;
}

// What the closing event carries: no longer any current state.
ActivityInfo ClosingInfo(const ActivityRecord& record) {
  ActivityInfo info = record.info();
  info.set_state(api::ACTIVITY_STATE_UNSPECIFIED);
  info.clear_next_attempt_time();
  return info;
}

HistoryEvent Cancelled(const ActivityRecord& record) {
  HistoryEvent event;
  auto* cancelled = event.mutable_activity_cancelled();
  cancelled->set_seq(record.info().seq());
  *cancelled->mutable_info() = ClosingInfo(record);
  return event;
}

HistoryEvent FailedEvent(const ActivityRecord& record, RetryState why) {
  HistoryEvent event;
  auto* failed = event.mutable_activity_failed();
  failed->set_seq(record.info().seq());
  *failed->mutable_failure() = record.info().last_failure();
  failed->set_retry_state(why);
  *failed->mutable_info() = ClosingInfo(record);
  return event;
}

HistoryEvent TimedOutEvent(const ActivityRecord& record, api::TimeoutType type,
                           RetryState why) {
  HistoryEvent event;
  auto* timed_out = event.mutable_activity_timed_out();
  timed_out->set_seq(record.info().seq());
  timed_out->set_timeout_type(type);
  timed_out->set_retry_state(why);
  if (record.info().has_last_failure()) {
    *timed_out->mutable_last_failure() = record.info().last_failure();
  }
  *timed_out->mutable_info() = ClosingInfo(record);
  return event;
}

void BackOff(ActivityRecord& record, absl::Duration delay, absl::Time now) {
  ActivityInfo& info = *record.mutable_info();
  info.set_state(api::ACTIVITY_STATE_BACKING_OFF);
  *info.mutable_next_attempt_time() = ToProto(now + delay);
  *record.mutable_backoff() = ToProto(delay);
  record.clear_attempt_deadline();
  record.set_accepted(false);
}

// Why there is no further attempt, or RETRY_STATE_UNSPECIFIED.
RetryState WhyNoRetry(const ActivityRecord& record, const api::Failure& failure,
                      absl::Duration delay, absl::Time now) {
  const api::RetryPolicy& policy = record.scheduled().options().retry();
  if (!MayRetry(policy, failure)) {
    return api::RETRY_STATE_NON_RETRYABLE_FAILURE;
  }
  if (record.info().tries() >= policy.maximum_attempts()) {
    return api::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED;
  }
  if (record.has_close_deadline() &&
      now + delay >= FromProto(record.close_deadline())) {
    return api::RETRY_STATE_TIMEOUT;
  }
  return api::RETRY_STATE_UNSPECIFIED;
}

}  // namespace

ActivityRecord NewActivity(const api::ActivityScheduled& scheduled, Uid uid,
                           absl::Time now) {
  ActivityRecord record;
  record.set_uid(uid.value);
  *record.mutable_scheduled() = scheduled;
  ActivityInfo& info = *record.mutable_info();
  info.set_seq(scheduled.seq());
  info.set_activity_type(scheduled.activity_type());
  info.set_name(scheduled.name());
  info.set_state(api::ACTIVITY_STATE_READY);
  *info.mutable_schedule_time() = ToProto(now);
  const auto& options = scheduled.options();
  if (options.has_schedule_to_close_timeout()) {
    *record.mutable_close_deadline() =
        ToProto(now + FromProto(options.schedule_to_close_timeout()));
  }
  return record;
}

void Grant(ActivityRecord& record, const GrantTo& grant, absl::Time now) {
  ActivityInfo& info = *record.mutable_info();
  info.set_state(api::ACTIVITY_STATE_RUNNING);
  info.set_attempt(info.attempt() + 1);
  info.set_tries(info.tries() + 1);
  info.set_session(grant.session);
  info.set_worker(grant.worker);
  *info.mutable_start_time() = ToProto(now);
  info.clear_next_attempt_time();
  record.set_token(grant.token);
  record.set_accepted(false);
  record.clear_backoff();
  *record.mutable_attempt_deadline() = ToProto(
      now + FromProto(record.scheduled().options().start_to_close_timeout()));
}

Transition AttemptFailed(ActivityRecord& record, const AttemptFailure& failure,
                         absl::Time now) {
  if (!failure.usage_json.empty()) {
    record.mutable_info()->set_usage_json(failure.usage_json);
  }
  EndAttempt(record, failure.failure, failure.u, now);
  if (record.cancel_requested()) return {Cancelled(record)};
  absl::Duration delay =
      RetryDelay(record.scheduled().options().retry(), record.info().tries(),
                 failure.u, failure.next_delay);
  RetryState why = WhyNoRetry(record, failure.failure, delay, now);
  if (why != api::RETRY_STATE_UNSPECIFIED) return {FailedEvent(record, why)};
  BackOff(record, delay, now);
  return {};
}

Transition AttemptTimedOut(ActivityRecord& record, double u, absl::Time now) {
  api::Failure failure =
      EngineFailure("timeout", "the attempt exceeded start_to_close_timeout");
  EndAttempt(record, failure, u, now);
  if (record.cancel_requested()) return {Cancelled(record)};
  absl::Duration delay = RetryDelay(record.scheduled().options().retry(),
                                    record.info().tries(), u, std::nullopt);
  RetryState why = WhyNoRetry(record, failure, delay, now);
  if (why != api::RETRY_STATE_UNSPECIFIED) {
    return {TimedOutEvent(record, api::TIMEOUT_TYPE_START_TO_CLOSE, why)};
  }
  BackOff(record, delay, now);
  return {};
}

Transition Lost(ActivityRecord& record, double u, absl::Time now) {
  api::Failure failure = EngineFailure(
      "worker_lost", "the worker that carried out the attempt is gone");
  EndAttempt(record, failure, u, now);
  ActivityInfo& info = *record.mutable_info();
  info.set_lost_attempts(info.lost_attempts() + 1);
  if (record.cancel_requested()) return {Cancelled(record)};
  bool at_once = info.lost_attempts() <= kLossesWithoutBackoff;
  absl::Duration delay = at_once
                             ? absl::ZeroDuration()
                             : RetryDelay(record.scheduled().options().retry(),
                                          info.tries(), u, std::nullopt);
  RetryState why = WhyNoRetry(record, failure, delay, now);
  if (why != api::RETRY_STATE_UNSPECIFIED) return {FailedEvent(record, why)};
  if (at_once) {
    info.set_state(api::ACTIVITY_STATE_READY);
    record.clear_attempt_deadline();
    record.set_accepted(false);
  } else {
    BackOff(record, delay, now);
  }
  return {};
}

void NeverDelivered(ActivityRecord& record) {
  ActivityInfo& info = *record.mutable_info();
  info.set_state(api::ACTIVITY_STATE_READY);
  info.set_tries(std::max(0, info.tries() - 1));
  // The token must not come back: what is not delivered cannot be answered.
  record.clear_token();
  record.clear_attempt_deadline();
  record.set_accepted(false);
}

void TakenUpAgain(ActivityRecord& record, const std::string& session) {
  ActivityInfo& info = *record.mutable_info();
  info.set_state(api::ACTIVITY_STATE_RUNNING);
  info.set_session(session);
  info.clear_next_attempt_time();
  record.clear_backoff();
  *record.mutable_attempt_deadline() =
      ToProto(FromProto(info.start_time()) +
              FromProto(record.scheduled().options().start_to_close_timeout()));
}

bool TimedOutBefore(const ActivityRecord& record) {
  const auto& ended = record.info().closed_attempts();
  return !ended.empty() &&
         ended.rbegin()->attempt() == record.info().attempt() &&
         ended.rbegin()->failure().type() == "timeout";
}

void GivenUpAgain(ActivityRecord& record) {
  record.mutable_info()->set_state(api::ACTIVITY_STATE_READY);
  record.clear_attempt_deadline();
  record.set_accepted(false);
}

void BackoffOver(ActivityRecord& record) {
  record.mutable_info()->set_state(api::ACTIVITY_STATE_READY);
  record.mutable_info()->clear_next_attempt_time();
  record.clear_backoff();
}

HistoryEvent Result(const ActivityRecord& record, const api::Payload& result,
                    const std::string& usage_json) {
  HistoryEvent event;
  auto* completed = event.mutable_activity_completed();
  completed->set_seq(record.info().seq());
  *completed->mutable_result() = result;
  *completed->mutable_info() = ClosingInfo(record);
  completed->mutable_info()->set_usage_json(usage_json);
  return event;
}

HistoryEvent CloseTimeout(const ActivityRecord& record) {
  if (record.cancel_requested()) return Cancelled(record);
  return TimedOutEvent(record, api::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE,
                       api::RETRY_STATE_TIMEOUT);
}

Transition CancelRequested(ActivityRecord& record) {
  record.set_cancel_requested(true);
  if (record.info().state() == api::ACTIVITY_STATE_RUNNING) return {};
  return {Cancelled(record)};
}

bool TokenIsCurrent(const ActivityRecord& record, const std::string& token) {
  return !token.empty() && record.token() == token;
}

}  // namespace anabranch::core
