#include "orchestrator/core/decide.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/proto_time.h"

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
