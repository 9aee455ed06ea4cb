#include "orchestrator/rpc/waiting.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%.1f s", absl::ToDoubleSeconds(std::max(
                                       duration, absl::ZeroDuration())));
}

std::string Named(const api::ActivityInfo& activity) {
  std::string text =
      absl::StrCat("activity ", activity.seq(), " ", activity.activity_type());
  if (!activity.name().empty()) {
    absl::StrAppend(&text, " (", Shortened(activity.name()), ")");
  }
  return text;
}

std::string BackingOff(const api::ActivityInfo& activity, absl::Time now) {
  std::string after = activity.last_failure().type();
  return absl::StrCat(
      "attempt ", activity.attempt() + 1, " in ",
      Seconds(ToTime(activity.next_attempt_time()) - now),
      after.empty() ? "" : absl::StrCat(" after ", Shortened(after)));
}

std::string Running(const api::ActivityInfo& activity, absl::Time now) {
  std::string where =
      activity.worker().empty() ? activity.session() : activity.worker();
  return absl::StrCat("attempt ", activity.attempt(), " runs on ",
                      Shortened(where), " since ",
                      Seconds(now - ToTime(activity.start_time())));
}

std::string Parked(const api::ActivityInfo& activity) {
  std::string after = activity.last_failure().type();
  const bool final_failure =
      activity.parked_because() == api::RETRY_STATE_NON_RETRYABLE_FAILURE;
  return absl::StrCat(
      "parked", after.empty() ? "" : absl::StrCat(" after ", Shortened(after)),
      final_failure ? ", which is not retried" : ", with no attempts left",
      ": `anabranch runs retry` starts it again");
}

std::string Ready(const api::ActivityInfo& activity) {
  // The default queue goes without saying.
  const std::string queue =
      activity.task_queue().empty() || activity.task_queue() == "default"
          ? ""
          : absl::StrCat(" on queue ", activity.task_queue());
  return activity.no_worker()
             ? absl::StrCat("no connected worker offers this type", queue)
             : absl::StrCat("waits for a free worker", queue);
}

std::string Sentence(const api::ActivityInfo& activity, absl::Time now) {
  std::string text = Named(activity) + ": ";
  switch (activity.state()) {
    case api::ACTIVITY_STATE_BACKING_OFF:
      return text + BackingOff(activity, now);
    case api::ACTIVITY_STATE_RUNNING:
      return text + Running(activity, now);
    case api::ACTIVITY_STATE_PARKED:
      return text + Parked(activity);
    default:
      return text + Ready(activity);
  }
}

// Higher is more telling.
int Weight(const api::ActivityInfo& activity) {
  if (activity.no_worker()) return 3;
  switch (activity.state()) {
    // Nothing goes on without somebody's doing.
    case api::ACTIVITY_STATE_PARKED:
      return 4;
    case api::ACTIVITY_STATE_BACKING_OFF:
      return 2;
    case api::ACTIVITY_STATE_RUNNING:
      return 0;
    default:
      return 1;
  }
}

std::string TimerSentence(const api::Run& run, absl::Time now) {
  const auto& timers = run.waiting_timers();
  auto first = std::min_element(
      timers.begin(), timers.end(), [](const auto& a, const auto& b) {
        return ToTime(a.fire_time()) < ToTime(b.fire_time());
      });
  return absl::StrCat("timer ", first->seq(), ": fires in ",
                      Seconds(ToTime(first->fire_time()) - now));
}

std::string ChildSentence(const api::Run& run) {
  const api::ChildInfo& child = run.waiting_children(0);
  return absl::StrCat("child ", child.seq(), " ", Shortened(child.run_id()),
                      " (", Shortened(child.flow()), ")",
                      child.started() ? ": its end" : ": its start");
}

std::string PausedSentence(const api::Pause& pause) {
  return absl::StrCat(
      "ResumeRun: it is paused since ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", ToTime(pause.time()),
                       absl::UTCTimeZone()),
      pause.reason().empty()
          ? ""
          : absl::StrCat(": ", Shortened(pause.reason(), 200)));
}

std::string BlockedSentence(const api::Blocked& blocked) {
  std::string_view reason = api::BlockedReason_Name(blocked.reason());
  reason.remove_prefix(
      std::min(reason.size(), std::string_view("BLOCKED_REASON_").size()));
  return absl::StrCat("a build of the flow that can go on: blocked by ",
                      absl::string_view(reason.data(), reason.size()),
                      " at event ", blocked.event_id());
}

}  // namespace

bool IsClosed(api::RunState state) {
  switch (state) {
    case api::RUN_STATE_COMPLETED:
    case api::RUN_STATE_FAILED:
    case api::RUN_STATE_CANCELLED:
    case api::RUN_STATE_TERMINATED:
    case api::RUN_STATE_TIMED_OUT:
      return true;
    default:
      return false;
  }
}

void MarkNoWorker(api::Run& run, const std::vector<api::Worker>& workers) {
  // Queue and type.
  std::set<std::pair<std::string_view, std::string_view>> offered;
  for (const api::Worker& worker : workers) {
    if (worker.state() != api::WORKER_STATE_CONNECTED &&
        worker.state() != api::WORKER_STATE_SUSPECT) {
      continue;
    }
    for (const std::string& type : worker.activity_types()) {
      if (worker.task_queues().empty()) offered.emplace("default", type);
      for (const std::string& queue : worker.task_queues()) {
        offered.emplace(queue, type);
      }
    }
  }
  for (api::ActivityInfo& activity : *run.mutable_waiting_activities()) {
    std::string_view queue = activity.task_queue();
    if (queue.empty()) queue = "default";
    activity.set_no_worker(
        activity.state() == api::ACTIVITY_STATE_READY &&
        !offered.contains({queue, activity.activity_type()}));
  }
}

std::string WaitingFor(const api::Run& run, absl::Time now) {
  if (IsClosed(run.state())) return "";
  if (run.has_blocked()) return BlockedSentence(run.blocked());
  if (run.has_pause()) return PausedSentence(run.pause());
  const auto& activities = run.waiting_activities();
  int others = run.waiting_activities_size() + run.waiting_children_size() +
               run.waiting_timers_size() - 1;
  std::string text;
  if (!activities.empty()) {
    auto telling = std::max_element(
        activities.begin(), activities.end(),
        [](const auto& a, const auto& b) { return Weight(a) < Weight(b); });
    text = Sentence(*telling, now);
  } else if (run.waiting_children_size() > 0) {
    text = ChildSentence(run);
  } else if (run.waiting_timers_size() > 0) {
    text = TimerSentence(run, now);
  } else {
    return "a signal, or its next step";
  }
  if (others > 0) absl::StrAppend(&text, " (and ", others, " more)");
  return text;
}

}  // namespace anabranch::rpc
