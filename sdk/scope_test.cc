// Scopes, races, first success.
#include "sdk/scope.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sdk/flow_context.h"
#include "sdk/flow_test_util.h"
#include "sdk/race.h"

namespace anabranch::sdk {
namespace {

using Strings = std::vector<std::string>;

// Seqs: 1 outer activity, 2 inner timer, 3 inner child, 4 the run's own timer.
Future<Payload> Nested(FlowContext& ctx, FlowInput) {
  Scope outer(ctx);
  Scope inner(ctx, outer);
  auto a = outer.Start({.type = "a"});
  auto b = inner.StartTimer(absl::Seconds(1));
  auto c = inner.StartChild({.flow = "c"});
  auto d = inner.ReceiveSignal("d");
  auto e = ctx.StartTimer(absl::Seconds(9));
  auto told = co_await ctx.ReceiveSignal("stop");
  if (!told.ok()) co_return told.status();
  if (told->json_text() == "\"inner\"") {
    inner.Cancel();
    inner.Cancel();
  } else {
    outer.Cancel();
  }
  (co_await e).IgnoreError();
  std::string text;
  for (bool done : {a.IsDone(), b.IsDone(), c.IsDone(), d.IsDone(),
                    inner.cancelled(), outer.cancelled()}) {
    text += done ? "1" : "0";
  }
  co_return JsonPayload(text);
}

struct Ended {
  Strings cancelled;
  std::string result;
};

Ended NestedStoppedAt(const std::string& which) {
  FlowInstance flow(Nested);
  flow.Deliver(Started());
  EXPECT_EQ(Words(TakeAll(flow)), (Strings{"schedule_activity", "start_timer",
                                           "start_child", "start_timer"}));
  flow.Deliver(Signal("stop", which));
  Ended ended;
  ended.cancelled = Words(TakeAll(flow));
  flow.Deliver(Fired(4));
  ended.result = TakeAll(flow).at(0).complete_run().result().json_text();
  return ended;
}

TEST(Scope, CancelReachesWhatIsBelowInTheOrderOfStarting) {
  Ended ended = NestedStoppedAt("\"outer\"");
  EXPECT_EQ(ended.cancelled,
            (Strings{"cancel_activity 1", "cancel_timer 2", "cancel_child 3"}));
  // The child is waited for.
  EXPECT_EQ(ended.result, "110111");
}

TEST(Scope, CancelLeavesWhatIsAboveAloneAndCountsOnce) {
  Ended ended = NestedStoppedAt("\"inner\"");
  EXPECT_EQ(ended.cancelled, (Strings{"cancel_timer 2", "cancel_child 3"}));
  EXPECT_EQ(ended.result, "010110");
}

TEST(Scope, TheRunsCancellationReachesAllButShielded) {
  FlowInstance flow(Nested);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  EXPECT_EQ(Words(TakeAll(flow)),
            (Strings{"cancel_activity 1", "cancel_timer 2", "cancel_child 3",
                     "cancel_timer 4", "cancel_run"}));
}

Future<Payload> CleansUp(FlowContext& ctx, FlowInput) {
  auto work = co_await ctx.Start({.type = "work"});
  if (work.ok()) co_return *work;
  Scope cleanup = Scope::Shielded(ctx);
  auto released = co_await cleanup.Start({.type = "release"});
  EXPECT_TRUE(released.ok());
  co_return work.status();
}

TEST(Scope, CleanUpInAShieldRunsAfterTheCancellation) {
  FlowInstance flow(CleansUp);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  EXPECT_EQ(Words(TakeAll(flow)),
            (Strings{"cancel_activity 1", "schedule_activity"}));
  // A second request does not get through the shield either.
  flow.Deliver(CancelEvent());
  EXPECT_TRUE(TakeAll(flow).empty());
  flow.Deliver(Completed(3, "null"));
  EXPECT_EQ(Words(TakeAll(flow)), Strings{"cancel_run"});
}

Future<Payload> StartsAndCancels(FlowContext& ctx, FlowInput) {
  Scope scope(ctx);
  auto activity = scope.Start({.type = "a"});
  scope.Cancel();
  EXPECT_EQ(activity.error().type(), kFailureCancelled);
  // What comes too late fails at once and is not asked for.
  EXPECT_TRUE(scope.StartTimer(absl::Seconds(1)).IsFailed());
  EXPECT_TRUE(scope.ReceiveSignal("x").IsFailed());
  EXPECT_TRUE(Scope(ctx, scope).Start({.type = "b"}).IsFailed());
  auto child = scope.StartChild({.flow = "c"});
  EXPECT_TRUE(ctx.ChildStarted(child).IsFailed());
  auto told = co_await scope.Cancelled();
  EXPECT_TRUE(told.ok());
  co_return Payload();
}

TEST(Scope, StartAndCancelInOneActivationAreBothAskedFor) {
  FlowInstance flow(StartsAndCancels);
  flow.Deliver(Started());
  EXPECT_EQ(
      Words(TakeAll(flow)),
      (Strings{"schedule_activity", "cancel_activity 1", "complete_run"}));
}

Future<Payload> ReceivesInScope(FlowContext& ctx, FlowInput) {
  Scope scope(ctx);
  auto first = scope.ReceiveSignal("x");
  auto second = ctx.ReceiveSignal("x");
  scope.Cancel();
  auto value = co_await second;
  if (!value.ok()) co_return value.status();
  co_return *value;
}

TEST(Scope, ACancelledReceiveTakesNoSignalFromTheNext) {
  FlowInstance flow(ReceivesInScope);
  flow.Deliver(Started());
  flow.Deliver(Signal("x", "4"));
  EXPECT_EQ(TakeAll(flow).at(0).complete_run().result().json_text(), "4");
}

Future<Payload> WaitsForItsScope(FlowContext& ctx, FlowInput) {
  Scope scope(ctx);
  auto told = co_await scope.Cancelled();
  EXPECT_TRUE(told.ok());
  EXPECT_TRUE(scope.cancelled());
  co_return absl::CancelledError("as told");
}

TEST(Scope, CancelledClosesWithTheRunsCancellation) {
  FlowInstance flow(WaitsForItsScope);
  flow.Deliver(Started());
  flow.Deliver(CancelEvent());
  EXPECT_EQ(Words(TakeAll(flow)), Strings{"cancel_run"});
}

TEST(Scope, EvictionInTheMiddleIsQuiet) {
  for (auto function : {Nested, CleansUp, WaitsForItsScope}) {
    FlowInstance flow(function);
    flow.Deliver(Started());
  }
}

// --- Race ---

Future<Payload> Step(FlowContext&, Scope scope, std::string type) {
  auto first = co_await scope.Start({.type = type});
  if (!first.ok()) co_return first.status();
  co_return co_await scope.Start({.type = type + "-again"});
}

Future<Payload> Races(FlowContext& ctx, FlowInput) {
  std::vector<RaceBranch<Payload>> branches = {
      [](FlowContext& context, Scope scope) {
        return Step(context, scope, "a");
      },
      [](FlowContext& context, Scope scope) {
        return Step(context, scope, "b");
      },
      [](FlowContext&, Scope scope) {
        return scope.StartTimer(absl::Seconds(5));
      }};
  auto result = co_await Race<Payload>(ctx, Scope(ctx), branches);
  if (!result.ok()) co_return result.status();
  co_return *result;
}

TEST(Race, TheFirstThatClosesWinsAndTheOthersAreCancelled) {
  FlowInstance flow(Races);
  flow.Deliver(Started());
  EXPECT_EQ(TakeAll(flow).size(), 3u);
  flow.Deliver(Completed(2, "0"));
  EXPECT_EQ(Words(TakeAll(flow)), Strings{"schedule_activity"});
  flow.Deliver(Completed(4, "2"));
  auto commands = TakeAll(flow);
  EXPECT_EQ(Words(commands),
            (Strings{"cancel_activity 1", "cancel_timer 3", "complete_run"}));
  EXPECT_EQ(commands.back().complete_run().result().json_text(), "2");
}

TEST(Race, AFailureWinsToo) {
  FlowInstance flow(Races);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(FailedEvent(1, "bad"));
  auto commands = TakeAll(flow);
  EXPECT_EQ(Words(commands),
            (Strings{"cancel_activity 2", "cancel_timer 3", "fail_run"}));
  EXPECT_EQ(commands.back().fail_run().failure().type(), "bad");
}

TEST(Race, IsCancelledWithItsScope) {
  FlowInstance flow(Races);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  EXPECT_EQ(Words(TakeAll(flow)),
            (Strings{"cancel_activity 1", "cancel_activity 2", "cancel_timer 3",
                     "cancel_run"}));
}

Future<Payload> RacesAtOnce(FlowContext& ctx, FlowInput) {
  std::vector<RaceBranch<Payload>> branches = {
      [](FlowContext&, Scope scope) { return scope.Start({.type = "a"}); },
      [](FlowContext&, Scope scope) {
        auto own = scope.Cancelled();
        scope.Cancel();
        return own;
      }};
  auto result = co_await Race<Payload>(ctx, Scope(ctx), branches);
  if (!result.ok()) co_return result.status();
  co_return JsonPayload("1");
}

TEST(Race, ABranchThatIsClosedAtOnceWins) {
  FlowInstance flow(RacesAtOnce);
  flow.Deliver(Started());
  EXPECT_EQ(
      Words(TakeAll(flow)),
      (Strings{"schedule_activity", "cancel_activity 1", "complete_run"}));
}

Future<Payload> RacesForEver(FlowContext& ctx, FlowInput) {
  std::vector<RaceBranch<Payload>> branches(
      2, [](FlowContext&, Scope scope) { return scope.Cancelled(); });
  co_return co_await Race<Payload>(ctx, Scope(ctx), branches);
}

// Under the address sanitizer this finds scopes that keep themselves alive.
TEST(Race, EvictionInTheMiddleLeavesNothingBehind) {
  for (auto function : {Races, RacesForEver}) {
    FlowInstance flow(function);
    flow.Deliver(Started());
  }
}

// --- FirstSuccess ---

Future<Payload> Tries(FlowContext& ctx, FlowInput) {
  std::vector<Future<Payload>> tries;
  for (const char* type : {"a", "b", "c"}) {
    tries.push_back(ctx.Start({.type = type}));
  }
  co_return co_await FirstSuccess(tries);
}

TEST(FirstSuccess, ClosesWithTheFirstThatCompletes) {
  FlowInstance flow(Tries);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(FailedEvent(1, "bad"));
  EXPECT_TRUE(TakeAll(flow).empty());
  flow.Deliver(Completed(3, "9"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(Words(commands), Strings{"complete_run"});
  EXPECT_EQ(commands[0].complete_run().result().json_text(), "9");
}

TEST(FirstSuccess, FailsWhenAllHaveFailedAndTellsOfEach) {
  FlowInstance flow(Tries);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(FailedEvent(2, "worse"));
  flow.Deliver(FailedEvent(1, "bad"));
  EXPECT_TRUE(TakeAll(flow).empty());
  flow.Deliver(FailedEvent(3, "bad"));
  const Failure failure = TakeAll(flow).at(0).fail_run().failure();
  EXPECT_EQ(failure.type(), kFailureAllFailed);
  EXPECT_EQ(failure.message(),
            "all 3 have failed: bad: no luck; worse: no luck; bad: no luck");
}

TEST(FirstSuccess, ACancelledRunEndsCancelled) {
  FlowInstance flow(Tries);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  EXPECT_EQ(TakeAll(flow).back().kind_case(), Command::kCancelRun);
}

Future<Payload> AsksForNonsense(FlowContext& ctx, FlowInput) {
  auto race = co_await Race<Payload>(ctx, Scope(ctx), {});
  auto first = co_await FirstSuccess(std::vector<Future<Payload>>());
  auto any = co_await AnyOf(std::vector<Future<Payload>>());
  auto child = co_await ctx.ChildStarted(ctx.StartTimer(absl::Seconds(1)));
  co_return JsonPayload(FailureOf(race).type() + FailureOf(first).type() +
                        FailureOf(any).type() + FailureOf(child).type());
}

// Lists can turn out empty: that must not take the server down.
TEST(Misuse, IsAFailureOfTheFlow) {
  FlowInstance flow(AsksForNonsense);
  flow.Deliver(Started());
  EXPECT_EQ(TakeAll(flow).back().complete_run().result().json_text(),
            "misusemisusemisusemisuse");
}

Future<Payload> WaitsBesideNonsense(FlowContext& ctx, FlowInput) {
  auto nonsense = FirstSuccess(std::vector<Future<Payload>>());
  std::vector<Future<Payload>> both = {nonsense,
                                       ctx.StartTimer(absl::Seconds(1))};
  auto settled = co_await Settled(both);
  auto first = co_await FirstSuccess(both);
  co_return JsonPayload(std::to_string(settled->size()) +
                        (first.ok() ? "ok" : "failed"));
}

TEST(Misuse, AFailureFromTheStartCanBeWaitedForBesideOthers) {
  FlowInstance flow(WaitsBesideNonsense);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(Fired(1));
  EXPECT_EQ(TakeAll(flow).at(0).complete_run().result().json_text(), "2ok");
}

TEST(AggregateFailures, IsRetryableWhenOneIs) {
  EXPECT_TRUE(
      AggregateFailures({MakeFailure("a", "x"), MakeFailure("b", "y", true)})
          .retryable());
  EXPECT_EQ(AggregateFailures({MakeFailure("a", "x")}).message(), "x");
}

}  // namespace
}  // namespace anabranch::sdk
