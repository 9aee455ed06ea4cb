// What flows do with scopes, markers and refused commands, through the shard:
// every stimulus also with the flow rebuilt before it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "orchestrator/replay/replay.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_context.h"
#include "sdk/flow_registry.h"
#include "sdk/race.h"
#include "sdk/scope.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;
using sdk::Scope;
using testing::Harness;
using testing::RegisterFlow;

using Strings = std::vector<std::string>;

// Works until it is cancelled, then cleans up in a shield.
Future<Payload> CleansUp(FlowContext& ctx, FlowInput) {
  Payload token =
      ctx.SideEffect("token", [] { return JsonPayload("\"secret\""); });
  ctx.Publish("phase", JsonPayload("\"work\""));
  auto work = co_await ctx.Start({.type = "echo"});
  if (work.ok()) co_return *work;
  ctx.Publish("phase", JsonPayload("\"clean-up\""));
  Scope cleanup = Scope::Shielded(ctx);
  auto released = co_await cleanup.Start({.type = "echo", .input = token});
  co_return released.ok() ? work.status() : released.status();
}

// The one type that the harness's workers offer, told apart by its input.
Future<Payload> Ask(const Scope& scope, const std::string& what) {
  return scope.Start({.type = "echo", .input = JsonPayload(what)});
}

Future<Payload> Attempt(FlowContext&, Scope scope, std::string name) {
  auto first = co_await Ask(scope, name + "-1");
  if (!first.ok()) co_return first.status();
  co_return co_await Ask(scope, name + "-2");
}

Future<Payload> Races(FlowContext& ctx, FlowInput) {
  std::vector<sdk::RaceBranch<Payload>> branches = {
      [](FlowContext& context, Scope scope) {
        return Attempt(context, scope, "a");
      },
      [](FlowContext& context, Scope scope) {
        return Attempt(context, scope, "b");
      },
      [](FlowContext&, Scope scope) {
        return scope.StartTimer(absl::Hours(1));
      }};
  co_return co_await sdk::Race<Payload>(ctx, Scope(ctx), branches);
}

Future<Payload> BeforePatch(FlowContext& ctx, FlowInput) {
  for (int i = 0; i < 3; ++i) {
    (co_await ctx.ReceiveSignal("go")).IgnoreError();
    (co_await Ask(Scope(ctx), "old")).IgnoreError();
  }
  co_return Payload();
}

Future<Payload> AfterPatch(FlowContext& ctx, FlowInput) {
  for (int i = 0; i < 3; ++i) {
    (co_await ctx.ReceiveSignal("go")).IgnoreError();
    const bool fresh = ctx.Patched("new work");
    (co_await Ask(Scope(ctx), fresh ? "new" : "old")).IgnoreError();
  }
  co_return Payload();
}

Future<Payload> PublishesTooMuch(FlowContext& ctx, FlowInput) {
  for (int i = 0; i <= limits::kPublishedValuesMax; ++i) {
    ctx.Publish(absl::StrCat("n", i), JsonPayload("1"));
  }
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return JsonPayload("\"well\"");
}

// Ends once it is told that its history has grown long.
Future<Payload> Grows(FlowContext& ctx, FlowInput) {
  int rounds = 0;
  while (!ctx.ContinueAsNewSuggested()) {
    constexpr int64_t kPerRound = limits::kContinueAsNewSuggestedEvents / 2;
    for (int64_t i = 0; i <= kPerRound; ++i) {
      ctx.SideEffect("grow", [] { return Payload(); });
    }
    ++rounds;
    (co_await ctx.ReceiveSignal("go")).IgnoreError();
  }
  co_return JsonPayload(absl::StrCat(rounds));
}

Future<Payload> OwnChild(FlowContext& ctx, FlowInput) {
  auto child = co_await ctx.StartChild({.flow = "races", .run_id = "r"});
  if (child.ok()) co_return *child;
  co_return JsonPayload("\"" + sdk::FailureOf(child).type() + "\"");
}

class FlowFeatures : public ::testing::TestWithParam<size_t> {
 protected:
  FlowFeatures() : h(GetParam()) {
    RegisterFlow(h.flows, "cleans_up", CleansUp);
    RegisterFlow(h.flows, "races", Races);
    RegisterFlow(h.flows, "patch", BeforePatch);
    RegisterFlow(h.flows, "publishes", PublishesTooMuch);
    RegisterFlow(h.flows, "own_child", OwnChild);
    RegisterFlow(h.flows, "grows", Grows);
    RegisterFlow(next_build, "patch", AfterPatch);
  }

  // The one task that the worker got since the last call.
  api::Task OnlyTask() {
    auto tasks = h.Tasks(1);
    EXPECT_EQ(tasks.size(), 1u);
    return tasks.empty() ? api::Task() : tasks[0];
  }

  Strings Types(const std::string& run_id, size_t from) {
    Strings types;
    auto history = h.History(run_id);
    for (size_t i = from; i < history.size(); ++i) {
      types.push_back(replay::EventTypeName(history[i]));
    }
    return types;
  }

  Harness h;
  sdk::FlowRegistry next_build{"next-build"};
};

INSTANTIATE_TEST_SUITE_P(Cache, FlowFeatures,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(FlowFeatures, CleanUpRunsInItsShieldAfterTheCancellation) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("cleans_up", "r").ok());
  OnlyTask();
  ASSERT_TRUE(h.Cancel("r").ok());
  const api::Task release = OnlyTask();
  EXPECT_EQ(release.input().json_text(), "\"secret\"");
  h.Complete(1, release.token(), "null");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_CANCELLED);
  EXPECT_EQ(Types("r", 4),
            (Strings{"CANCEL_REQUESTED", "ACTIVITY_CANCEL_REQUESTED",
                     "MARKER_RECORDED", "ACTIVITY_SCHEDULED",
                     "ACTIVITY_COMPLETED", "RUN_CANCELLED"}));
}

TEST_P(FlowFeatures, TheWinnerOfARaceEndsTheOthers) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("races", "r").ok());
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 2u);
  h.Complete(1, tasks[1].token(), "1");
  const api::Task second = OnlyTask();
  EXPECT_EQ(second.input().json_text(), "b-2");
  h.Complete(1, second.token(), "2");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").result().json_text(), "2");
  EXPECT_TRUE(h.store.ReadAllActivities()->empty());
  EXPECT_TRUE(h.store.ReadOpenRuns()->empty());
}

TEST_P(FlowFeatures, AnOpenRunGoesOnTheOldWayAndANewOneTheNewWay) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("patch", "old").ok());
  ASSERT_TRUE(h.Signal("old", "go", "1").ok());
  h.Complete(1, OnlyTask().token(), "null");
  h.Restart(absl::ZeroDuration(), &next_build);
  h.Connect(2, "s2");
  ASSERT_TRUE(h.Signal("old", "go", "2").ok());
  EXPECT_EQ(h.Run("old").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(h.Start("patch", "new").ok());
  ASSERT_TRUE(h.Signal("new", "go", "1").ok());
  h.Advance(limits::kRecoveryGrace + absl::Seconds(1));
  Strings types;
  for (const auto& task : h.Tasks(2)) {
    types.push_back(absl::StrCat(task.run_id(), " ", task.input().json_text()));
  }
  std::sort(types.begin(), types.end());
  EXPECT_EQ(types, (Strings{"new new", "old old"}));
}

TEST_P(FlowFeatures, TooManyPublishedNamesAreRefusedAndTheFlowGoesOn) {
  ASSERT_TRUE(h.Start("publishes", "r").ok());
  EXPECT_EQ(h.History("r").back().command_refused().command(), "RECORD_MARKER");
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_EQ(h.Run("r").result().json_text(), "\"well\"");
}

// The suggestion is in the stimulus: a rebuilt flow gets it at the same place.
TEST_P(FlowFeatures, ALongHistorySuggestsToContinueAsNew) {
  ASSERT_TRUE(h.Start("grows", "r").ok());
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_FALSE(h.Run("r").continue_as_new_suggested());
  EXPECT_GT(h.Run("r").history_events(), limits::kContinueAsNewSuggestedEvents);
  h.Restart();
  ASSERT_TRUE(h.Signal("r", "go", "2").ok());
  EXPECT_TRUE(h.Run("r").continue_as_new_suggested());
  EXPECT_EQ(h.Run("r").result().json_text(), "2");
}

TEST_P(FlowFeatures, AChildWithItsParentsIdIsAFailureToBranchOn) {
  ASSERT_TRUE(h.Start("own_child", "r").ok());
  EXPECT_EQ(h.Run("r").result().json_text(), "\"command_refused\"");
  EXPECT_EQ(h.History("r")[1].command_refused().name(), "races");
}

}  // namespace
}  // namespace anabranch::shard
