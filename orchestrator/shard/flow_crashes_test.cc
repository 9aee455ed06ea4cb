// A flow that takes the process down, as the next starts see it: the test
// leaves the mark that a dying process leaves.
#include "orchestrator/shard/flow_crashes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"
#include "orchestrator/log/memory_event_log.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_instance.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using testing::Harness;

Future<Payload> Two(FlowContext& ctx, FlowInput) {
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  auto last = co_await ctx.ReceiveSignal("go");
  if (!last.ok()) co_return last.status();
  co_return *last;
}

// Tells where its flow's code is said to run when it is destroyed.
class Witness {
 public:
  using Places = std::vector<FlowPlace>;

  Witness(const FlowSlot* slot, Places* places)
      : slot_(slot), places_(places) {}
  ~Witness() {
    if (slot_->beat() % 2 == 1) places_->push_back(slot_->place());
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

 private:
  const FlowSlot* slot_;
  Places* places_;
};

// Never closes: its locals die with the flow.
Future<Payload> Holds(FlowContext& ctx, const FlowSlot* slot,
                      Witness::Places* places) {
  Witness witness(slot, places);
  (co_await ctx.ReceiveSignal("never")).IgnoreError();
  co_return Payload();
}

Future<Payload> EndsHolding(FlowContext& ctx, FlowInput, const FlowSlot* slot,
                            Witness::Places* places) {
  Future<Payload> held = Holds(ctx, slot, places);
  auto go = co_await ctx.ReceiveSignal("go");
  if (!go.ok()) co_return go.status();
  if (go->json_text() == "\"throw\"") throw std::runtime_error("boom");
  co_return *go;
}

void RegisterTwo(sdk::FlowRegistry& flows) {
  testing::RegisterFlow(flows, "two", Two);
}

class FlowCrashesTest : public ::testing::TestWithParam<size_t> {
 protected:
  FlowCrashesTest() : h(GetParam()), other("build-2") {
    RegisterTwo(h.flows);
    RegisterTwo(other);
  }

  Uid UidOf(const std::string& run_id) {
    return *Uid::FromHex(h.Run(run_id).uid());
  }
  // The process dies while the run's flow works on that event.
  void DieAt(const std::string& run_id, int64_t event_id,
             const sdk::FlowRegistry* flows = nullptr) {
    DieAt(FlowPlace{UidOf(run_id), event_id}, flows);
  }
  void DieAt(FlowPlace place, const sdk::FlowRegistry* flows) {
    h.slot().Enter(place);
    h.Restart(absl::ZeroDuration(), flows);
  }
  size_t Records() { return h.store.ReadFlowCrashes()->size(); }

  Harness h;
  sdk::FlowRegistry other;
};

INSTANTIATE_TEST_SUITE_P(Cache, FlowCrashesTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(FlowCrashesTest, OneDeathIsCountedAndForgottenWhenTheEventPasses) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  DieAt("r", 2);
  ASSERT_EQ(Records(), 1u);
  EXPECT_EQ(h.store.ReadFlowCrashes()->at(0).deaths(), 1);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_EQ(Records(), 0u);
  DieAt("r", 2);
  ASSERT_TRUE(h.Signal("r", "go", "2").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(FlowCrashesTest, TwoDeathsAtOnePlaceBlockTheRun) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  DieAt("r", 2);
  DieAt("r", 2);
  const api::Run run = h.Run("r");
  EXPECT_EQ(run.state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(run.blocked().reason(), api::BLOCKED_REASON_FLOW_CRASHED);
  EXPECT_EQ(run.blocked().event_id(), 2);
  EXPECT_EQ(run.blocked().build_id(), "build-1");
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_EQ(h.Run("r").blocked().mailbox_size(), 1);
  // It stays so in the next life.
  h.Restart();
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
}

TEST_P(FlowCrashesTest, AnotherBuildTakesTheMailAndTheCountIsGone) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  DieAt("r", 2);
  DieAt("r", 2);
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  ASSERT_TRUE(h.Signal("r", "go", "2").ok());
  h.Restart(absl::ZeroDuration(), &other);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").result().json_text(), "2");
  EXPECT_EQ(Records(), 0u);
}

TEST_P(FlowCrashesTest, DeathsOfTwoBuildsAreNotAddedUp) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  DieAt("r", 2, &other);
  DieAt("r", 2);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
}

TEST_P(FlowCrashesTest, AReplayedEventIsAPlaceToo) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  DieAt("r", 2);
  DieAt("r", 2);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(h.Run("r").history_events(), 2);
}

TEST_P(FlowCrashesTest, AStartThatIsLostWithTheProcessIsKnownAgain) {
  // Where an equal start works: a run's first event does not survive its
  // death, nor does its generation.
  auto die = [this] {
    FlowCrashes dying(&h.slot(), "build-1");
    api::HistoryEvent event;
    event.set_event_id(1);
    event.mutable_run_started()->set_flow("two");
    event.mutable_run_started()->mutable_input()->set_json_text("7");
    dying.Enter(event);
    h.Restart();
  };
  die();
  die();
  ASSERT_TRUE(h.Start("two", "other", "8").ok());
  EXPECT_EQ(h.Run("other").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(h.Start("two", "r", "7").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(h.Run("r").blocked().reason(), api::BLOCKED_REASON_FLOW_CRASHED);
  EXPECT_EQ(h.Run("r").blocked().mailbox_size(), 1);
  h.Restart();
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  h.Restart(absl::ZeroDuration(), &other);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_EQ(h.Run("r").history_events(), 1);
}

TEST_P(FlowCrashesTest, ABlockedRunCanBeTerminatedAndIsForgotten) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  DieAt("r", 2);
  DieAt("r", 2);
  ASSERT_TRUE(h.Terminate("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(Records(), 0u);
}

TEST_P(FlowCrashesTest, ADeathWhileCountingIsCountedOnce) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  h.slot().Enter({UidOf("r"), 2});
  h.slot().SetDeaths(1);
  h.Restart();
  EXPECT_EQ(h.store.ReadFlowCrashes()->at(0).deaths(), 1);
}

// Destructors of locals: where a death in one of them is counted.
class FlowDestructorsTest : public FlowCrashesTest {
 protected:
  FlowDestructorsTest() {
    sdk::FlowDefinition flow;
    flow.name = "holds";
    flow.create = [this] {
      return std::make_unique<sdk::FlowInstance>(
          [this](FlowContext& ctx, FlowInput input) {
            return EndsHolding(ctx, std::move(input), &h.slot(), &places);
          });
    };
    h.flows.Register(std::move(flow));
    EXPECT_TRUE(h.Start("holds", "r").ok());
    if (GetParam() == 0) evicted.push_back(Eviction());
    EXPECT_EQ(places, evicted);
  }

  FlowPlace Eviction() { return {UidOf("r"), FlowPlace::kEviction}; }

  Witness::Places places;
  // What the start has left there.
  Witness::Places evicted;
};

INSTANTIATE_TEST_SUITE_P(Cache, FlowDestructorsTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(FlowDestructorsTest, OfAFlowThatEndsRunAtTheEventThatEndsIt) {
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  evicted.push_back({UidOf("r"), 2});
  EXPECT_EQ(places, evicted);
}

TEST_P(FlowDestructorsTest, OfAFlowThatIsTerminatedToo) {
  ASSERT_TRUE(h.Terminate("r").ok());
  evicted.push_back({UidOf("r"), 2});
  EXPECT_EQ(places, evicted);
}

TEST_P(FlowDestructorsTest, OfAFlowThatBreaksDownRunAtTheEventThatItBrokeOn) {
  ASSERT_TRUE(h.Signal("r", "go", "\"throw\"").ok());
  EXPECT_EQ(h.Run("r").blocked().reason(), api::BLOCKED_REASON_FLOW_ERROR);
  evicted.push_back({UidOf("r"), 2});
  EXPECT_EQ(places, evicted);
}

TEST_P(FlowDestructorsTest, OfAFlowThatDoesNotMatchRunAtTheEventInHand) {
  ASSERT_TRUE(h.Signal("r", "other", "1").ok());
  // Another flow by that name: it ends at once.
  places.clear();
  sdk::FlowRegistry changed("build-2");
  sdk::FlowDefinition flow;
  flow.name = "holds";
  flow.create = [this] {
    return std::make_unique<sdk::FlowInstance>(
        [this](FlowContext& ctx, const FlowInput&) {
          Future<Payload> held = Holds(ctx, &h.slot(), &places);
          ctx.StartTimer(absl::Seconds(1));
          return held;
        });
  };
  changed.Register(std::move(flow));
  h.Restart(absl::ZeroDuration(), &changed);
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_EQ(h.Run("r").blocked().reason(), api::BLOCKED_REASON_NON_DETERMINISM);
  // Replay has begun with its first event, and ended there.
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places.front().event_id, 1);
}

TEST_P(FlowCrashesTest, TwoDeathsInEvictionsBlockTheRun) {
  ASSERT_TRUE(h.Start("two", "r").ok());
  DieAt("r", FlowPlace::kEviction);
  // It passes in another state: that says nothing of this one.
  ASSERT_TRUE(h.Signal("r", "other", "1").ok());
  ASSERT_EQ(Records(), 1u);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  DieAt("r", FlowPlace::kEviction);
  const api::Run run = h.Run("r");
  EXPECT_EQ(run.state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(run.blocked().reason(), api::BLOCKED_REASON_FLOW_CRASHED);
  EXPECT_EQ(run.blocked().event_id(), 2);
  EXPECT_NE(run.blocked().report().find("its eviction"), std::string::npos);
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  h.Restart(absl::ZeroDuration(), &other);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(h.Terminate("r").ok());
  EXPECT_EQ(Records(), 0u);
}

Future<Payload> Renews(FlowContext& ctx, FlowInput) {
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return (co_await ctx.ContinueAsNew(Payload())).status();
}

TEST_P(FlowCrashesTest, DeathsInEvictionsAreCountedOverGenerations) {
  testing::RegisterFlow(h.flows, "renews", Renews);
  ASSERT_TRUE(h.Start("renews", "r").ok());
  DieAt("r", FlowPlace::kEviction);
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  ASSERT_EQ(h.Run("r").generation(), 2);
  ASSERT_EQ(Records(), 1u);
  DieAt("r", FlowPlace::kEviction);
  EXPECT_EQ(h.Run("r").blocked().reason(), api::BLOCKED_REASON_FLOW_CRASHED);
}

Future<Payload> StartsPicky(FlowContext& ctx, FlowInput input) {
  co_return co_await ctx.StartChild(
      {.flow = "picky", .run_id = "c", .input = input.payload});
}

TEST_P(FlowCrashesTest, TheCheckOfAChildsInputIsPartOfItsFirstEvent) {
  testing::RegisterFlow(h.flows, "starts_picky", StartsPicky);
  sdk::FlowDefinition picky = *h.flows.Find("two");
  picky.name = "picky";
  std::vector<FlowPlace> places;
  picky.prepare = [this, &places](std::string_view, sdk::PrepareContext&)
      -> absl::StatusOr<sdk::PreparedStart> {
    EXPECT_EQ(h.slot().beat() % 2, 1u);
    places.push_back(h.slot().place());
    return sdk::PreparedStart{};
  };
  h.flows.Register(std::move(picky));
  ASSERT_TRUE(h.Start("starts_picky", "r", "7").ok());
  h.Settle();
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places[0].event_id, 1);
  // An equal start, after it took the server down twice.
  DieAt(places[0], nullptr);
  DieAt(places[0], nullptr);
  ASSERT_TRUE(h.Terminate("c").ok());
  h.Settle();
  DeleteRun deletion;
  deletion.name = {"default", "c"};
  ASSERT_TRUE(testing::Call(h, std::move(deletion)).ok());
  h.Settle();
  h.Round();
  ASSERT_TRUE(h.Start("starts_picky", "again", "7").ok());
  h.Settle();
  EXPECT_EQ(places.size(), 1u);
  EXPECT_EQ(h.Run("c").blocked().reason(), api::BLOCKED_REASON_FLOW_CRASHED);
}

TEST(FlowCrashes, QueriesAreRefusedAfterTwoDeathsAndTheRunIsNot) {
  log::MemoryEventLog log;
  log::StoreReader store(log);
  log::BatchBuilder batch;
  storage::v1::FlowCrashRecord record;
  record.set_uid(5);
  record.set_build_id("b");
  record.set_deaths(limits::kFlowDeathsMax);
  batch.PutFlowCrash(record);
  log.Append({.lease_epoch = log.epoch().counter, .batch = batch.Take()},
             [](log::AppendResult) {});
  FlowCrashes crashes(nullptr, "b");
  ASSERT_TRUE(crashes.Recover(store).ok());
  EXPECT_NE(crashes.FindDeadlyQuery(Uid{5}), nullptr);
  EXPECT_EQ(crashes.FindDeadlyQuery(Uid{6}), nullptr);
  EXPECT_EQ(crashes.FindDeadly(Uid{5}, nullptr), nullptr);
  // Another query that comes back says nothing of the one that does not.
  crashes.Switch(Uid{5}, {"default", "r"}, "f");
  {
    InQuery in_query(crashes);
  }
  EXPECT_NE(crashes.FindDeadlyQuery(Uid{5}), nullptr);
}

}  // namespace
}  // namespace anabranch::shard
