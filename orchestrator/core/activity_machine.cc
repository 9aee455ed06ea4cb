#include "orchestrator/core/activity_machine.h"

#include <algorithm>

#include "base/proto_time.h"
#include "orchestrator/core/activity_events.h"
#include "orchestrator/core/retry.h"
#include "sdk/failure.h"

namespace anabranch::core {
namespace {

using api::ActivityInfo;
using api::RetryState;
using api::TimeoutType;

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

// No attempt runs any more.
void EndRunning(ActivityRecord& record, api::ActivityState next) {
  record.mutable_info()->set_state(next);
  record.clear_attempt_deadline();
  record.clear_heartbeat_deadline();
  record.set_accepted(false);
}

void BackOff(ActivityRecord& record, absl::Duration delay, absl::Time now) {
  EndRunning(record, api::ACTIVITY_STATE_BACKING_OFF);
  *record.mutable_info()->mutable_next_attempt_time() = ToProto(now + delay);
  *record.mutable_backoff() = ToProto(delay);
}

void Park(ActivityRecord& record, RetryState why) {
  EndRunning(record, api::ACTIVITY_STATE_PARKED);
  record.mutable_info()->set_parked_because(why);
}

bool Parks(const ActivityRecord& record, RetryState why) {
  return record.scheduled().options().on_exhausted() ==
             api::EXHAUSTED_ACTION_PARK &&
         why != api::RETRY_STATE_TIMEOUT;
}

bool WaitsForItsEnd(const ActivityRecord& record) {
  return record.scheduled().options().cancellation() ==
         api::CANCELLATION_TYPE_WAIT_COMPLETED;
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

// The rows that one input of a running attempt can take.
struct EndRows {
  ActivityRow backing_off;
  ActivityRow parked;
  ActivityRow closed;
  ActivityRow cancelled;
};

// An attempt ended without a result, in the failure that was recorded last:
// the next one, or none. `closing` makes the event for a reason.
template <typename Closing>
Transition AfterAttempt(ActivityRecord& record, absl::Duration delay,
                        absl::Time now, const EndRows& rows, Closing closing) {
  if (record.cancel_requested()) {
    const bool answered_cancel =
        record.info().last_failure().type() == sdk::kFailureCancelled;
    return {rows.cancelled, WaitsForItsEnd(record) && !answered_cancel
                                ? closing(api::RETRY_STATE_CANCEL_REQUESTED)
                                : CancelledEvent(record)};
  }
  RetryState why = WhyNoRetry(record, record.info().last_failure(), delay, now);
  if (why == api::RETRY_STATE_UNSPECIFIED) {
    BackOff(record, delay, now);
    return {rows.backing_off};
  }
  if (!Parks(record, why)) return {rows.closed, closing(why)};
  Park(record, why);
  return {rows.parked};
}

void ArmHeartbeat(ActivityRecord& record, absl::Time now) {
  const auto& options = record.scheduled().options();
  if (!options.has_heartbeat_timeout()) return;
  *record.mutable_heartbeat_deadline() =
      ToProto(now + FromProto(options.heartbeat_timeout()));
}

}  // namespace

ActivityRecord NewActivity(const api::ActivityScheduled& scheduled, Uid uid,
                           absl::Time now) {
  ActivityRecord record;
  record.set_uid(uid.value);
  *record.mutable_scheduled() = scheduled;
  const auto& options = scheduled.options();
  ActivityInfo& info = *record.mutable_info();
  info.set_seq(scheduled.seq());
  info.set_activity_type(scheduled.activity_type());
  info.set_name(scheduled.name());
  info.set_state(api::ACTIVITY_STATE_READY);
  info.set_task_queue(options.task_queue());
  info.set_priority(options.priority());
  *info.mutable_schedule_time() = ToProto(now);
  if (options.has_schedule_to_close_timeout()) {
    *record.mutable_close_deadline() =
        ToProto(now + FromProto(options.schedule_to_close_timeout()));
  }
  if (options.has_schedule_to_start_timeout()) {
    *record.mutable_start_deadline() =
        ToProto(now + FromProto(options.schedule_to_start_timeout()));
  }
  return record;
}

Transition Grant(ActivityRecord& record, const GrantTo& grant, absl::Time now) {
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
  record.clear_start_deadline();
  *record.mutable_attempt_deadline() = ToProto(
      now + FromProto(record.scheduled().options().start_to_close_timeout()));
  ArmHeartbeat(record, now);
  return {ActivityRow::kGranted};
}

Transition AttemptFailed(ActivityRecord& record, const AttemptFailure& failure,
                         absl::Time now) {
  if (!failure.usage_json.empty()) {
    record.mutable_info()->set_usage_json(failure.usage_json);
  }
  EndAttempt(record, failure.failure, failure.u, now);
  absl::Duration delay =
      RetryDelay(record.scheduled().options().retry(), record.info().tries(),
                 failure.u, failure.next_delay);
  return AfterAttempt(
      record, delay, now,
      {ActivityRow::kFailedBackingOff, ActivityRow::kFailedParked,
       ActivityRow::kFailedClosed, ActivityRow::kCancelledFailed},
      [&record](RetryState why) { return FailedEvent(record, why); });
}

Transition AttemptTimedOut(ActivityRecord& record, TimeoutType type, double u,
                           absl::Time now) {
  const bool silent = type == api::TIMEOUT_TYPE_HEARTBEAT;
  EndAttempt(record,
             EngineFailure(
                 sdk::kFailureTimeout,
                 silent ? "the attempt sent no heartbeat for heartbeat_timeout"
                        : "the attempt exceeded start_to_close_timeout"),
             u, now);
  absl::Duration delay = RetryDelay(record.scheduled().options().retry(),
                                    record.info().tries(), u, std::nullopt);
  return AfterAttempt(
      record, delay, now,
      {ActivityRow::kTimedOutBackingOff, ActivityRow::kTimedOutParked,
       ActivityRow::kTimedOutClosed, ActivityRow::kCancelledTimedOut},
      [&record, type](RetryState why) {
        return TimedOutEvent(record, type, why);
      });
}

Transition Lost(ActivityRecord& record, double u, absl::Time now) {
  EndAttempt(record,
             EngineFailure(sdk::kFailureWorkerLost,
                           "the worker that carried out the attempt is gone"),
             u, now);
  ActivityInfo& info = *record.mutable_info();
  info.set_lost_attempts(info.lost_attempts() + 1);
  const bool at_once = info.lost_attempts() <= kLossesWithoutBackoff;
  absl::Duration delay = at_once
                             ? absl::ZeroDuration()
                             : RetryDelay(record.scheduled().options().retry(),
                                          info.tries(), u, std::nullopt);
  Transition after = AfterAttempt(
      record, delay, now,
      {ActivityRow::kLostBackingOff, ActivityRow::kLostParked,
       ActivityRow::kLostClosed, ActivityRow::kCancelledLost},
      [&record](RetryState why) { return FailedEvent(record, why); });
  if (at_once && after.row == ActivityRow::kLostBackingOff) {
    BackoffOver(record);
    return {ActivityRow::kLostReady};
  }
  return after;
}

Transition NeverDelivered(ActivityRecord& record) {
  EndRunning(record, api::ACTIVITY_STATE_READY);
  ActivityInfo& info = *record.mutable_info();
  info.set_tries(std::max(0, info.tries() - 1));
  // The token must not come back: what is not delivered cannot be answered.
  record.clear_token();
  return {ActivityRow::kNeverDelivered};
}

Transition TakenUpAgain(ActivityRecord& record, const std::string& session) {
  ActivityInfo& info = *record.mutable_info();
  info.set_state(api::ACTIVITY_STATE_RUNNING);
  info.set_session(session);
  info.clear_next_attempt_time();
  info.clear_parked_because();
  record.clear_backoff();
  *record.mutable_attempt_deadline() =
      ToProto(FromProto(info.start_time()) +
              FromProto(record.scheduled().options().start_to_close_timeout()));
  return {ActivityRow::kTakenUpAgain};
}

bool TimedOutBefore(const ActivityRecord& record) {
  // It may have been lost since, too: all of its ends stand last.
  const auto& ended = record.info().closed_attempts();
  for (auto it = ended.rbegin();
       it != ended.rend() && it->attempt() == record.info().attempt(); ++it) {
    if (it->failure().type() == sdk::kFailureTimeout) return true;
  }
  return false;
}

Transition GivenUpAgain(ActivityRecord& record, absl::Time now) {
  RetryState why = WhyNoRetry(record, record.info().last_failure(),
                              absl::ZeroDuration(), now);
  if (why != api::RETRY_STATE_UNSPECIFIED && Parks(record, why)) {
    Park(record, why);
    return {ActivityRow::kGivenUpParked};
  }
  EndRunning(record, api::ACTIVITY_STATE_READY);
  return {ActivityRow::kGivenUpReady};
}

Transition BackoffOver(ActivityRecord& record) {
  record.mutable_info()->set_state(api::ACTIVITY_STATE_READY);
  record.mutable_info()->clear_next_attempt_time();
  record.clear_backoff();
  return {ActivityRow::kBackoffOver};
}

std::optional<Transition> Released(ActivityRecord& record) {
  ActivityInfo& info = *record.mutable_info();
  if (info.state() == api::ACTIVITY_STATE_BACKING_OFF) {
    BackoffOver(record);
    return Transition{ActivityRow::kBackoffReleased};
  }
  if (info.state() != api::ACTIVITY_STATE_PARKED) return std::nullopt;
  info.set_state(api::ACTIVITY_STATE_READY);
  info.set_tries(0);
  info.clear_parked_because();
  return Transition{ActivityRow::kParkedReleased};
}

bool Heartbeat(ActivityRecord& record, const api::Payload& details,
               absl::Time now) {
  ArmHeartbeat(record, now);
  if (details.kind_case() == api::Payload::KIND_NOT_SET) return false;
  const api::Payload* before = HeartbeatDetails(record);
  if (before != nullptr &&
      before->SerializeAsString() == details.SerializeAsString()) {
    return false;
  }
  *record.mutable_info()->mutable_heartbeat_details() = details;
  record.clear_heartbeat_details();
  return true;
}

const api::Payload* HeartbeatDetails(const ActivityRecord& record) {
  if (record.info().has_heartbeat_details()) {
    return &record.info().heartbeat_details();
  }
  // Where records kept them before people were shown them.
  return record.has_heartbeat_details() ? &record.heartbeat_details() : nullptr;
}

Transition Result(const ActivityRecord& record, const api::Payload& result,
                  const std::string& usage_json) {
  return {ActivityRow::kCompleted, CompletedEvent(record, result, usage_json)};
}

Transition StartTimedOut(const ActivityRecord& record) {
  return {ActivityRow::kStartTimedOut,
          TimedOutEvent(record, api::TIMEOUT_TYPE_SCHEDULE_TO_START,
                        api::RETRY_STATE_NEVER_RETRIED)};
}

Transition CloseTimedOut(const ActivityRecord& record) {
  constexpr TimeoutType kType = api::TIMEOUT_TYPE_SCHEDULE_TO_CLOSE;
  if (!record.cancel_requested()) {
    return {ActivityRow::kCloseTimedOut,
            TimedOutEvent(record, kType, api::RETRY_STATE_TIMEOUT)};
  }
  return {ActivityRow::kCancelledCloseTimedOut,
          WaitsForItsEnd(record)
              ? TimedOutEvent(record, kType, api::RETRY_STATE_CANCEL_REQUESTED)
              : CancelledEvent(record)};
}

bool IsAbandonedByCancel(const ActivityRecord& record) {
  return record.scheduled().options().cancellation() ==
         api::CANCELLATION_TYPE_ABANDON;
}

Transition CancelRequested(ActivityRecord& record) {
  record.set_cancel_requested(true);
  if (IsAbandonedByCancel(record)) {
    return {ActivityRow::kAbandoned, CancelledEvent(record)};
  }
  if (record.info().state() == api::ACTIVITY_STATE_RUNNING) {
    return {ActivityRow::kCancelTold};
  }
  return {ActivityRow::kCancelClosed, CancelledEvent(record)};
}

bool TokenIsCurrent(const ActivityRecord& record, const std::string& token) {
  return !token.empty() && record.token() == token;
}

}  // namespace anabranch::core
