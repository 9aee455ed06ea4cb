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

std::string Stimulus(const v1::HistoryEvent& event,
                     const ActivityNames& names) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kRunStarted:
      return absl::StrCat(event.run_started().flow(), " ",
                          PayloadPreview(event.run_started().input()));
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
          ", ", Closing(timeout.info()));
    }
    case v1::HistoryEvent::kActivityCancelled:
      return absl::StrCat(Number(event.activity_cancelled().seq()), " ",
                          names.Get(event.activity_cancelled().seq()));
    case v1::HistoryEvent::kTimerFired:
      return Number(event.timer_fired().seq());
    default:
      return "";
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
      return event.run_terminated().reason();
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
