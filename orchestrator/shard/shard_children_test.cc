// Parents and children: messages between them get lost, come twice and
// overtake each other, and still each child runs once and its end is told once.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "orchestrator/replay/replay.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/failure.h"
#include "sdk/flow_context.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using testing::Harness;
using testing::RegisterFlow;

Payload Text(const std::string& text) {
  return sdk::JsonPayload("\"" + text + "\"");
}

// Ends as its child does: with its result, or with the type of its failure.
Future<Payload> Parent(FlowContext& ctx, FlowInput input) {
  auto result = co_await ctx.StartChild(
      {.flow = "child", .run_id = "c", .input = input.payload});
  if (result.ok()) co_return *result;
  co_return Text(sdk::FailureOf(result.status()).type());
}

Future<Payload> Child(FlowContext& ctx, FlowInput) {
  auto go = co_await ctx.ReceiveSignal("go");
  if (!go.ok()) co_return go.status();
  co_return *go;
}

// Asks its child to cancel itself when it is told to.
Future<Payload> Canceller(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild({.flow = "child", .run_id = "c"});
  (co_await ctx.ReceiveSignal("cancel")).IgnoreError();
  ctx.Cancel(child);
  auto result = co_await child;
  if (result.ok()) co_return *result;
  co_return Text(sdk::FailureOf(result.status()).type());
}

template <v1::ParentClosePolicy policy>
Future<Payload> Leaver(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild(
      {.flow = "child", .run_id = "c", .parent_close_policy = policy});
  (co_await ctx.ReceiveSignal("leave")).IgnoreError();
  co_return Payload();
}

template <v1::ParentClosePolicy policy>
Future<Payload> LeavesAtOnce(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild(
      {.flow = "child", .run_id = "c", .parent_close_policy = policy});
  co_return Payload();
}

// Fails each time that it comes to its signal.
Future<Payload> Stubborn(FlowContext& ctx, FlowInput) {
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return sdk::StatusFromFailure(sdk::MakeFailure("stubborn", "as ever"));
}

Future<Payload> StubbornsParent(FlowContext& ctx, FlowInput) {
  auto result = co_await ctx.StartChild({.flow = "stubborn", .run_id = "c"});
  co_return Text(sdk::FailureOf(result.status()).type());
}

Future<Payload> UnknownChild(FlowContext& ctx, FlowInput) {
  auto result = co_await ctx.StartChild({.flow = "nowhere", .run_id = "c"});
  co_return Text(sdk::FailureOf(result.status()).type());
}

class ShardChildrenTest : public ::testing::TestWithParam<size_t> {
 protected:
  ShardChildrenTest() : h(GetParam()) { RegisterAll(h.flows); }

  static void RegisterAll(sdk::FlowRegistry& flows) {
    RegisterFlow(flows, "parent", Parent);
    RegisterFlow(flows, "child", Child);
    RegisterFlow(flows, "canceller", Canceller);
    RegisterFlow(flows, "stubborn", Stubborn);
    RegisterFlow(flows, "stubborns_parent", StubbornsParent);
    RegisterFlow(flows, "unknown_child", UnknownChild);
    RegisterFlow(flows, "terminates",
                 Leaver<v1::PARENT_CLOSE_POLICY_TERMINATE>);
    RegisterFlow(flows, "abandons", Leaver<v1::PARENT_CLOSE_POLICY_ABANDON>);
    RegisterFlow(flows, "requests_cancel",
                 Leaver<v1::PARENT_CLOSE_POLICY_REQUEST_CANCEL>);
    RegisterFlow(flows, "terminates_at_once",
                 LeavesAtOnce<v1::PARENT_CLOSE_POLICY_TERMINATE>);
    RegisterFlow(flows, "abandons_at_once",
                 LeavesAtOnce<v1::PARENT_CLOSE_POLICY_ABANDON>);
  }

  static std::vector<std::string> Types(Harness& h, const std::string& run) {
    std::vector<std::string> types;
    for (const auto& event : h.History(run)) {
      types.push_back(replay::EventTypeName(event));
    }
    return types;
  }
  static absl::Status Retry(Harness& h, const std::string& run) {
    RetryRun retry;
    retry.name = {"default", run};
    absl::Status status = absl::UnknownError("no answer");
    retry.reply = [&status](const absl::StatusOr<RetriedRun>& answer) {
      status = answer.status();
    };
    h.Round({retry});
    return status;
  }
  static bool Exists(Harness& h, const std::string& run_id) {
    return h.store.ReadRunIndex({"default", run_id})->has_value();
  }
  // Nothing is left to be told.
  static void ExpectNothingOwed(Harness& h) {
    EXPECT_TRUE(h.store.ReadAllChildren()->empty());
    EXPECT_TRUE(h.store.ReadParentNotices()->empty());
  }

  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, ShardChildrenTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(ShardChildrenTest, AChildsResultReachesItsParent) {
  ASSERT_TRUE(h.Start("parent", "p").ok());
  h.Settle();
  const api::Run waiting = h.Run("p");
  ASSERT_EQ(waiting.waiting_children_size(), 1);
  EXPECT_TRUE(waiting.waiting_children(0).started());
  EXPECT_EQ(h.Run("c").parent().run_id(), "p");
  EXPECT_EQ(h.Run("c").parent().uid(), waiting.uid());
  ASSERT_TRUE(h.Signal("c", "go", "5").ok());
  h.Settle();
  EXPECT_EQ(h.Run("p").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("p").result().json_text(), "5");
  EXPECT_EQ(Types(h, "p"),
            (std::vector<std::string>{"RUN_STARTED", "CHILD_SCHEDULED",
                                      "CHILD_STARTED", "CHILD_CLOSED",
                                      "RUN_COMPLETED"}));
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, ARestartBetweenAnyTwoStepsChangesNothing) {
  bool killed = true;
  for (int kill_at = 0; killed; ++kill_at) {
    SCOPED_TRACE(kill_at);
    Harness world(GetParam());
    RegisterAll(world.flows);
    killed = false;
    int step = 0;
    auto settle = [&] {
      do {
        if (step++ == kill_at) {
          world.Restart();
          killed = true;
        } else {
          world.Round();
        }
      } while (!world.messages.empty());
    };
    ASSERT_TRUE(world.Start("parent", "p").ok());
    settle();
    ASSERT_TRUE(world.Signal("c", "go", "5").ok());
    settle();
    EXPECT_EQ(world.Run("p").result().json_text(), "5");
    EXPECT_EQ(Types(world, "p").size(), 5u);
    EXPECT_EQ(Types(world, "c").size(), 3u);
    ExpectNothingOwed(world);
  }
}

TEST_P(ShardChildrenTest, MessagesThatComeTwiceLateAndInAnyOrderDoNoHarm) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Harness world(GetParam());
    RegisterAll(world.flows);
    SeededRandom random(seed);
    std::vector<ShardMessage> late;
    auto mangle = [&] {
      std::vector<ShardMessage> now = std::exchange(world.messages, {});
      now.insert(now.end(), late.begin(), late.end());
      late.clear();
      for (const ShardMessage& message : now) {
        if (random.NextBelow(3) == 0) late.push_back(message);
        if (random.NextBelow(3) != 0) world.messages.push_back(message);
      }
      for (size_t i = world.messages.size(); i > 1; --i) {
        std::swap(world.messages[i - 1], world.messages[random.NextBelow(i)]);
      }
      if (random.NextBelow(10) == 0) world.Restart();
      world.Round();
    };
    ASSERT_TRUE(world.Start("canceller", "p").ok());
    for (int i = 0; i < 10; ++i) mangle();
    ASSERT_TRUE(world.Signal("p", "cancel", "null").ok());
    for (int i = 0; i < 10; ++i) mangle();
    // What was dropped is asked for again; then everything arrives.
    world.Restart();
    world.messages.insert(world.messages.end(), late.begin(), late.end());
    world.Settle();
    EXPECT_EQ(world.Run("p").state(), api::RUN_STATE_COMPLETED);
    EXPECT_EQ(world.Run("p").result().json_text(), "\"cancelled\"");
    if (Exists(world, "c")) {
      EXPECT_NE(world.Run("c").state(), api::RUN_STATE_RUNNING);
    }
    ExpectNothingOwed(world);
  }
}

TEST_P(ShardChildrenTest, AChildThatReturnsAtOnceIsStartedBeforeItIsClosed) {
  RegisterFlow(
      h.flows, "quick",
      [](FlowContext&, FlowInput) -> Future<Payload> { co_return Payload(); });
  RegisterFlow(h.flows, "p2",
               [](FlowContext& ctx, FlowInput) -> Future<Payload> {
                 co_return co_await ctx.StartChild({.flow = "quick"});
               });
  ASSERT_TRUE(h.Start("p2", "p").ok());
  h.Settle();
  EXPECT_EQ(Types(h, "p").at(2), "CHILD_STARTED");
  EXPECT_EQ(h.Run("p").state(), api::RUN_STATE_COMPLETED);
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AChildOfAnUnknownFlowFails) {
  ASSERT_TRUE(h.Start("unknown_child", "p").ok());
  h.Settle();
  EXPECT_EQ(h.Run("p").result().json_text(), "\"FLOW_NOT_FOUND\"");
  EXPECT_FALSE(Exists(h, "c"));
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AnIdThatIsTakenFailsAndLeavesItsRunAlone) {
  ASSERT_TRUE(h.Start("child", "c").ok());
  ASSERT_TRUE(h.Start("parent", "p").ok());
  h.Settle();
  EXPECT_EQ(h.Run("p").result().json_text(), "\"RUN_ALREADY_EXISTS\"");
  EXPECT_EQ(h.Run("c").state(), api::RUN_STATE_RUNNING);
  EXPECT_FALSE(h.Run("c").has_parent());
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, ATerminatedChildIsToldToItsParent) {
  ASSERT_TRUE(h.Start("parent", "p").ok());
  h.Settle();
  ASSERT_TRUE(h.Terminate("c").ok());
  h.Restart();
  h.Settle();
  EXPECT_EQ(h.Run("p").result().json_text(), "\"terminated\"");
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AChildIsAskedToCancelItself) {
  ASSERT_TRUE(h.Start("canceller", "p").ok());
  h.Settle();
  ASSERT_TRUE(h.Signal("p", "cancel", "null").ok());
  h.Settle();
  EXPECT_EQ(h.Run("c").state(), api::RUN_STATE_CANCELLED);
  EXPECT_EQ(h.Run("p").result().json_text(), "\"cancelled\"");
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AClosedParentsChildrenEndByTheirPolicies) {
  const std::pair<const char*, api::RunState> kCases[] = {
      {"terminates", api::RUN_STATE_TERMINATED},
      {"abandons", api::RUN_STATE_RUNNING},
      {"requests_cancel", api::RUN_STATE_CANCELLED},
  };
  for (const auto& [flow, state] : kCases) {
    for (bool restart : {false, true}) {
      SCOPED_TRACE(std::string(flow) + (restart ? " restarted" : ""));
      Harness world(GetParam());
      RegisterAll(world.flows);
      ASSERT_TRUE(world.Start(flow, "p").ok());
      world.Settle();
      ASSERT_TRUE(world.Signal("p", "leave", "null").ok());
      if (restart) world.Restart();
      world.Settle();
      EXPECT_EQ(world.Run("p").state(), api::RUN_STATE_COMPLETED);
      EXPECT_EQ(world.Run("c").state(), state);
      ExpectNothingOwed(world);
    }
  }
}

TEST_P(ShardChildrenTest, ATerminatedParentsChildIsTerminatedToo) {
  ASSERT_TRUE(h.Start("parent", "p").ok());
  h.Settle();
  ASSERT_TRUE(h.Terminate("p").ok());
  h.Settle();
  EXPECT_EQ(h.Run("c").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(h.Run("c").reason(), "its parent p is closed");
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AParentThatIsGoneNeedsNoChild) {
  ASSERT_TRUE(h.Start("terminates_at_once", "p").ok());
  h.Settle();
  EXPECT_FALSE(Exists(h, "c"));
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AnAbandonedChildIsStartedAllTheSame) {
  ASSERT_TRUE(h.Start("abandons_at_once", "p").ok());
  h.Restart();
  h.Settle();
  EXPECT_EQ(h.Run("c").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(h.Signal("c", "go", "1").ok());
  h.Settle();
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AChildThatWasDemandedTooLateIsEnded) {
  // The demand is held back until its parent has given the child up.
  ASSERT_TRUE(h.Start("canceller", "p").ok());
  auto late = std::exchange(h.messages, {});
  ASSERT_TRUE(h.Signal("p", "cancel", "null").ok());
  h.Settle();
  ASSERT_EQ(h.Run("p").state(), api::RUN_STATE_COMPLETED);
  EXPECT_FALSE(Exists(h, "c"));
  h.messages = std::move(late);
  h.Settle();
  EXPECT_EQ(h.Run("c").state(), api::RUN_STATE_TERMINATED);
  ExpectNothingOwed(h);
}

TEST_P(ShardChildrenTest, AChildThatFailsAgainBeforeItsParentKnowsIsToldOnce) {
  for (bool restart : {false, true}) {
    Harness world(GetParam());
    RegisterAll(world.flows);
    ASSERT_TRUE(world.Start("stubborns_parent", "p").ok());
    world.Settle();
    ASSERT_TRUE(world.Signal("c", "go", "1").ok());
    auto late = std::exchange(world.messages, {});
    ASSERT_TRUE(Retry(world, "c").ok());
    ASSERT_EQ(world.Run("c").generation(), 2);
    ASSERT_EQ(world.Run("c").state(), api::RUN_STATE_FAILED);
    world.messages.insert(world.messages.begin(), late.begin(), late.end());
    if (restart) world.Restart();
    world.Settle();
    EXPECT_EQ(world.Run("p").result().json_text(), "\"stubborn\"");
    ExpectNothingOwed(world);
  }
}

TEST_P(ShardChildrenTest, ARetriedParentStartsNoChildThatItHadCancelled) {
  // The child is cancelled before it was started, and the parent ends before
  // it is told so.
  ASSERT_TRUE(h.Start("canceller", "p").ok());
  h.messages.clear();
  ASSERT_TRUE(h.Signal("p", "cancel", "null").ok());
  h.messages.clear();
  ASSERT_TRUE(h.Terminate("p").ok());
  ASSERT_TRUE(Retry(h, "p").ok());
  h.Settle();
  EXPECT_EQ(h.Run("p").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("p").result().json_text(), "\"cancelled\"");
  EXPECT_FALSE(Exists(h, "c"));
  ExpectNothingOwed(h);
}

}  // namespace
}  // namespace anabranch::shard
