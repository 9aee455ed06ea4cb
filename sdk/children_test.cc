// Children, continue-as-new, start signals.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sdk/flow_context.h"
#include "sdk/flow_test_util.h"
#include "sdk/markers.h"

namespace anabranch::sdk {
namespace {

using anabranch::v1::RunState;

Future<Payload> AsksAChild(FlowContext& ctx, FlowInput input) {
  auto result = co_await ctx.StartChild({.flow = "echo",
                                         .run_id = "child",
                                         .input = input.payload,
                                         .run_timeout = absl::Seconds(9)});
  if (!result.ok()) co_return result.status();
  co_return *result;
}

TEST(StartChild, AsksForTheChildAndGivesItsResult) {
  FlowInstance flow(AsksAChild);
  flow.Deliver(Started("7"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  const auto& start = commands[0].start_child();
  EXPECT_EQ(start.flow(), "echo");
  EXPECT_EQ(start.run_id(), "child");
  EXPECT_EQ(start.input().json_text(), "7");
  EXPECT_EQ(start.run_timeout().seconds(), 9);
  EXPECT_EQ(start.parent_close_policy(),
            anabranch::v1::PARENT_CLOSE_POLICY_TERMINATE);
  flow.Deliver(ChildStartedEvent(1, "child"));
  EXPECT_TRUE(TakeAll(flow).empty());
  HistoryEvent closed = ChildClosedEvent(1, anabranch::v1::RUN_STATE_COMPLETED);
  *closed.mutable_child_closed()->mutable_result() = JsonPayload("8");
  flow.Deliver(closed);
  commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].complete_run().result().json_text(), "8");
}

Failure HowTheParentFails(const HistoryEvent& event) {
  FlowInstance flow(AsksAChild);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(event);
  auto commands = TakeAll(flow);
  EXPECT_EQ(commands.size(), 1u);
  return commands.at(0).fail_run().failure();
}

TEST(StartChild, FailsWithTheChildsOwnFailure) {
  HistoryEvent closed = ChildClosedEvent(1, anabranch::v1::RUN_STATE_FAILED);
  *closed.mutable_child_closed()->mutable_failure() =
      MakeFailure("overloaded_error", "busy");
  EXPECT_EQ(HowTheParentFails(closed).type(), "overloaded_error");
  EXPECT_EQ(HowTheParentFails(closed).message(), "busy");
}

TEST(StartChild, FailsByTheChildsStateWhereNothingElseIsSaid) {
  const std::pair<RunState, const char*> all[] = {
      {anabranch::v1::RUN_STATE_CANCELLED, "cancelled"},
      {anabranch::v1::RUN_STATE_TERMINATED, "terminated"},
      {anabranch::v1::RUN_STATE_TIMED_OUT, "timeout"},
      {anabranch::v1::RUN_STATE_FAILED, "child_failed"},
  };
  for (const auto& [state, type] : all) {
    Failure failure = HowTheParentFails(ChildClosedEvent(1, state));
    EXPECT_EQ(failure.type(), type);
    EXPECT_NE(failure.message().find("child"), std::string::npos);
  }
}

TEST(StartChild, FailsWhenTheCommandIsRefused) {
  EXPECT_EQ(HowTheParentFails(RefusedEvent(1)).type(), kFailureRefused);
}

TEST(StartChild, WaitsForAChildThatWasAskedToCancel) {
  FlowInstance flow(AsksAChild);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"cancel_child 1"});
  flow.Deliver(CancelEvent());
  EXPECT_TRUE(TakeAll(flow).empty()) << "asked once";
  flow.Deliver(ChildClosedEvent(1, anabranch::v1::RUN_STATE_CANCELLED));
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"cancel_run"});
}

TEST(StartChild, AChildThatCompletesAllTheSameGivesItsResult) {
  FlowInstance flow(AsksAChild);
  flow.Deliver(Started());
  flow.Deliver(CancelEvent());
  TakeAll(flow);
  flow.Deliver(ChildClosedEvent(1, anabranch::v1::RUN_STATE_COMPLETED));
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"complete_run"});
}

Future<Payload> LeavesAChild(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild(
      {.flow = "echo",
       .parent_close_policy = anabranch::v1::PARENT_CLOSE_POLICY_ABANDON});
  auto started = co_await ctx.ChildStarted(child);
  if (!started.ok()) co_return started.status();
  co_return JsonPayload("\"" + *started + "\"");
}

TEST(ChildStarted, ClosesWithTheChildsId) {
  FlowInstance flow(LeavesAChild);
  flow.Deliver(Started());
  EXPECT_EQ(TakeAll(flow)[0].start_child().parent_close_policy(),
            anabranch::v1::PARENT_CLOSE_POLICY_ABANDON);
  flow.Deliver(ChildStartedEvent(1, "r.1"));
  EXPECT_EQ(TakeAll(flow).at(0).complete_run().result().json_text(), "\"r.1\"");
}

TEST(ChildStarted, FailsWhenThereWillBeNoChild) {
  FlowInstance flow(LeavesAChild);
  flow.Deliver(Started());
  TakeAll(flow);
  HistoryEvent closed =
      ChildClosedEvent(1, anabranch::v1::RUN_STATE_UNSPECIFIED);
  *closed.mutable_child_closed()->mutable_failure() =
      MakeFailure("flow_unknown", "no flow echo");
  flow.Deliver(closed);
  EXPECT_EQ(TakeAll(flow).at(0).fail_run().failure().type(), "flow_unknown");
}

// --- continue-as-new ---

Future<Payload> GoesOn(FlowContext& ctx, FlowInput) {
  auto never = co_await ctx.ContinueAsNew(JsonPayload("2"));
  co_return never.status();
}

TEST(ContinueAsNew, AsksWithTheNextInputAndThenForNothing) {
  FlowInstance flow(GoesOn);
  flow.Deliver(Started("1"));
  auto command = flow.TakeCommand();
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->continue_as_new().input().json_text(), "2");
  EXPECT_EQ(command->seq(), 1);
  flow.Deliver(ContinuedEvent());
  EXPECT_FALSE(flow.TakeCommand().has_value());
}

Future<Payload> GoesOnAndMore(FlowContext& ctx, FlowInput) {
  auto next = ctx.ContinueAsNew(JsonPayload("2"));
  auto timer = ctx.StartTimer(absl::Seconds(1));
  co_return JsonPayload("1");
}

TEST(ContinueAsNew, VoidsWhatWasAskedForAfterIt) {
  FlowInstance flow(GoesOnAndMore);
  flow.Deliver(Started());
  EXPECT_TRUE(flow.TakeCommand()->has_continue_as_new());
  flow.Deliver(ContinuedEvent());
  EXPECT_FALSE(flow.TakeCommand().has_value());
}

TEST(ContinueAsNew, RefusedTheRestHappens) {
  FlowInstance flow(GoesOnAndMore);
  flow.Deliver(Started());
  EXPECT_TRUE(flow.TakeCommand()->has_continue_as_new());
  flow.Deliver(RefusedEvent(1));
  EXPECT_EQ(Words(TakeAll(flow)),
            (std::vector<std::string>{"start_timer", "complete_run"}));
}

TEST(ContinueAsNew, RefusedItsFutureFails) {
  FlowInstance flow(GoesOn);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(RefusedEvent(1));
  EXPECT_EQ(TakeAll(flow).at(0).fail_run().failure().type(), kFailureRefused);
}

TEST(ContinueAsNew, IsPossibleAfterACancellationWasRequested) {
  FlowInstance flow(GoesOn);
  HistoryEvent started = Started();
  started.mutable_run_started()->set_cancel_requested(true);
  flow.Deliver(started);
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"continue_as_new"});
}

Future<Payload> TellsSuggestion(FlowContext& ctx, FlowInput) {
  std::string text = ctx.ContinueAsNewSuggested() ? "1" : "0";
  (co_await ctx.StartTimer(absl::Seconds(1))).IgnoreError();
  text += ctx.ContinueAsNewSuggested() ? "1" : "0";
  (co_await ctx.StartTimer(absl::Seconds(1))).IgnoreError();
  text += ctx.ContinueAsNewSuggested() ? "1" : "0";
  co_return JsonPayload(text);
}

TEST(ContinueAsNew, IsSuggestedFromTheFlaggedStimulusOn) {
  FlowInstance flow(TellsSuggestion);
  flow.Deliver(Started());
  HistoryEvent flagged = Fired(1);
  flagged.set_internal_flags(kFlagContinueAsNewSuggested);
  flow.Deliver(flagged);
  TakeAll(flow);
  flow.Deliver(Fired(2));
  EXPECT_EQ(TakeAll(flow).at(0).complete_run().result().json_text(), "011");
}

// --- what comes with the start ---

Future<Payload> ReadsTwo(FlowContext& ctx, FlowInput) {
  auto first = co_await ctx.ReceiveSignal("go");
  auto second = co_await ctx.ReceiveSignal("go");
  if (!first.ok() || !second.ok()) co_return absl::UnknownError("no signal");
  co_return JsonPayload(first->json_text() + second->json_text());
}

TEST(RunStarted, ItsSignalsAreThereBeforeTheFirstStepInOrder) {
  FlowInstance flow(ReadsTwo);
  HistoryEvent started = Started();
  for (const char* value : {"1", "2", "3"}) {
    *started.mutable_run_started()->add_signals() =
        Signal("go", value).signal_received();
  }
  flow.Deliver(started);
  EXPECT_EQ(TakeAll(flow).at(0).complete_run().result().json_text(), "12");
  ASSERT_EQ(flow.UnreadSignals().size(), 1u);
  EXPECT_EQ(flow.UnreadSignals()[0].input().json_text(), "3");
}

TEST(RunStarted, ACancellationOfTheGenerationBeforeHolds) {
  FlowInstance flow(AsksAChild);
  HistoryEvent started = Started();
  started.mutable_run_started()->set_cancel_requested(true);
  flow.Deliver(started);
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"cancel_run"});
}

// --- an activity whose cancellation is waited for ---

Future<Payload> WaitsForTheEnd(FlowContext& ctx, FlowInput) {
  ActivityOptions options;
  options.set_cancellation(anabranch::v1::CANCELLATION_TYPE_WAIT_COMPLETED);
  auto result = co_await ctx.Start({.type = "slow", .options = options});
  if (!result.ok()) co_return result.status();
  co_return *result;
}

TEST(WaitCompleted, TheFutureClosesWithWhatTheWorkerAnswers) {
  FlowInstance flow(WaitsForTheEnd);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  EXPECT_EQ(Words(TakeAll(flow)),
            std::vector<std::string>{"cancel_activity 1"});
  flow.Deliver(Completed(1, "5"));
  EXPECT_EQ(TakeAll(flow).at(0).complete_run().result().json_text(), "5");
}

TEST(WaitCompleted, OrFailsOnceItIsCancelled) {
  FlowInstance flow(WaitsForTheEnd);
  flow.Deliver(Started());
  flow.Deliver(CancelEvent());
  TakeAll(flow);
  flow.Deliver(ActivityCancelledEvent(1));
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"cancel_run"});
}

}  // namespace
}  // namespace anabranch::sdk
