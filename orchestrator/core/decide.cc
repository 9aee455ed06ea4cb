#include "orchestrator/core/decide.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/core/child.h"
#include "sdk/activity_defaults.h"
#include "sdk/failure.h"
#include "sdk/markers.h"

namespace anabranch::core {
namespace {

using api::Command;
using api::HistoryEvent;

HistoryEvent Refused(const Command& command, const std::string& why) {
  HistoryEvent event;
  auto* refused = event.mutable_command_refused();
  refused->set_seq(command.seq());
  refused->set_command(CommandKind(command));
  refused->set_name(CommandName(command));
  *refused->mutable_failure() = sdk::MakeFailure(sdk::kFailureRefused, why);
  return event;
}

HistoryEvent DecideSchedule(const RunState& state, const Command& command) {
  const auto& schedule = command.schedule_activity();
  if (static_cast<int>(state.open_activities.size()) >=
      limits::kOpenActivitiesPerRunMax) {
    return Refused(command,
                   "more than " +
                       std::to_string(limits::kOpenActivitiesPerRunMax) +
                       " open activities in one run: wait for some first");
  }
  if (schedule.activity_type().empty()) {
    return Refused(command, "the activity has no type");
  }
  auto options =
      sdk::ResolveOptions(schedule.activity_type(), schedule.options());
  if (!options.ok()) {
    return Refused(command, "activity options: " +
                                std::string(options.status().message()));
  }
  HistoryEvent event;
  auto* scheduled = event.mutable_activity_scheduled();
  scheduled->set_seq(command.seq());
  scheduled->set_activity_type(schedule.activity_type());
  scheduled->set_name(schedule.name());
  *scheduled->mutable_input() = schedule.input();
  *scheduled->mutable_attachments() = schedule.attachments();
  *scheduled->mutable_options() = *std::move(options);
  return event;
}

HistoryEvent DecideTimer(const RunState& state, const Command& command,
                         absl::Time now) {
  if (static_cast<int>(state.open_timers.size()) >=
      limits::kOpenTimersPerRunMax) {
    return Refused(command, "more than " +
                                std::to_string(limits::kOpenTimersPerRunMax) +
                                " open timers in one run");
  }
  HistoryEvent event;
  auto* started = event.mutable_timer_started();
  started->set_seq(command.seq());
  *started->mutable_duration() = command.start_timer().duration();
  *started->mutable_fire_time() =
      ToProto(now + FromProto(command.start_timer().duration()));
  return event;
}

HistoryEvent DecideMarker(const RunState& state, const Command& command) {
  const auto& marker = command.record_marker();
  constexpr size_t kPrefix = sizeof(sdk::kPublishPrefix) - 1;
  if (marker.name().starts_with(sdk::kPublishPrefix) &&
      !state.published.contains(marker.name().substr(kPrefix)) &&
      state.published.size() >= limits::kPublishedValuesMax) {
    return Refused(command,
                   absl::StrCat("more than ", limits::kPublishedValuesMax,
                                " published names in one run: publish under "
                                "a name that is there, or one larger value"));
  }
  HistoryEvent event;
  auto* recorded = event.mutable_marker_recorded();
  recorded->set_seq(command.seq());
  recorded->set_name(marker.name());
  *recorded->mutable_value() = marker.value();
  return event;
}

HistoryEvent DecideChild(const RunState& state, const Command& command) {
  auto scheduled = ScheduleChild(state, command.seq(), command.start_child());
  if (!scheduled.ok()) {
    return Refused(command, std::string(scheduled.status().message()));
  }
  HistoryEvent event;
  *event.mutable_child_scheduled() = *std::move(scheduled);
  return event;
}

// "2 activities (seq 3, 5) and 1 child (seq 4)", or nothing: what keeps the
// generation from being left behind.
std::string StillAttached(const RunState& state) {
  std::vector<int64_t> activities;
  std::set_difference(
      state.open_activities.begin(), state.open_activities.end(),
      state.given_up_activities.begin(), state.given_up_activities.end(),
      std::back_inserter(activities));
  std::vector<int64_t> children;
  for (const auto& [seq, child] : state.open_children) {
    if (child.parent_close_policy() != api::PARENT_CLOSE_POLICY_ABANDON) {
      children.push_back(seq);
    }
  }
  static constexpr size_t kNamedMax = 10;
  std::vector<std::string> parts;
  auto describe = [&parts](const char* one, const char* many,
                           std::vector<int64_t> seqs) {
    if (seqs.empty()) return;
    const size_t count = seqs.size();
    seqs.resize(std::min(count, kNamedMax));
    parts.push_back(absl::StrCat(count, " ", count == 1 ? one : many, " (seq ",
                                 absl::StrJoin(seqs, ", "),
                                 count > kNamedMax ? ", …)" : ")"));
  };
  describe("activity", "activities", std::move(activities));
  describe("child", "children", std::move(children));
  return absl::StrJoin(parts, " and ");
}

template <typename Attributes>
void ListUnread(Attributes& attributes, const FlowFacts& facts) {
  for (const auto& signal : facts.unread_signals) {
    *attributes.add_unread_signals() = signal;
  }
}

HistoryEvent DecideContinue(const RunState& state, const Command& command,
                            const FlowFacts& facts) {
  const std::string attached = StillAttached(state);
  if (!attached.empty()) {
    return Refused(command, absl::StrCat("still open: ", attached,
                                         ". Wait for them or cancel them "
                                         "before continuing as new"));
  }
  HistoryEvent event;
  auto* continued = event.mutable_run_continued_as_new();
  continued->set_seq(command.seq());
  *continued->mutable_input() = command.continue_as_new().input();
  ListUnread(*continued, facts);
  return event;
}

}  // namespace

HistoryEvent DecideCommand(const RunState& state, const Command& command,
                           const FlowFacts& facts, absl::Time now) {
  HistoryEvent event;
  switch (command.kind_case()) {
    case Command::kScheduleActivity:
      return DecideSchedule(state, command);
    case Command::kStartTimer:
      return DecideTimer(state, command, now);
    case Command::kCancelActivity:
      event.mutable_activity_cancel_requested()->set_seq(command.seq());
      event.mutable_activity_cancel_requested()->set_activity_seq(
          command.cancel_activity().activity_seq());
      return event;
    case Command::kCancelTimer:
      event.mutable_timer_cancelled()->set_seq(command.seq());
      event.mutable_timer_cancelled()->set_timer_seq(
          command.cancel_timer().timer_seq());
      return event;
    case Command::kRecordMarker:
      return DecideMarker(state, command);
    case Command::kCompleteRun:
      *event.mutable_run_completed()->mutable_result() =
          command.complete_run().result();
      ListUnread(*event.mutable_run_completed(), facts);
      return event;
    case Command::kFailRun:
      *event.mutable_run_failed()->mutable_failure() =
          command.fail_run().failure();
      ListUnread(*event.mutable_run_failed(), facts);
      return event;
    case Command::kCancelRun:
      event.mutable_run_cancelled()->set_reason(state.run.reason());
      ListUnread(*event.mutable_run_cancelled(), facts);
      return event;
    case Command::kStartChild:
      return DecideChild(state, command);
    case Command::kCancelChild:
      event.mutable_child_cancel_requested()->set_seq(command.seq());
      event.mutable_child_cancel_requested()->set_child_seq(
          command.cancel_child().child_seq());
      return event;
    case Command::kContinueAsNew:
      return DecideContinue(state, command, facts);
    case Command::KIND_NOT_SET:
      return Refused(command, "a command of no kind");
  }
  return Refused(command, "a command of an unknown kind");
}

bool IsClosing(const Command& command) {
  return command.has_complete_run() || command.has_fail_run() ||
         command.has_cancel_run() || command.has_continue_as_new();
}

bool ConcernsFlow(const HistoryEvent& event) {
  return event.has_command_refused() || event.has_run_continued_as_new();
}

std::string CommandKind(const Command& command) {
  switch (command.kind_case()) {
    case Command::kScheduleActivity:
      return "SCHEDULE_ACTIVITY";
    case Command::kCancelActivity:
      return "CANCEL_ACTIVITY";
    case Command::kStartTimer:
      return "START_TIMER";
    case Command::kCancelTimer:
      return "CANCEL_TIMER";
    case Command::kRecordMarker:
      return "RECORD_MARKER";
    case Command::kCompleteRun:
      return "COMPLETE_RUN";
    case Command::kFailRun:
      return "FAIL_RUN";
    case Command::kCancelRun:
      return "CANCEL_RUN";
    case Command::kStartChild:
      return "START_CHILD";
    case Command::kCancelChild:
      return "CANCEL_CHILD";
    case Command::kContinueAsNew:
      return "CONTINUE_AS_NEW";
    case Command::KIND_NOT_SET:
      break;
  }
  return "NOTHING";
}

std::string CommandKind(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityScheduled:
      return "SCHEDULE_ACTIVITY";
    case HistoryEvent::kActivityCancelRequested:
      return "CANCEL_ACTIVITY";
    case HistoryEvent::kTimerStarted:
      return "START_TIMER";
    case HistoryEvent::kTimerCancelled:
      return "CANCEL_TIMER";
    case HistoryEvent::kMarkerRecorded:
      return "RECORD_MARKER";
    case HistoryEvent::kRunCompleted:
      return "COMPLETE_RUN";
    case HistoryEvent::kRunFailed:
      return "FAIL_RUN";
    case HistoryEvent::kRunCancelled:
      return "CANCEL_RUN";
    case HistoryEvent::kChildScheduled:
      return "START_CHILD";
    case HistoryEvent::kChildCancelRequested:
      return "CANCEL_CHILD";
    case HistoryEvent::kRunContinuedAsNew:
      return "CONTINUE_AS_NEW";
    case HistoryEvent::kCommandRefused:
      return event.command_refused().command();
    default:
      return "";
  }
}

std::string CommandName(const Command& command) {
  if (command.has_schedule_activity()) {
    return command.schedule_activity().activity_type();
  }
  if (command.has_record_marker()) return command.record_marker().name();
  if (command.has_start_child()) return command.start_child().flow();
  return "";
}

std::string CommandName(const HistoryEvent& event) {
  if (event.has_activity_scheduled()) {
    return event.activity_scheduled().activity_type();
  }
  if (event.has_marker_recorded()) return event.marker_recorded().name();
  if (event.has_child_scheduled()) return event.child_scheduled().flow();
  if (event.has_command_refused()) return event.command_refused().name();
  return "";
}

int64_t CommandSeq(const Command& command) {
  switch (command.kind_case()) {
    case Command::kCompleteRun:
    case Command::kFailRun:
    case Command::kCancelRun:
      return 0;
    default:
      return command.seq();
  }
}

int64_t CommandSeq(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityScheduled:
      return event.activity_scheduled().seq();
    case HistoryEvent::kActivityCancelRequested:
      return event.activity_cancel_requested().seq();
    case HistoryEvent::kTimerStarted:
      return event.timer_started().seq();
    case HistoryEvent::kTimerCancelled:
      return event.timer_cancelled().seq();
    case HistoryEvent::kMarkerRecorded:
      return event.marker_recorded().seq();
    case HistoryEvent::kChildScheduled:
      return event.child_scheduled().seq();
    case HistoryEvent::kChildCancelRequested:
      return event.child_cancel_requested().seq();
    case HistoryEvent::kRunContinuedAsNew:
      return event.run_continued_as_new().seq();
    case HistoryEvent::kCommandRefused:
      return event.command_refused().seq();
    default:
      return 0;
  }
}

}  // namespace anabranch::core
