// DeleteRun: nothing of a run is left, and nothing of others is missing.
#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"

namespace anabranch::shard {
namespace {

using testing::Call;
using testing::Harness;

std::string Large(char c) {
  return '"' + std::string(limits::kInlinePayloadBytesMax + 1, c) + '"';
}

// Waits for its child.
sdk::Future<sdk::Payload> Parent(sdk::FlowContext& ctx, sdk::FlowInput) {
  auto child = co_await ctx.StartChild({.flow = "wait", .run_id = "c"});
  co_return child.status();
}

class DeleteTest : public ::testing::TestWithParam<size_t> {
 protected:
  DeleteTest() : h(GetParam()) {
    testing::RegisterSmallFlows(h.flows);
    testing::RegisterFlow(h.flows, "parent", Parent);
  }

  absl::Status Delete(const std::string& id, bool force = false) {
    absl::Status result = absl::UnknownError("no answer");
    DeleteRun input;
    input.name = {"default", id};
    input.force = force;
    input.reply = [&result](absl::Status status) {
      result = std::move(status);
    };
    std::vector<Input> inputs;
    inputs.emplace_back(std::move(input));
    h.Round(std::move(inputs));
    h.Round();
    return result;
  }
  // Rounds until the shard has nothing to do now.
  void Settle() {
    while (h.shard->NextDue().value_or(absl::InfiniteDuration()) <=
           h.clock.Steady()) {
      h.Round();
    }
  }
  int Keys() {
    int keys = 0;
    EXPECT_TRUE(h.log
                    .Scan({},
                          [&keys](std::string_view, std::string_view) {
                            ++keys;
                            return true;
                          })
                    .ok());
    return keys;
  }

  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, DeleteTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(DeleteTest, NothingIsLeftOfARun) {
  h.Connect(1, "s1");
  const int before = Keys();
  ASSERT_TRUE(h.Start("echo", "r", Large('a'), "q").ok());
  h.Complete(1, h.Tasks(1)[0].token(), Large('b'));
  ASSERT_TRUE(Delete("r").ok());
  Settle();
  EXPECT_EQ(Keys(), before);
  EXPECT_EQ(ErrorReason(h.Signal("r", "go", "1")), "RUN_NOT_FOUND");
  EXPECT_EQ(ErrorReason(Delete("r")), "RUN_NOT_FOUND");
  // The name is free, and so is the request's id.
  EXPECT_TRUE(h.Start("echo", "r", "2", "q")->created);
}

TEST_P(DeleteTest, ContentThatAnotherRunOwnsStays) {
  ASSERT_TRUE(h.Start("wait", "a", Large('x')).ok());
  ASSERT_TRUE(h.Start("wait", "b", Large('x')).ok());
  const std::string sha256 = h.Run("b").input().ref().sha256();
  ASSERT_TRUE(Delete("a", true).ok());
  Settle();
  EXPECT_TRUE(*h.store.HasPayload(sha256));
  h.Restart();
  ASSERT_TRUE(h.Signal("b", "go", "1").ok());
  ASSERT_TRUE(Delete("b").ok());
  Settle();
  EXPECT_FALSE(*h.store.HasPayload(sha256));
}

TEST_P(DeleteTest, ContentThatIsUsedAgainWhileItsOwnerGoesStays) {
  ASSERT_TRUE(h.Start("wait", "a", Large('x')).ok());
  const std::string sha256 = h.Run("a").input().ref().sha256();
  ASSERT_TRUE(h.Terminate("a").ok());
  DeleteRun input;
  input.name = {"default", "a"};
  input.reply = [](const absl::Status&) {};
  StartRun start;
  start.name = {"default", "b"};
  start.flow = "wait";
  start.input.set_json_text(Large('x'));
  start.reply = [](const absl::StatusOr<StartedRun>&) {};
  std::vector<Input> inputs;
  inputs.emplace_back(std::move(input));
  inputs.emplace_back(std::move(start));
  h.Round(std::move(inputs));
  Settle();
  EXPECT_TRUE(*h.store.HasPayload(sha256));
}

TEST_P(DeleteTest, AnOpenRunIsRefusedUnlessForced) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  EXPECT_EQ(ErrorReason(Delete("r")), "RUN_OPEN");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(Delete("r", true).ok());
  // Its worker is told, and what it still brings is refused.
  bool cancelled = false;
  for (const auto& message : h.Messages(1)) {
    cancelled |= message.has_cancel();
  }
  EXPECT_TRUE(cancelled);
  Settle();
  h.Complete(1, tasks[0].token(), "8");
  auto messages = h.Messages(1);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].has_refused());
}

TEST_P(DeleteTest, ALongHistoryGoesInPartsAndARestartGoesOnWithThem) {
  const int before = Keys();
  ASSERT_TRUE(h.Start("wait", "r").ok());
  for (int i = 0; i < 2000; ++i) {
    SignalRun signal;
    signal.name = {"default", "r"};
    signal.signal = "other";
    signal.request_id = "q" + std::to_string(i);
    signal.reply = [](const absl::Status&) {};
    h.shard->Take(std::move(signal), {h.clock.Now(), h.clock.Steady()});
  }
  h.Round();
  ASSERT_TRUE(Delete("r", true).ok());
  EXPECT_GT(Keys(), before);
  auto listed = h.store.ListRuns("default", "", 10);
  EXPECT_TRUE(listed->uids.empty());
  // The old one's requests would be taken for the new one's.
  EXPECT_EQ(ErrorReason(h.Start("wait", "r").status()), "RUN_BEING_DELETED");
  h.Restart();
  Settle();
  EXPECT_EQ(Keys(), before);
  EXPECT_TRUE(h.Start("wait", "r")->created);
}

TEST_P(DeleteTest, AllGenerationsGo) {
  const int before = Keys();
  ASSERT_TRUE(h.Start("wait", "r", Large('x')).ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(h.Signal("r", "other", Large('y')).ok());
    ASSERT_TRUE(h.Terminate("r").ok());
    RetryRun retry;
    retry.name = {"default", "r"};
    ASSERT_TRUE(Call(h, std::move(retry)).ok());
  }
  ASSERT_TRUE(Delete("r", true).ok());
  Settle();
  EXPECT_EQ(Keys(), before);
}

// As a build that knew no owners has left it.
TEST_P(DeleteTest, ContentThatWasStoredWithoutAnOwnerStays) {
  ASSERT_TRUE(h.Start("wait", "old", Large('x')).ok());
  const std::string sha256 = h.Run("old").input().ref().sha256();
  log::BatchBuilder before;
  before.DeleteOwner(sha256, *Uid::FromHex(h.Run("old").uid()));
  h.Append(before.Take());
  for (const char* id : {"a", "b"}) {
    ASSERT_TRUE(h.Start("wait", id, Large('x')).ok());
    ASSERT_TRUE(Delete(id, true).ok());
    Settle();
    EXPECT_TRUE(*h.store.HasPayload(sha256));
  }
  h.Restart();
  ASSERT_TRUE(h.Signal("old", "go", "1").ok());
  EXPECT_EQ(h.Run("old").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(DeleteTest, NothingIsLeftOfAParentAndItsChild) {
  const int before = Keys();
  for (const bool parent_first : {true, false}) {
    ASSERT_TRUE(h.Start("parent", "p").ok());
    h.Settle();
    ASSERT_TRUE(Delete(parent_first ? "p" : "c", true).ok());
    // What the two had to tell each other is lost.
    h.Restart();
    ASSERT_TRUE(Delete(parent_first ? "c" : "p", true).ok());
    h.Restart();
    h.Settle();
    Settle();
    EXPECT_EQ(Keys(), before);
  }
}

TEST_P(DeleteTest, NothingIsLeftOfAChildThatWasRetriedBeforeItsEndWasTaken) {
  const int before = Keys();
  ASSERT_TRUE(h.Start("parent", "p").ok());
  h.Settle();
  ASSERT_TRUE(h.Terminate("c").ok());
  h.Restart();
  RetryRun retry;
  retry.name = {"default", "c"};
  ASSERT_TRUE(Call(h, std::move(retry)).ok());
  ASSERT_TRUE(h.Terminate("c").ok());
  h.Settle();
  EXPECT_TRUE(h.store.ReadParentNotices()->empty());
  for (const char* id : {"p", "c"}) {
    ASSERT_TRUE(Delete(id, true).ok());
    h.Settle();
    Settle();
  }
  EXPECT_EQ(Keys(), before);
}

TEST_P(DeleteTest, AReferenceToContentThatIsGoneIsRefused) {
  ASSERT_TRUE(h.Start("wait", "a", Large('x')).ok());
  StartRun start;
  start.name = {"default", "b"};
  start.flow = "wait";
  *start.input.mutable_ref() = h.Run("a").input().ref();
  ASSERT_TRUE(Delete("a", true).ok());
  Settle();
  EXPECT_EQ(ErrorReason(Call(h, std::move(start)).status()),
            "PAYLOAD_NOT_FOUND");
}

}  // namespace
}  // namespace anabranch::shard
