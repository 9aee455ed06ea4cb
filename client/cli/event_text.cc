#include "client/cli/event_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/text.h"
#include "client/lib/payload.h"

namespace anabranch::cli {
namespace {

constexpr int kPreviewColumns = 60;

std::string Number(int64_t seq) { return absl::StrCat("#", seq); }

// How an activity came to its end.
std::string Closing(const v1::ActivityInfo& info) {
  std::string text = absl::StrCat("attempt ", info.attempt());
  if (info.failed_attempts() > 0) {
    absl::StrAppend(&text, ", ", info.failed_attempts(), " failed");
  }
  if (info.lost_attempts() > 0) {
    absl::StrAppend(&text, ", ", info.lost_attempts(), " lost");
  }
  if (!info.worker().empty()) absl::StrAppend(&text, ", on ", info.worker());
  return text;
}

std::string RetryText(v1::RetryState state) {
  return ShortEnum(v1::RetryState_Name(state), "RETRY_STATE_");
}

std::string HowRetriesEnded(v1::RetryState state) {
  return state == v1::RETRY_STATE_UNSPECIFIED
             ? ""
             : absl::StrCat(" (", RetryText(state), ")");
}

// What came with a run's start beside its flow and input.
std::string Start(const v1::RunStarted& started) {
  std::string text =
      absl::StrCat(started.flow(), " ", PayloadPreview(started.input()));
  if (started.generation() > 1) {
    absl::StrAppend(&text, ", generation ", started.generation());
  }
  if (started.has_parent()) {
    absl::StrAppend(&text, ", child ", Number(started.parent().seq()), " of ",
                    started.parent().run_id());
  }
  for (const v1::SignalReceived& signal : started.signals()) {
    absl::StrAppend(&text, ", signal ", signal.name());
  }
  return text;
}

// Events of children, on the parent's side.
std::string Child(const v1::HistoryEvent& event) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kChildScheduled: {
      const auto& scheduled = event.child_scheduled();
      return absl::StrCat(Number(scheduled.seq()), " ", scheduled.flow(), " ",
                          scheduled.run_id(), " ",
                          PayloadPreview(scheduled.input()));
    }
    case v1::HistoryEvent::kChildStarted:
      return absl::StrCat(Number(event.child_started().seq()), " ",
                          event.child_started().run_id());
    case v1::HistoryEvent::kChildClosed: {
      const auto& closed = event.child_closed();
      std::string text =
          absl::StrCat(Number(closed.seq()), " ", closed.run_id(), " ");
      if (closed.state() == v1::RUN_STATE_UNSPECIFIED) {
        absl::StrAppend(&text, "not started");
      } else {
        absl::StrAppend(&text, StateName(closed.state()));
      }
      if (closed.has_failure()) {
        absl::StrAppend(&text, ": ", FailureText(closed.failure()));
      } else if (closed.has_result()) {
        absl::StrAppend(&text, ": ", PayloadPreview(closed.result()));
      }
      return text;
    }
    case v1::HistoryEvent::kChildCancelRequested:
      return Number(event.child_cancel_requested().child_seq());
    default:
      return "";
  }
}

// Events of operators, and of generations that begin and end.
std::string Administrative(const v1::HistoryEvent& event) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kRunTerminated:
      return event.run_terminated().reason();
    case v1::HistoryEvent::kRunPaused:
      return event.run_paused().reason();
    case v1::HistoryEvent::kRunResumed:
      return event.run_resumed().reason();
    case v1::HistoryEvent::kRunTimedOut:
      return absl::StrCat(
          "its time was up at ",
          FormatTime(event.run_timed_out().deadline(), absl::UTCTimeZone()),
          " UTC");
    case v1::HistoryEvent::kForked:
      return absl::StrCat("goes on after event ",
                          event.forked().source_event_id(), " of ",
                          event.forked().source_uid(), ", before ",
                          event.forked().cut_before());
    case v1::HistoryEvent::kRunContinuedAsNew:
      return absl::StrCat(PayloadPreview(event.run_continued_as_new().input()),
                          " as ", event.run_continued_as_new().uid());
    default:
      return "";
  }
}

std::string Stimulus(const v1::HistoryEvent& event,
                     const ActivityNames& names) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kRunStarted:
      return Start(event.run_started());
    case v1::HistoryEvent::kSignalReceived:
      return absl::StrCat(event.signal_received().name(), " ",
                          PayloadPreview(event.signal_received().input()));
    case v1::HistoryEvent::kCancelRequested:
      return event.cancel_requested().reason();
    case v1::HistoryEvent::kActivityCompleted: {
      const auto& done = event.activity_completed();
      return absl::StrCat(Number(done.seq()), " ", names.Get(done.seq()), ", ",
                          Closing(done.info()), ": ",
                          PayloadPreview(done.result()));
    }
    case v1::HistoryEvent::kActivityFailed: {
      const auto& failed = event.activity_failed();
      return absl::StrCat(Number(failed.seq()), " ", names.Get(failed.seq()),
                          ", ", Closing(failed.info()), ": ",
                          FailureText(failed.failure()), " (",
                          RetryText(failed.retry_state()), ")");
    }
    case v1::HistoryEvent::kActivityTimedOut: {
      const auto& timeout = event.activity_timed_out();
      return absl::StrCat(
          Number(timeout.seq()), " ", names.Get(timeout.seq()), ", ",
          ShortEnum(v1::TimeoutType_Name(timeout.timeout_type()),
                    "TIMEOUT_TYPE_"),
          ", ", Closing(timeout.info()),
          HowRetriesEnded(timeout.retry_state()));
    }
    case v1::HistoryEvent::kActivityCancelled:
      return absl::StrCat(Number(event.activity_cancelled().seq()), " ",
                          names.Get(event.activity_cancelled().seq()));
    case v1::HistoryEvent::kTimerFired:
      return Number(event.timer_fired().seq());
    default:
      return Child(event);
  }
}

std::string CommandEvent(const v1::HistoryEvent& event,
                         const ActivityNames& names) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kActivityScheduled: {
      const auto& scheduled = event.activity_scheduled();
      return absl::StrCat(Number(scheduled.seq()), " ",
                          scheduled.activity_type(), " ", scheduled.name());
    }
    case v1::HistoryEvent::kActivityCancelRequested: {
      const int64_t seq = event.activity_cancel_requested().activity_seq();
      return absl::StrCat(Number(seq), " ", names.Get(seq));
    }
    case v1::HistoryEvent::kTimerStarted:
      return absl::StrCat(
          Number(event.timer_started().seq()), " ",
          HumanDuration(FromProto(event.timer_started().duration())));
    case v1::HistoryEvent::kTimerCancelled:
      return Number(event.timer_cancelled().timer_seq());
    case v1::HistoryEvent::kMarkerRecorded:
      return absl::StrCat(event.marker_recorded().name(), " ",
                          PayloadPreview(event.marker_recorded().value()));
    case v1::HistoryEvent::kCommandRefused:
      return absl::StrCat(event.command_refused().command(), " ",
                          event.command_refused().name(), ": ",
                          FailureText(event.command_refused().failure()));
    case v1::HistoryEvent::kRunCompleted:
      return PayloadPreview(event.run_completed().result());
    case v1::HistoryEvent::kRunFailed:
      return FailureText(event.run_failed().failure());
    case v1::HistoryEvent::kRunCancelled:
      return event.run_cancelled().reason();
    case v1::HistoryEvent::kRunTerminated:
    case v1::HistoryEvent::kRunPaused:
    case v1::HistoryEvent::kRunResumed:
    case v1::HistoryEvent::kRunTimedOut:
    case v1::HistoryEvent::kForked:
    case v1::HistoryEvent::kRunContinuedAsNew:
      return Administrative(event);
    default:
      return Stimulus(event, names);
  }
}

}  // namespace

void ActivityNames::Learn(const v1::HistoryEvent& event) {
  if (!event.has_activity_scheduled()) return;
  const auto& scheduled = event.activity_scheduled();
  names_[scheduled.seq()] =
      scheduled.name().empty() ? scheduled.activity_type() : scheduled.name();
}

void ActivityNames::Learn(const v1::ActivityInfo& activity) {
  const std::string& name =
      activity.name().empty() ? activity.activity_type() : activity.name();
  if (!name.empty()) names_[activity.seq()] = name;
}

std::string ActivityNames::Get(int64_t seq) const {
  const auto found = names_.find(seq);
  return found == names_.end() ? Number(seq) : found->second;
}

std::string EventName(const v1::HistoryEvent& event) {
  const auto* field = v1::HistoryEvent::descriptor()->FindFieldByNumber(
      event.attributes_case());
  return field == nullptr ? "Unknown" : field->message_type()->name();
}

std::string EventDetail(const v1::HistoryEvent& event,
                        const ActivityNames& names) {
  return OneLine(CommandEvent(event, names));
}

std::string EventLine(const v1::HistoryEvent& event, const ActivityNames& names,
                      absl::TimeZone zone) {
  std::string line =
      absl::StrFormat("%4d  %s  %-23s %s", event.event_id(),
                      FormatClock(event.event_time(), zone), EventName(event),
                      EventDetail(event, names));
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string ActivityLine(const v1::ActivityInfo& activity,
                         const ActivityNames& names, absl::TimeZone zone) {
  std::string line =
      absl::StrCat(Number(activity.seq()), " ", names.Get(activity.seq()));
  switch (activity.state()) {
    case v1::ACTIVITY_STATE_READY:
      absl::StrAppend(&line,
                      activity.no_worker()
                          ? " waits: no connected worker offers "
                          : " waits for a worker: ",
                      activity.activity_type());
      break;
    case v1::ACTIVITY_STATE_RUNNING:
      absl::StrAppend(&line, " attempt ", activity.attempt(), " runs");
      if (!activity.worker().empty()) {
        absl::StrAppend(&line, " on ", activity.worker());
      }
      break;
    case v1::ACTIVITY_STATE_BACKING_OFF:
      absl::StrAppend(&line, " attempt ", activity.attempt(),
                      " failed: ", FailureText(activity.last_failure()),
                      "; again at ",
                      FormatClock(activity.next_attempt_time(), zone));
      break;
    case v1::ACTIVITY_STATE_PARKED:
      absl::StrAppend(&line, " is parked after attempt ", activity.attempt(),
                      ": ", FailureText(activity.last_failure()),
                      HowRetriesEnded(activity.parked_because()),
                      "; 'runs retry' releases it");
      break;
    default:
      absl::StrAppend(&line, " attempt ", activity.attempt(), " ended");
  }
  return OneLine(line);
}

std::string PayloadPreview(const v1::Payload& payload) {
  if (payload.kind_case() == v1::Payload::KIND_NOT_SET) return "";
  if (payload.has_ref()) {
    return absl::StrCat("<", FormatBytes(payload.ref().size_bytes()), ">");
  }
  const auto json = client::PayloadToJson(payload);
  return json.ok() ? Truncate(OneLine(*json), kPreviewColumns) : "";
}

std::string FailureText(const v1::Failure& failure) {
  if (failure.type().empty()) return failure.message();
  if (failure.message().empty()) return failure.type();
  return absl::StrCat(failure.type(), ": ", failure.message());
}

std::string StateName(v1::RunState state) {
  return ShortEnum(v1::RunState_Name(state), "RUN_STATE_");
}

bool IsClosed(v1::RunState state) { return state >= v1::RUN_STATE_COMPLETED; }

}  // namespace anabranch::cli
