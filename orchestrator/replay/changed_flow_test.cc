// What a replay says of a flow that was changed: every kind of change that is
// an error, those that are none, and what patches make of them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "orchestrator/core/run_state.h"
#include "orchestrator/replay/recorder_test_util.h"
#include "orchestrator/replay/replay.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"
#include "sdk/scope.h"

namespace anabranch::replay {
namespace {

using sdk::FlowContext;
using sdk::FlowFunction;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;
using storage::v1::ActivationRecord;
using History = std::vector<ActivationRecord>;

// "OK", or what was recorded and what the flow asks for now.
std::string Verdict(FlowFunction function, const History& history) {
  sdk::FlowDefinition definition;
  definition.name = "test";
  definition.create = [function] {
    return std::make_unique<sdk::FlowInstance>(function);
  };
  Replayed replayed =
      Replay({"default/r", &definition, "current-build", nullptr}, history);
  if (!replayed.mismatch.has_value()) return "OK";
  const std::string& report = replayed.mismatch->report;
  auto line = [&report](const std::string& head) {
    const size_t at = report.find(head);
    if (at == std::string::npos) return std::string("?");
    return report.substr(at + head.size(),
                         report.find('\n', at) - at - head.size());
  };
  return "event " + std::to_string(replayed.mismatch->event_id) +
         ", recorded: " + line("recorded (build recorded-build): ") +
         ", current: " + line("current  (build current-build): ");
}

Future<Payload> TwoSteps(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  auto b = co_await ctx.Start({.type = "b"});
  co_return Payload();
}

// RunStarted, a | a's result, b | b's result, RunCompleted
History OfTwoSteps() {
  Recorder recorder(TwoSteps);
  recorder.CompleteActivity(1);
  recorder.CompleteActivity(2);
  EXPECT_TRUE(recorder.state().closed());
  return recorder.history();
}

TEST(ChangedFlow, TheSameFlowReplaysWhatItRecorded) {
  EXPECT_EQ(Verdict(TwoSteps, OfTwoSteps()), "OK");
}

Future<Payload> Added(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  auto extra = co_await ctx.Start({.type = "extra"});
  auto b = co_await ctx.Start({.type = "b"});
  co_return Payload();
}

TEST(ChangedFlow, AnActivityAdded) {
  EXPECT_EQ(Verdict(Added, OfTwoSteps()),
            "event 4, recorded: SCHEDULE_ACTIVITY seq=2 name=b, current: "
            "SCHEDULE_ACTIVITY seq=2 name=extra");
}

Future<Payload> Removed(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  co_return Payload();
}

TEST(ChangedFlow, AnActivityRemoved) {
  EXPECT_EQ(Verdict(Removed, OfTwoSteps()),
            "event 4, recorded: SCHEDULE_ACTIVITY seq=2 name=b, current: "
            "COMPLETE_RUN");
}

Future<Payload> Renamed(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  auto b = co_await ctx.Start({.type = "bee"});
  co_return Payload();
}

TEST(ChangedFlow, AnActivityRenamed) {
  EXPECT_EQ(Verdict(Renamed, OfTwoSteps()),
            "event 4, recorded: SCHEDULE_ACTIVITY seq=2 name=b, current: "
            "SCHEDULE_ACTIVITY seq=2 name=bee");
}

Future<Payload> Reordered(FlowContext& ctx, FlowInput) {
  auto b = co_await ctx.Start({.type = "b"});
  auto a = co_await ctx.Start({.type = "a"});
  co_return Payload();
}

TEST(ChangedFlow, ActivitiesReordered) {
  EXPECT_EQ(Verdict(Reordered, OfTwoSteps()),
            "event 2, recorded: SCHEDULE_ACTIVITY seq=1 name=a, current: "
            "SCHEDULE_ACTIVITY seq=1 name=b");
}

Future<Payload> Timer(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  auto b = co_await ctx.StartTimer(absl::Seconds(1));
  co_return Payload();
}

TEST(ChangedFlow, ATimerForAnActivity) {
  EXPECT_EQ(Verdict(Timer, OfTwoSteps()),
            "event 4, recorded: SCHEDULE_ACTIVITY seq=2 name=b, current: "
            "START_TIMER seq=2");
}

Future<Payload> OtherArguments(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a", .input = JsonPayload("99")});
  auto b = co_await ctx.Start({.type = "b", .name = "another name"});
  co_return JsonPayload("\"another result\"");
}

TEST(ChangedFlow, ArgumentsOnlyAreNoError) {
  EXPECT_EQ(Verdict(OtherArguments, OfTwoSteps()), "OK");
}

Future<Payload> Fails(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  auto b = co_await ctx.Start({.type = "b"});
  co_return absl::UnknownError("no");
}

TEST(ChangedFlow, AnotherEnd) {
  EXPECT_EQ(Verdict(Fails, OfTwoSteps()),
            "event 6, recorded: COMPLETE_RUN, current: FAIL_RUN");
}

// --- patches ---

Future<Payload> PatchedSteps(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  if (ctx.Patched("extra step")) {
    auto extra = co_await ctx.Start({.type = "extra"});
  }
  auto b = co_await ctx.Start({.type = "b"});
  co_return Payload();
}

History OfPatchedSteps() {
  Recorder recorder(PatchedSteps);
  recorder.CompleteActivity(1);
  recorder.CompleteActivity(3);
  recorder.CompleteActivity(4);
  EXPECT_TRUE(recorder.state().closed());
  return recorder.history();
}

TEST(Patch, OldHistoriesGoOnTheOldWay) {
  EXPECT_EQ(Verdict(PatchedSteps, OfTwoSteps()), "OK");
}

TEST(Patch, NewHistoriesGoTheNewWay) {
  EXPECT_EQ(Verdict(PatchedSteps, OfPatchedSteps()), "OK");
}

TEST(Patch, AnOpenRunThatHasNotComeByYetTakesTheNewWay) {
  History old = OfTwoSteps();
  old.resize(1);
  sdk::FlowDefinition definition;
  definition.create = [] {
    return std::make_unique<sdk::FlowInstance>(PatchedSteps);
  };
  Replayed replayed = Replay({"default/r", &definition, "b", nullptr}, old);
  ASSERT_NE(replayed.flow, nullptr);
  v1::HistoryEvent completed;
  completed.mutable_activity_completed()->set_seq(1);
  replayed.flow->Deliver(completed);
  EXPECT_EQ(replayed.flow->TakeCommand()->record_marker().name(),
            "patch:extra step");
  EXPECT_EQ(replayed.flow->TakeCommand()->schedule_activity().activity_type(),
            "extra");
}

TEST(Patch, MissingIsReportedAsTheActivityAdded) {
  EXPECT_NE(Verdict(Added, OfTwoSteps()), "OK");
}

TEST(Patch, RemovedTooEarlyIsReportedByItsName) {
  EXPECT_EQ(Verdict(Added, OfPatchedSteps()),
            "event 4, recorded: RECORD_MARKER seq=2 name=patch:extra step, "
            "current: SCHEDULE_ACTIVITY seq=2 name=extra");
}

Future<Payload> Deprecated(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.Start({.type = "a"});
  ctx.DeprecatePatch("extra step");
  auto extra = co_await ctx.Start({.type = "extra"});
  auto b = co_await ctx.Start({.type = "b"});
  co_return Payload();
}

TEST(Patch, DeprecatedAcceptsHistoriesWithIt) {
  EXPECT_EQ(Verdict(Deprecated, OfPatchedSteps()), "OK");
}

TEST(Patch, DeprecatedRecordsNothingSoThatItCanGo) {
  Recorder recorder(Deprecated);
  recorder.CompleteActivity(1);
  recorder.CompleteActivity(2);
  recorder.CompleteActivity(3);
  EXPECT_TRUE(recorder.state().closed());
  EXPECT_EQ(Verdict(Deprecated, recorder.history()), "OK");
  EXPECT_EQ(Verdict(Added, recorder.history()), "OK");
}

TEST(Patch, DeprecatedTooEarlyIsReported) {
  EXPECT_EQ(Verdict(Deprecated, OfTwoSteps()),
            "event 4, recorded: SCHEDULE_ACTIVITY seq=2 name=b, current: "
            "SCHEDULE_ACTIVITY seq=2 name=extra");
}

// The id is asked for in each round of a loop, and elsewhere: the first answer
// holds for all.
Future<Payload> AsksAgain(FlowContext& ctx, FlowInput) {
  for (int i = 0; i < 3; ++i) {
    auto step =
        co_await ctx.Start({.type = ctx.Patched("new") ? "new" : "old"});
  }
  auto last = co_await ctx.Start({.type = ctx.Patched("new") ? "n" : "o"});
  co_return Payload();
}

Future<Payload> BeforeAsking(FlowContext& ctx, FlowInput) {
  for (int i = 0; i < 3; ++i) {
    auto step = co_await ctx.Start({.type = "old"});
  }
  auto last = co_await ctx.Start({.type = "o"});
  co_return Payload();
}

TEST(Patch, AnIdUsedAgainGivesTheFirstAnswer) {
  Recorder recorder(AsksAgain);
  for (int64_t seq = 2; seq <= 5; ++seq) recorder.CompleteActivity(seq);
  EXPECT_TRUE(recorder.state().closed());
  EXPECT_EQ(Verdict(AsksAgain, recorder.history()), "OK");
  Recorder before(BeforeAsking);
  for (int64_t seq = 1; seq <= 4; ++seq) before.CompleteActivity(seq);
  EXPECT_EQ(Verdict(AsksAgain, before.history()), "OK");
  // A run in the middle of its loop stays with the old way to its end.
  Recorder half(BeforeAsking);
  half.CompleteActivity(1);
  EXPECT_EQ(Verdict(AsksAgain, half.history()), "OK");
}

// --- side effects, published values ---

Future<Payload> Notes(FlowContext& ctx, FlowInput) {
  static int calls = 0;
  Payload value = ctx.SideEffect(
      "calls", [] { return JsonPayload(std::to_string(++calls)); });
  ctx.Publish("calls", value);
  auto a = co_await ctx.Start({.type = "type-" + value.json_text()});
  co_return Payload();
}

TEST(Markers, AReplayGetsTheRecordedValues) {
  Recorder recorder(Notes);
  recorder.CompleteActivity(3);
  EXPECT_TRUE(recorder.state().closed());
  EXPECT_EQ(recorder.state().published.at("calls").json_text(), "1");
  EXPECT_EQ(Verdict(Notes, recorder.history()), "OK");
}

// --- children, continue-as-new, scopes ---

Future<Payload> WithAChild(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild({.flow = "echo"});
  auto go = co_await ctx.ReceiveSignal("go");
  ctx.Cancel(child);
  auto closed = co_await child;
  auto never = co_await ctx.ContinueAsNew(JsonPayload("2"));
  co_return never.status();
}

History OfAChild() {
  Recorder recorder(WithAChild);
  EXPECT_EQ(recorder.state().open_children.at(1).run_id(), "r.1");
  recorder.Signal("go");
  recorder.CloseChild(1);
  EXPECT_EQ(recorder.state().run.state(), v1::RUN_STATE_CONTINUED_AS_NEW);
  return recorder.history();
}

TEST(ChangedFlow, AChildAndTheNextGenerationReplay) {
  EXPECT_EQ(Verdict(WithAChild, OfAChild()), "OK");
}

Future<Payload> AnotherChild(FlowContext& ctx, FlowInput) {
  auto child = co_await ctx.StartChild({.flow = "sleep"});
  co_return Payload();
}

TEST(ChangedFlow, AnotherFlowForAChild) {
  EXPECT_EQ(Verdict(AnotherChild, OfAChild()),
            "event 2, recorded: START_CHILD seq=1 name=echo, current: "
            "START_CHILD seq=1 name=sleep");
}

Future<Payload> CompletesInstead(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild({.flow = "echo"});
  auto go = co_await ctx.ReceiveSignal("go");
  ctx.Cancel(child);
  auto closed = co_await child;
  co_return Payload();
}

TEST(ChangedFlow, AnEndForTheNextGeneration) {
  EXPECT_EQ(Verdict(CompletesInstead, OfAChild()),
            "event 6, recorded: CONTINUE_AS_NEW seq=3, current: COMPLETE_RUN");
}

Future<Payload> ContinuesAndMore(FlowContext& ctx, FlowInput) {
  auto activity = ctx.Start({.type = "a"});
  auto refused = co_await ctx.ContinueAsNew(Payload());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnknown);
  auto done = co_await activity;
  auto next = ctx.ContinueAsNew(Payload());
  auto timer = ctx.StartTimer(absl::Seconds(1));
  co_return Payload();
}

TEST(ChangedFlow, CommandsAfterTheNextGenerationAreNoMismatch) {
  Recorder recorder(ContinuesAndMore);
  recorder.CompleteActivity(1);
  EXPECT_EQ(recorder.state().run.state(), v1::RUN_STATE_CONTINUED_AS_NEW);
  EXPECT_EQ(Verdict(ContinuesAndMore, recorder.history()), "OK");
}

Future<Payload> Scoped(FlowContext& ctx, FlowInput) {
  sdk::Scope scope(ctx);
  auto a = scope.Start({.type = "a"});
  auto b = scope.StartTimer(absl::Seconds(1));
  auto go = co_await ctx.ReceiveSignal("go");
  scope.Cancel();
  auto last = co_await sdk::Scope::Shielded(ctx).Start({.type = "last"});
  co_return Payload();
}

TEST(ChangedFlow, CancelledScopesReplay) {
  Recorder recorder(Scoped);
  recorder.Signal("go");
  recorder.CompleteActivity(5);
  EXPECT_TRUE(recorder.state().closed());
  EXPECT_EQ(Verdict(Scoped, recorder.history()), "OK");
}

}  // namespace
}  // namespace anabranch::replay
