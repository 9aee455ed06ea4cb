#include "orchestrator/core/run_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/proto_time.h"
#include "sdk/markers.h"

namespace anabranch::core {

using api::HistoryEvent;

bool IsClosed(api::RunState state) {
  switch (state) {
    case api::RUN_STATE_COMPLETED:
    case api::RUN_STATE_FAILED:
    case api::RUN_STATE_CANCELLED:
    case api::RUN_STATE_TERMINATED:
    case api::RUN_STATE_TIMED_OUT:
    case api::RUN_STATE_CONTINUED_AS_NEW:
      return true;
    default:
      return false;
  }
}

bool RunState::closed() const { return IsClosed(run.state()); }

void RunState::Close(api::RunState state, const HistoryEvent& event) {
  run.set_state(state);
  *run.mutable_close_time() = event.event_time();
  run.clear_blocked();
  run.clear_pause();
  run.clear_waiting_children();
  open_activities.clear();
  given_up_activities.clear();
  waited_for_.clear();
  open_timers.clear();
  open_children.clear();
}

void RunState::Start(const HistoryEvent& event) {
  const auto& started = event.run_started();
  run.set_namespace_(started.namespace_());
  run.set_run_id(started.run_id());
  run.set_flow(started.flow());
  run.set_uid(started.uid());
  run.set_generation(started.generation());
  run.set_state(api::RUN_STATE_RUNNING);
  // A later generation keeps the first one's.
  if (!run.has_create_time()) *run.mutable_create_time() = event.event_time();
  *run.mutable_input() = started.input();
  *run.mutable_labels() = started.labels();
  run.set_cancel_requested(started.cancel_requested());
  if (started.has_deadline()) *run.mutable_deadline() = started.deadline();
  if (started.has_parent()) *run.mutable_parent() = started.parent();
  for (const auto& [name, value] : started.published()) {
    published[name] = value;
  }
}

void RunState::ApplyActivity(const HistoryEvent& event) {
  int64_t closed = 0;
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityScheduled: {
      const auto& scheduled = event.activity_scheduled();
      open_activities.insert(scheduled.seq());
      if (scheduled.options().cancellation() ==
          api::CANCELLATION_TYPE_WAIT_COMPLETED) {
        waited_for_.insert(scheduled.seq());
      }
      return;
    }
    case HistoryEvent::kActivityCancelRequested: {
      const int64_t seq = event.activity_cancel_requested().activity_seq();
      if (open_activities.contains(seq) && !waited_for_.contains(seq)) {
        given_up_activities.insert(seq);
      }
      return;
    }
    case HistoryEvent::kActivityCompleted:
      closed = event.activity_completed().seq();
      break;
    case HistoryEvent::kActivityFailed:
      closed = event.activity_failed().seq();
      break;
    case HistoryEvent::kActivityTimedOut:
      closed = event.activity_timed_out().seq();
      break;
    default:
      closed = event.activity_cancelled().seq();
      break;
  }
  open_activities.erase(closed);
  given_up_activities.erase(closed);
  waited_for_.erase(closed);
}

void RunState::ApplyChild(const HistoryEvent& event) {
  if (event.has_child_scheduled()) {
    const auto& scheduled = event.child_scheduled();
    open_children[scheduled.seq()] = scheduled;
    auto* info = run.add_waiting_children();
    info->set_seq(scheduled.seq());
    info->set_run_id(scheduled.run_id());
    info->set_flow(scheduled.flow());
    return;
  }
  auto* children = run.mutable_waiting_children();
  int64_t seq = event.has_child_started() ? event.child_started().seq()
                                          : event.child_closed().seq();
  auto info = std::find_if(children->begin(), children->end(),
                           [seq](const auto& one) { return one.seq() == seq; });
  if (info == children->end()) return;
  if (event.has_child_started()) {
    info->set_started(true);
  } else {
    open_children.erase(seq);
    children->erase(info);
  }
}

void RunState::Apply(const HistoryEvent& event) {
  last_event_id = event.event_id();
  last_time = FromProto(event.event_time());
  run.set_history_events(last_event_id);
  if (!event.build_id().empty()) run.set_build_id(event.build_id());
  if ((event.internal_flags() & sdk::kFlagContinueAsNewSuggested) != 0) {
    run.set_continue_as_new_suggested(true);
  }
  switch (event.attributes_case()) {
    case HistoryEvent::kRunStarted:
      Start(event);
      break;
    case HistoryEvent::kCancelRequested:
      run.set_cancel_requested(true);
      run.set_reason(event.cancel_requested().reason());
      break;
    case HistoryEvent::kActivityScheduled:
    case HistoryEvent::kActivityCancelRequested:
    case HistoryEvent::kActivityCompleted:
    case HistoryEvent::kActivityFailed:
    case HistoryEvent::kActivityTimedOut:
    case HistoryEvent::kActivityCancelled:
      ApplyActivity(event);
      break;
    case HistoryEvent::kTimerStarted:
      open_timers[event.timer_started().seq()] = event.timer_started();
      break;
    case HistoryEvent::kTimerFired:
      open_timers.erase(event.timer_fired().seq());
      break;
    case HistoryEvent::kTimerCancelled:
      open_timers.erase(event.timer_cancelled().timer_seq());
      break;
    case HistoryEvent::kRunCompleted:
      Close(api::RUN_STATE_COMPLETED, event);
      *run.mutable_result() = event.run_completed().result();
      break;
    case HistoryEvent::kRunFailed:
      Close(api::RUN_STATE_FAILED, event);
      *run.mutable_failure() = event.run_failed().failure();
      break;
    case HistoryEvent::kRunCancelled:
      Close(api::RUN_STATE_CANCELLED, event);
      run.set_reason(event.run_cancelled().reason());
      break;
    case HistoryEvent::kRunTerminated:
      Close(api::RUN_STATE_TERMINATED, event);
      run.set_reason(event.run_terminated().reason());
      break;
    case HistoryEvent::kRunTimedOut:
      Close(api::RUN_STATE_TIMED_OUT, event);
      break;
    case HistoryEvent::kRunContinuedAsNew:
      Close(api::RUN_STATE_CONTINUED_AS_NEW, event);
      break;
    case HistoryEvent::kChildScheduled:
    case HistoryEvent::kChildStarted:
    case HistoryEvent::kChildClosed:
      ApplyChild(event);
      break;
    case HistoryEvent::kForked:
      // What went before is another generation's; a limit that was up then
      // would be up at once.
      run.set_uid(uid.ToHex());
      if (FromProto(run.deadline()) <= last_time) run.clear_deadline();
      break;
    case HistoryEvent::kRunPaused:
      if (!run.has_blocked()) run.set_state(api::RUN_STATE_PAUSED);
      *run.mutable_pause()->mutable_time() = event.event_time();
      run.mutable_pause()->set_reason(event.run_paused().reason());
      break;
    case HistoryEvent::kRunResumed:
      if (!run.has_blocked()) run.set_state(api::RUN_STATE_RUNNING);
      run.clear_pause();
      break;
    case HistoryEvent::kMarkerRecorded: {
      const auto& marker = event.marker_recorded();
      constexpr size_t kPrefix = sizeof(kPublishMarker);
      if (marker.name().size() > kPrefix &&
          marker.name().starts_with(std::string(kPublishMarker) + ":")) {
        published[marker.name().substr(kPrefix)] = marker.value();
      }
      break;
    }
    case HistoryEvent::kSignalReceived:
    case HistoryEvent::kChildCancelRequested:
    case HistoryEvent::kCommandRefused:
    case HistoryEvent::ATTRIBUTES_NOT_SET:
      break;
  }
}

void AddUsage(api::UsageTotals& totals, const std::string& usage_json) {
  if (usage_json.empty()) return;
  auto usage = nlohmann::json::parse(usage_json, nullptr, false);
  if (!usage.is_object()) return;
  auto count = [&usage](const char* name) -> int64_t {
    auto it = usage.find(name);
    return it != usage.end() && it->is_number_integer() ? it->get<int64_t>()
                                                        : 0;
  };
  totals.set_input_tokens(totals.input_tokens() + count("input_tokens"));
  totals.set_output_tokens(totals.output_tokens() + count("output_tokens"));
  totals.set_cache_read_input_tokens(totals.cache_read_input_tokens() +
                                     count("cache_read_input_tokens"));
  totals.set_cache_creation_input_tokens(totals.cache_creation_input_tokens() +
                                         count("cache_creation_input_tokens"));
  totals.set_calls(totals.calls() + 1);
}

}  // namespace anabranch::core
