#include "orchestrator/core/decide.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/limits.h"
#include "base/proto_time.h"
#include "sdk/markers.h"

namespace anabranch::core {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

api::Command Schedule(const std::string& type) {
  api::Command command;
  command.set_seq(5);
  command.mutable_schedule_activity()->set_activity_type(type);
  return command;
}

TEST(DecideCommand, ScheduledActivityHasAllOptions) {
  RunState state;
  auto event = DecideCommand(state, Schedule("claude.messages"), {}, kNow);
  ASSERT_TRUE(event.has_activity_scheduled());
  EXPECT_EQ(event.activity_scheduled().seq(), 5);
  EXPECT_EQ(event.activity_scheduled().options().kind(), "claude");
}

TEST(DecideCommand, BadOptionsAreRefusedByName) {
  api::Command command = Schedule("echo");
  command.mutable_schedule_activity()
      ->mutable_options()
      ->mutable_retry()
      ->set_jitter_factor(3);
  auto event = DecideCommand(RunState(), command, {}, kNow);
  ASSERT_TRUE(event.has_command_refused());
  EXPECT_EQ(event.command_refused().command(), "SCHEDULE_ACTIVITY");
  EXPECT_NE(event.command_refused().failure().message().find("jitter_factor"),
            std::string::npos);
}

TEST(DecideCommand, TooManyOpenActivitiesAreRefused) {
  RunState state;
  for (int i = 0; i < limits::kOpenActivitiesPerRunMax; ++i) {
    state.open_activities.insert(i + 100);
  }
  auto event = DecideCommand(state, Schedule("echo"), {}, kNow);
  EXPECT_TRUE(event.has_command_refused());
}

TEST(DecideCommand, TimersFireTheirDurationAfterTheStimulus) {
  api::Command command;
  command.set_seq(1);
  *command.mutable_start_timer()->mutable_duration() =
      ToProto(absl::Seconds(7));
  auto event = DecideCommand(RunState(), command, {}, kNow);
  EXPECT_EQ(FromProto(event.timer_started().fire_time()),
            kNow + absl::Seconds(7));
}

TEST(DecideCommand, ClosingListsUnreadSignals) {
  api::Command command;
  command.mutable_complete_run()->mutable_result()->set_json_text("1");
  FlowFacts facts;
  facts.unread_signals.emplace_back().set_name("late");
  auto event = DecideCommand(RunState(), command, facts, kNow);
  ASSERT_EQ(event.run_completed().unread_signals_size(), 1);
  EXPECT_EQ(event.run_completed().unread_signals(0).name(), "late");
}

api::Command Continue() {
  api::Command command;
  command.set_seq(9);
  command.mutable_continue_as_new()->mutable_input()->set_json_text("2");
  return command;
}

TEST(DecideCommand, ContinueAsNewTakesUnreadSignalsAlong) {
  RunState state;
  state.open_timers[3];  // dropped
  FlowFacts facts;
  facts.unread_signals.emplace_back().set_name("late");
  auto event = DecideCommand(state, Continue(), facts, kNow);
  ASSERT_TRUE(event.has_run_continued_as_new());
  const auto& continued = event.run_continued_as_new();
  EXPECT_EQ(continued.seq(), 9);
  EXPECT_EQ(continued.input().json_text(), "2");
  ASSERT_EQ(continued.unread_signals_size(), 1);
  EXPECT_EQ(continued.unread_signals(0).name(), "late");
}

TEST(DecideCommand, ContinueAsNewIsRefusedWhileThingsAreOpenAndNamesThem) {
  RunState state;
  state.open_activities = {3, 5};
  state.open_children[4];
  auto event = DecideCommand(state, Continue(), {}, kNow);
  ASSERT_TRUE(event.has_command_refused());
  EXPECT_EQ(event.command_refused().command(), "CONTINUE_AS_NEW");
  EXPECT_EQ(event.command_refused().failure().message(),
            "still open: 2 activities (seq 3, 5) and 1 child (seq 4). Wait "
            "for them or cancel them before continuing as new");
}

TEST(DecideCommand, ContinueAsNewLeavesWhatIsDetachedBehind) {
  RunState state;
  state.open_children[4].set_parent_close_policy(
      api::PARENT_CLOSE_POLICY_ABANDON);
  state.open_activities = {3};
  state.given_up_activities = {3};
  EXPECT_TRUE(
      DecideCommand(state, Continue(), {}, kNow).has_run_continued_as_new());
}

TEST(DecideCommand, ACancelledChildIsNotClosedYet) {
  api::Command command;
  command.set_seq(2);
  command.mutable_cancel_child()->set_child_seq(1);
  auto event = DecideCommand(RunState(), command, {}, kNow);
  EXPECT_EQ(event.child_cancel_requested().seq(), 2);
  EXPECT_EQ(event.child_cancel_requested().child_seq(), 1);
}

TEST(DecideCommand, ABadChildIsRefusedWithItsFlow) {
  api::Command command;
  command.mutable_start_child()->set_flow("echo");
  command.mutable_start_child()->set_run_id("-");
  auto event = DecideCommand(RunState(), command, {}, kNow);
  EXPECT_EQ(event.command_refused().command(), "START_CHILD");
  EXPECT_EQ(event.command_refused().name(), "echo");
}

TEST(DecideCommand, MoreThanTheLimitOfPublishedNamesIsRefused) {
  RunState state;
  for (int i = 0; i < limits::kPublishedValuesMax; ++i) {
    state.published["n" + std::to_string(i)];
  }
  api::Command command;
  command.mutable_record_marker()->set_name("publish:one more");
  EXPECT_TRUE(DecideCommand(state, command, {}, kNow).has_command_refused());
  command.mutable_record_marker()->set_name("publish:n7");
  EXPECT_TRUE(DecideCommand(state, command, {}, kNow).has_marker_recorded());
  command.mutable_record_marker()->set_name("side effect");
  EXPECT_TRUE(DecideCommand(state, command, {}, kNow).has_marker_recorded());
}

TEST(IsClosing, IsTrueOfWhatEndsAGeneration) {
  EXPECT_TRUE(IsClosing(Continue()));
  EXPECT_FALSE(IsClosing(Schedule("echo")));
  api::Command command;
  command.mutable_cancel_run();
  EXPECT_TRUE(IsClosing(command));
}

api::HistoryEvent Scheduled(int64_t seq, api::CancellationType type) {
  api::HistoryEvent event;
  event.mutable_activity_scheduled()->set_seq(seq);
  event.mutable_activity_scheduled()->mutable_options()->set_cancellation(type);
  return event;
}

TEST(RunState, KnowsWhichActivitiesTheFlowHasGivenUp) {
  RunState state;
  state.Apply(Scheduled(1, api::CANCELLATION_TYPE_TRY));
  state.Apply(Scheduled(2, api::CANCELLATION_TYPE_WAIT_COMPLETED));
  for (int64_t seq : {1, 2, 7}) {
    api::HistoryEvent cancelled;
    cancelled.mutable_activity_cancel_requested()->set_activity_seq(seq);
    state.Apply(cancelled);
  }
  EXPECT_EQ(state.open_activities, (std::set<int64_t>{1, 2}));
  EXPECT_EQ(state.given_up_activities, std::set<int64_t>{1});
  api::HistoryEvent closed;
  closed.mutable_activity_cancelled()->set_seq(1);
  state.Apply(closed);
  EXPECT_TRUE(state.given_up_activities.empty());
}

TEST(RunState, SuggestsToContinueAsNewFromTheFlaggedStimulusOn) {
  RunState state;
  api::HistoryEvent event;
  event.mutable_timer_fired();
  state.Apply(event);
  EXPECT_FALSE(state.run.continue_as_new_suggested());
  event.set_internal_flags(sdk::kFlagContinueAsNewSuggested);
  state.Apply(event);
  EXPECT_TRUE(state.run.continue_as_new_suggested());
}

TEST(RunState, FoldsWhatTheFlowPublishes) {
  EXPECT_EQ(std::string(kPublishMarker) + ":", sdk::kPublishPrefix);
  RunState state;
  api::HistoryEvent event;
  event.mutable_marker_recorded()->set_name("publish:progress");
  event.mutable_marker_recorded()->mutable_value()->set_json_text("1");
  state.Apply(event);
  EXPECT_EQ(state.published["progress"].json_text(), "1");
}

TEST(RunState, FoldsEventsIntoWhatPeopleSee) {
  RunState state;
  api::HistoryEvent started;
  started.set_event_id(1);
  *started.mutable_event_time() = ToProto(kNow);
  started.mutable_run_started()->set_flow("echo");
  state.Apply(started);
  EXPECT_EQ(state.run.state(), api::RUN_STATE_RUNNING);
  api::HistoryEvent scheduled;
  scheduled.set_event_id(2);
  scheduled.mutable_activity_scheduled()->set_seq(1);
  state.Apply(scheduled);
  EXPECT_EQ(state.open_activities.count(1), 1u);
  api::HistoryEvent completed;
  completed.set_event_id(3);
  *completed.mutable_event_time() = ToProto(kNow);
  completed.mutable_run_completed();
  state.Apply(completed);
  EXPECT_TRUE(state.closed());
  EXPECT_TRUE(state.open_activities.empty());
  EXPECT_EQ(state.run.history_events(), 3);
}

TEST(AddUsage, SumsCountsAndIgnoresNonsense) {
  api::UsageTotals totals;
  AddUsage(totals, R"({"input_tokens":3,"output_tokens":4})");
  AddUsage(totals, R"({"input_tokens":1,"cache_read_input_tokens":null})");
  AddUsage(totals, "not json");
  EXPECT_EQ(totals.input_tokens(), 4);
  EXPECT_EQ(totals.output_tokens(), 4);
  EXPECT_EQ(totals.calls(), 2);
}

}  // namespace
}  // namespace anabranch::core
