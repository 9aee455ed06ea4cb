#include "orchestrator/core/activity_events.h"

namespace anabranch::core {
namespace {

using api::ActivityInfo;
using api::HistoryEvent;

// What the closing event carries: no longer any current state.
ActivityInfo ClosingInfo(const storage::v1::ActivityRecord& record) {
  ActivityInfo info = record.info();
  info.set_state(api::ACTIVITY_STATE_UNSPECIFIED);
  info.clear_next_attempt_time();
  info.clear_parked_because();
  return info;
}

}  // namespace

HistoryEvent CancelledEvent(const storage::v1::ActivityRecord& record) {
  HistoryEvent event;
  auto* cancelled = event.mutable_activity_cancelled();
  cancelled->set_seq(record.info().seq());
  *cancelled->mutable_info() = ClosingInfo(record);
  return event;
}

HistoryEvent FailedEvent(const storage::v1::ActivityRecord& record,
                         api::RetryState why) {
  HistoryEvent event;
  auto* failed = event.mutable_activity_failed();
  failed->set_seq(record.info().seq());
  *failed->mutable_failure() = record.info().last_failure();
  failed->set_retry_state(why);
  *failed->mutable_info() = ClosingInfo(record);
  return event;
}

HistoryEvent TimedOutEvent(const storage::v1::ActivityRecord& record,
                           api::TimeoutType type, api::RetryState why) {
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

HistoryEvent CompletedEvent(const storage::v1::ActivityRecord& record,
                            const api::Payload& result,
                            const std::string& usage_json) {
  HistoryEvent event;
  auto* completed = event.mutable_activity_completed();
  completed->set_seq(record.info().seq());
  *completed->mutable_result() = result;
  *completed->mutable_info() = ClosingInfo(record);
  completed->mutable_info()->set_usage_json(usage_json);
  return event;
}

}  // namespace anabranch::core
