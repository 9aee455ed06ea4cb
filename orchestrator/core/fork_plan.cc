#include "orchestrator/core/fork_plan.h"

namespace anabranch::core {
namespace {

using anabranch::v1::HistoryEvent;
using storage::v1::ActivationRecord;

// Folds what is open into the plan.
class OpenThings {
 public:
  explicit OpenThings(ForkPlan& plan) : plan_(plan) {}

  void Apply(const HistoryEvent& event) {
    switch (event.attributes_case()) {
      case HistoryEvent::kActivityScheduled:
        plan_.activities[event.activity_scheduled().seq()] =
            event.activity_scheduled();
        break;
      case HistoryEvent::kActivityCancelRequested:
        cancelled_.insert(event.activity_cancel_requested().activity_seq());
        break;
      case HistoryEvent::kActivityCompleted:
        plan_.activities.erase(event.activity_completed().seq());
        break;
      case HistoryEvent::kActivityFailed:
        plan_.activities.erase(event.activity_failed().seq());
        break;
      case HistoryEvent::kActivityTimedOut:
        plan_.activities.erase(event.activity_timed_out().seq());
        break;
      case HistoryEvent::kActivityCancelled:
        plan_.activities.erase(event.activity_cancelled().seq());
        break;
      case HistoryEvent::kTimerStarted:
        plan_.timers[event.timer_started().seq()] = event.timer_started();
        break;
      case HistoryEvent::kTimerFired:
        plan_.timers.erase(event.timer_fired().seq());
        break;
      case HistoryEvent::kTimerCancelled:
        plan_.timers.erase(event.timer_cancelled().timer_seq());
        break;
      case HistoryEvent::kChildScheduled:
        plan_.children[event.child_scheduled().seq()] = event.child_scheduled();
        break;
      case HistoryEvent::kChildClosed:
        plan_.children.erase(event.child_closed().seq());
        plan_.cancelled_children.erase(event.child_closed().seq());
        break;
      case HistoryEvent::kChildCancelRequested:
        plan_.cancelled_children.insert(
            event.child_cancel_requested().child_seq());
        break;
      default:
        break;
    }
  }

  void Finish() {
    for (int64_t seq : cancelled_) {
      if (plan_.activities.erase(seq) > 0) plan_.given_up.push_back(seq);
    }
  }

 private:
  ForkPlan& plan_;
  std::set<int64_t> cancelled_;
};

bool ComesAgain(const HistoryEvent& stimulus) {
  return stimulus.has_run_started() || stimulus.has_signal_received() ||
         stimulus.has_activity_completed() || stimulus.has_child_started() ||
         stimulus.has_child_closed();
}

}  // namespace

ForkPlan PlanRetry(const std::vector<ActivationRecord>& history,
                   const std::vector<HistoryEvent>& mail) {
  ForkPlan plan;
  if (history.empty()) return plan;
  OpenThings open(plan);
  for (size_t i = 0; i + 1 < history.size(); ++i) {
    for (const auto& event : history[i].events()) {
      open.Apply(event);
      plan.last_event_id = event.event_id();
    }
  }
  plan.cut_off = history.back().events(0);
  if (plan.cut_off.has_activity_completed()) open.Apply(plan.cut_off);
  for (const HistoryEvent& event : mail) open.Apply(event);
  open.Finish();
  if (ComesAgain(plan.cut_off)) {
    HistoryEvent& again = plan.again.emplace_back(plan.cut_off);
    again.clear_event_id();
    again.clear_activation();
    again.clear_event_time();
    again.clear_build_id();
    again.clear_internal_flags();
  }
  plan.again.insert(plan.again.end(), mail.begin(), mail.end());
  return plan;
}

}  // namespace anabranch::core
