#include "client/cli/run_view.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

// The activity that an event closes; 0 for other events.
int64_t ClosedActivity(const v1::HistoryEvent& event) {
  switch (event.attributes_case()) {
    case v1::HistoryEvent::kActivityCompleted:
      return event.activity_completed().seq();
    case v1::HistoryEvent::kActivityFailed:
      return event.activity_failed().seq();
    case v1::HistoryEvent::kActivityTimedOut:
      return event.activity_timed_out().seq();
    case v1::HistoryEvent::kActivityCancelled:
      return event.activity_cancelled().seq();
    default:
      return 0;
  }
}

// What somebody who waits for the result wants to know.
bool IsBadNews(const v1::HistoryEvent& event) {
  return event.has_activity_failed() || event.has_activity_timed_out() ||
         event.has_command_refused() || event.has_cancel_requested();
}

}  // namespace

void RunView::Take(const v1::WatchRunResponse& message) {
  switch (message.kind_case()) {
    case v1::WatchRunResponse::kEvent:
      TakeEvent(message.event());
      break;
    case v1::WatchRunResponse::kActivity:
      TakeActivity(message.activity());
      break;
    case v1::WatchRunResponse::kProgress:
      if (closed_.count(message.progress().seq()) > 0) break;
      tokens_.SetLabel(message.progress().seq(),
                       names_.Get(message.progress().seq()));
      tokens_.Take(message.progress());
      break;
    case v1::WatchRunResponse::kFinalRun:
      tokens_.BreakLine();
      if (options_.events) out_ << Epitaph(message.final_run()) << std::endl;
      break;
    case v1::WatchRunResponse::KIND_NOT_SET:
      break;
  }
}

void RunView::TakeEvent(const v1::HistoryEvent& event) {
  names_.Learn(event);
  if (const int64_t seq = ClosedActivity(event); seq > 0) {
    closed_.insert(seq);
    tokens_.End(seq);
  }
  if (!options_.events && !IsBadNews(event)) return;
  tokens_.BreakLine();
  out_ << EventLine(event, names_, options_.zone) << std::endl;
}

void RunView::TakeActivity(const v1::ActivityInfo& activity) {
  names_.Learn(activity);
  if (closed_.count(activity.seq()) > 0) return;
  // Where every event is shown the rest says enough.
  const bool news = activity.state() == v1::ACTIVITY_STATE_BACKING_OFF ||
                    activity.no_worker() || activity.attempt() > 1 ||
                    options_.events;
  if (!news) return;
  tokens_.BreakLine();
  out_ << (options_.events ? "      " : "")
       << ActivityLine(activity, names_, options_.zone) << std::endl;
}

std::string Epitaph(const v1::Run& run) {
  std::string text =
      absl::StrCat("run ", run.run_id(), " ", StateName(run.state()));
  if (run.has_close_time() && run.has_create_time()) {
    absl::StrAppend(&text, " after ",
                    HumanDuration(FromProto(run.close_time()) -
                                  FromProto(run.create_time())));
  }
  if (run.has_failure()) {
    absl::StrAppend(&text, ": ", FailureText(run.failure()));
  } else if (!run.reason().empty()) {
    absl::StrAppend(&text, ": ", run.reason());
  }
  if (run.usage().calls() > 0) {
    absl::StrAppend(&text, " (", run.usage().calls(), " calls, ",
                    run.usage().input_tokens(), " tokens in, ",
                    run.usage().output_tokens(), " out)");
  }
  return OneLine(text);
}

}  // namespace anabranch::cli
