#include "tests/sim/grammar.h"

#include "absl/strings/str_cat.h"

namespace anabranch::sim {
namespace {

using anabranch::v1::HistoryEvent;

// The alphabet's numbers: 10 to 29 are stimuli, 30 to 49 command events, from
// 50 on administrative.
int NumberOf(const HistoryEvent& event) {
  return static_cast<int>(event.attributes_case());
}
bool IsCommandEvent(const HistoryEvent& event) {
  return NumberOf(event) >= 30 && NumberOf(event) < 50;
}

bool Closes(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kRunCompleted:
    case HistoryEvent::kRunFailed:
    case HistoryEvent::kRunCancelled:
    case HistoryEvent::kRunContinuedAsNew:
    case HistoryEvent::kRunTerminated:
    case HistoryEvent::kRunTimedOut:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string Grammar::Take(const storage::v1::ActivationRecord& activation) {
  if (activation.events().empty()) return "an empty activation";
  const HistoryEvent& first = activation.events(0);
  if (IsCommandEvent(first)) return "an activation begins with a command event";
  for (const HistoryEvent& event : activation.events()) {
    auto broken = [&event](std::string_view rule) {
      return absl::StrCat("event ", event.event_id(), ": ",
                          absl::string_view(rule.data(), rule.size()));
    };
    if (closed_) return broken("something follows the end");
    if (event.event_id() != last_event_ + 1) return broken("a gap before it");
    last_event_ = event.event_id();
    if (event.activation() != first.event_id()) {
      return broken("it names another activation");
    }
    if (event.event_time().SerializeAsString() !=
        first.event_time().SerializeAsString()) {
      return broken("it has another time than its stimulus");
    }
    if (&event != &first && !IsCommandEvent(event)) {
      return broken("a second stimulus in one activation");
    }
    std::string rule = TakeEvent(event);
    if (!rule.empty()) return broken(rule);
    closed_ = Closes(event);
  }
  return "";
}

std::string Grammar::TakeEvent(const HistoryEvent& event) {
  const bool begins = event.has_run_started() || event.has_forked();
  // A generation that had not begun yet may be over at once.
  const bool never_began =
      event.event_id() == 1 &&
      (event.has_run_terminated() || event.has_run_timed_out());
  if (begins != (event.event_id() == 1) && !event.has_forked() &&
      !never_began) {
    return "a history begins with RunStarted, once";
  }
  if (IsCommandEvent(event)) return TakeCommand(event);
  return TakeStimulus(event);
}

std::string Grammar::TakeStimulus(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityCompleted:
      return Close(event.activity_completed().seq(), Thing::kActivity);
    case HistoryEvent::kActivityFailed:
      return Close(event.activity_failed().seq(), Thing::kActivity);
    case HistoryEvent::kActivityTimedOut:
      return Close(event.activity_timed_out().seq(), Thing::kActivity);
    case HistoryEvent::kActivityCancelled:
      return Close(event.activity_cancelled().seq(), Thing::kActivity);
    case HistoryEvent::kTimerFired:
      return Close(event.timer_fired().seq(), Thing::kTimer);
    case HistoryEvent::kChildStarted: {
      auto child = things_.find(event.child_started().seq());
      if (child == things_.end() || child->second.thing != Thing::kChild ||
          !child->second.open || child->second.started) {
        return "a child started that was not to";
      }
      child->second.started = true;
      return "";
    }
    case HistoryEvent::kChildClosed:
      return Close(event.child_closed().seq(), Thing::kChild);
    case HistoryEvent::kRunPaused:
      if (paused_) return "paused twice";
      paused_ = true;
      return "";
    case HistoryEvent::kRunResumed:
      if (!paused_) return "resumed, but not paused";
      paused_ = false;
      return "";
    default:
      return "";
  }
}

std::string Grammar::TakeCommand(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityScheduled:
      return Open(event.activity_scheduled().seq(), Thing::kActivity);
    case HistoryEvent::kTimerStarted:
      return Open(event.timer_started().seq(), Thing::kTimer);
    case HistoryEvent::kChildScheduled:
      return Open(event.child_scheduled().seq(), Thing::kChild);
    case HistoryEvent::kActivityCancelRequested: {
      const auto& request = event.activity_cancel_requested();
      auto activity = things_.find(request.activity_seq());
      if (activity == things_.end() || !activity->second.open ||
          activity->second.thing != Thing::kActivity) {
        return "it cancels an activity that is not open";
      }
      if (activity->second.cancel_requested) {
        return "it cancels an activity a second time";
      }
      activity->second.cancel_requested = true;
      return Number(request.seq());
    }
    case HistoryEvent::kTimerCancelled: {
      std::string rule =
          Close(event.timer_cancelled().timer_seq(), Thing::kTimer);
      return rule.empty() ? Number(event.timer_cancelled().seq()) : rule;
    }
    case HistoryEvent::kChildCancelRequested: {
      const auto& request = event.child_cancel_requested();
      auto child = things_.find(request.child_seq());
      if (child == things_.end() || !child->second.open ||
          child->second.thing != Thing::kChild) {
        return "it cancels a child that is not open";
      }
      return Number(request.seq());
    }
    case HistoryEvent::kMarkerRecorded:
      return Number(event.marker_recorded().seq());
    case HistoryEvent::kCommandRefused:
      return Number(event.command_refused().seq());
    default:
      return "";
  }
}

std::string Grammar::Number(int64_t seq) {
  if (seq <= last_command_) {
    return absl::StrCat("command ", seq, " after ", last_command_);
  }
  last_command_ = seq;
  return "";
}

std::string Grammar::Open(int64_t seq, Thing thing) {
  std::string rule = Number(seq);
  if (!rule.empty()) return rule;
  things_[seq].thing = thing;
  return "";
}

std::string Grammar::Close(int64_t seq, Thing thing) {
  auto it = things_.find(seq);
  if (it == things_.end() || it->second.thing != thing) {
    return absl::StrCat("it closes ", seq, ", which was never opened");
  }
  if (!it->second.open) return absl::StrCat("it closes ", seq, " again");
  it->second.open = false;
  return "";
}

}  // namespace anabranch::sim
