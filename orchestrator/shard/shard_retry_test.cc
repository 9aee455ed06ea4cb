// RetryRun: the next generation of a closed run.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"

namespace anabranch::shard {
namespace {

using testing::Call;
using testing::CallWithReason;
using testing::Harness;

class RetryTest : public ::testing::TestWithParam<size_t> {
 protected:
  RetryTest() : h(GetParam()) { testing::RegisterSmallFlows(h.flows); }

  absl::StatusOr<RetriedRun> Retry(const std::string& id,
                                   const std::string& request = "") {
    RetryRun input;
    input.name = {"default", id};
    input.request_id = request;
    return Call(h, std::move(input));
  }
  storage::v1::StatusRecord Status(const std::string& id) {
    auto index = h.store.ReadRunIndex({"default", id});
    return **h.store.ReadStatus(Uid{(*index)->uid()});
  }
  int Terminal(const std::string& id) {
    int count = 0;
    for (const auto& event : h.History(id)) {
      count += event.has_run_failed() || event.has_run_completed() ||
                       event.has_run_terminated()
                   ? 1
                   : 0;
    }
    return count;
  }

  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, RetryTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(RetryTest, AFailedRunGoesOnBeforeTheActivityThatFailed) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("twice", "r", "7").ok());
  h.Complete(1, h.Tasks(1)[0].token(), "8");
  auto failing = h.Tasks(1);
  h.Fail(1, failing[0].token(), "bad", false);
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  const auto create_time = h.Run("r").create_time();
  h.Advance(absl::Seconds(1));

  auto retried = Retry("r");
  ASSERT_TRUE(retried.ok());
  EXPECT_EQ(retried->generation, 2);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_EQ(h.Run("r").generation(), 2);
  EXPECT_EQ(FromProto(h.Run("r").create_time()), FromProto(create_time));
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].input().json_text(), "8");
  EXPECT_EQ(tasks[0].attempt(), 1);
  EXPECT_EQ(tasks[0].seq(), failing[0].seq());
  EXPECT_NE(tasks[0].uid(), failing[0].uid());

  h.Restart();
  h.Connect(2, "s1", 10, {tasks[0].token()});
  h.Complete(2, tasks[0].token(), "9");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").result().json_text(), "9");
  // RunStarted, scheduled, completed, scheduled, Forked, completed, closed.
  const auto history = h.History("r");
  ASSERT_EQ(history.size(), 7u);
  EXPECT_EQ(history[4].event_id(), 5);
  EXPECT_EQ(history[4].forked().source_event_id(), 4);
  EXPECT_EQ(history[4].forked().cut_before(), "ACTIVITY_FAILED");
  EXPECT_EQ(Terminal("r"), 1);
}

TEST_P(RetryTest, AResultOfTheOldGenerationIsRefused) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r", "7").ok());
  auto old = h.Tasks(1);
  ASSERT_TRUE(h.Terminate("r").ok());
  ASSERT_TRUE(Retry("r").ok());
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  h.Complete(1, old[0].token(), "8");
  auto messages = h.Messages(1);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].has_refused());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Complete(1, tasks[0].token(), "9");
  EXPECT_EQ(h.Run("r").result().json_text(), "9");
}

TEST_P(RetryTest, ATerminatedRunLosesNothingButItsTermination) {
  ASSERT_TRUE(h.Start("sleep", "r").ok());
  ASSERT_TRUE(h.Signal("r", "other", "1").ok());
  h.Advance(absl::Seconds(20));
  ASSERT_TRUE(h.Terminate("r").ok());
  h.Advance(absl::Seconds(20));
  h.Restart();
  ASSERT_TRUE(Retry("r").ok());
  EXPECT_EQ(h.Run("r").unread_signals(), 1);
  h.Restart();
  EXPECT_EQ(h.store.ReadAllTimers()->size(), 1u);
  h.Advance(absl::Seconds(15));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Advance(absl::Seconds(10));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(RetryTest, ASignalThatFailedTheFlowComesAgain) {
  ASSERT_TRUE(h.Start("fails", "r").ok());
  ASSERT_TRUE(h.Signal("r", "go", "5").ok());
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  ASSERT_TRUE(Retry("r").ok());
  // The same build fails again, at the same signal.
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  EXPECT_EQ(h.Run("r").generation(), 2);
  const auto history = h.History("r");
  ASSERT_EQ(history.size(), 4u);
  EXPECT_EQ(history[2].signal_received().input().json_text(), "5");
}

TEST_P(RetryTest, TheMailboxOfATerminatedBlockedRunIsTakenIn) {
  ASSERT_TRUE(h.Start("throws", "r").ok());
  ASSERT_TRUE(h.Signal("r", "go", "5").ok());
  ASSERT_TRUE(h.Signal("r", "go", "6").ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  sdk::FlowRegistry good("build-2");
  testing::RegisterFlow(
      good, "throws",
      [](sdk::FlowContext& ctx, sdk::FlowInput) -> sdk::Future<sdk::Payload> {
        (co_await ctx.ReceiveSignal("go")).IgnoreError();
        auto second = co_await ctx.ReceiveSignal("go");
        if (!second.ok()) co_return second.status();
        co_return *second;
      });
  h.Restart(absl::ZeroDuration(), &good);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TERMINATED);
  ASSERT_TRUE(Retry("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").result().json_text(), "6");
}

TEST_P(RetryTest, ARunThatTimedOutHasNoLimitAnyMore) {
  StartRun input;
  input.name = {"default", "r"};
  input.flow = "wait";
  input.run_timeout = absl::Seconds(10);
  ASSERT_TRUE(Call(h, std::move(input)).ok());
  h.Advance(absl::Seconds(11));
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_TIMED_OUT);
  ASSERT_TRUE(Retry("r").ok());
  EXPECT_FALSE(h.Run("r").has_deadline());
  h.Restart();
  h.Advance(absl::Seconds(20));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  ASSERT_TRUE(h.Signal("r", "go", "5").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(RetryTest, ALimitThatIsNotUpStillHolds) {
  StartRun input;
  input.name = {"default", "r"};
  input.flow = "wait";
  input.run_timeout = absl::Seconds(30);
  ASSERT_TRUE(Call(h, std::move(input)).ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  ASSERT_TRUE(Retry("r").ok());
  h.Restart();
  h.Advance(absl::Seconds(31));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TIMED_OUT);
}

TEST_P(RetryTest, TimersOfARetryThatFailsAtOnceAreGone) {
  testing::RegisterFlow(
      h.flows, "fails_late",
      [](sdk::FlowContext& ctx, sdk::FlowInput) -> sdk::Future<sdk::Payload> {
        auto later = ctx.StartTimer(absl::Hours(1));
        (co_await ctx.StartTimer(absl::Seconds(1))).IgnoreError();
        co_return absl::UnknownError("as ever");
      });
  ASSERT_TRUE(h.Start("fails_late", "r").ok());
  h.Advance(absl::Seconds(2));
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  // What is left of the second timer is nothing: it fires in the same round.
  ASSERT_TRUE(Retry("r").ok());
  ASSERT_EQ(h.Run("r").generation(), 2);
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  EXPECT_TRUE(h.store.ReadAllTimers()->empty());
}

TEST_P(RetryTest, APausedRunIsStillPaused) {
  ASSERT_TRUE(h.Start("echo", "r").ok());
  ASSERT_TRUE(CallWithReason<PauseRun>(h, "r").ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  ASSERT_TRUE(Retry("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  h.Connect(1, "s1");
  EXPECT_TRUE(h.Tasks(1).empty());
  ASSERT_TRUE(CallWithReason<ResumeRun>(h, "r").ok());
  EXPECT_EQ(h.Tasks(1).size(), 1u);
}

TEST_P(RetryTest, ARepeatedRequestGetsTheFirstAnswer) {
  ASSERT_TRUE(h.Start("wait", "r").ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  EXPECT_EQ(Retry("r", "q")->generation, 2);
  ASSERT_TRUE(h.Terminate("r").ok());
  h.Restart();
  EXPECT_EQ(Retry("r", "q")->generation, 2);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(Retry("r", "q2")->generation, 3);
}

TEST_P(RetryTest, RunsThatEndedAsTheyShouldAreNotRetried) {
  ASSERT_TRUE(h.Start("wait", "done").ok());
  ASSERT_TRUE(h.Signal("done", "go", "5").ok());
  EXPECT_EQ(ErrorReason(Retry("done").status()), "RUN_NOT_RETRYABLE");
  ASSERT_TRUE(h.Start("wait", "cancelled").ok());
  ASSERT_TRUE(h.Cancel("cancelled").ok());
  EXPECT_EQ(ErrorReason(Retry("cancelled").status()), "RUN_NOT_RETRYABLE");
  EXPECT_EQ(ErrorReason(Retry("nope").status()), "RUN_NOT_FOUND");
  ASSERT_TRUE(h.Start("wait", "open").ok());
  auto open = Retry("open");
  ASSERT_TRUE(open.ok());
  EXPECT_EQ(open->released_activities, 0);
  EXPECT_EQ(open->generation, 1);
}

TEST_P(RetryTest, ManyRetriesShareTheHistoryBeforeThem) {
  ASSERT_TRUE(h.Start("wait", "r", "1").ok());
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(h.Signal("r", "other", std::to_string(i)).ok());
    ASSERT_TRUE(h.Terminate("r").ok());
    ASSERT_TRUE(Retry("r").ok());
    h.Restart();
    EXPECT_EQ(Status("r").segments_size(), i);
    EXPECT_EQ(h.Run("r").unread_signals(), i);
  }
  const auto history = h.History("r");
  int64_t expected = 1;
  for (const auto& event : history) EXPECT_EQ(event.event_id(), expected++);
  EXPECT_EQ(h.store.ListRuns("default", "", 10)->uids.size(), 1u);
  EXPECT_EQ(h.store.ReadOpenRuns()->size(), 1u);
}

TEST_P(RetryTest, ClosingAndRetryingInOneRoundIsInOrder) {
  ASSERT_TRUE(h.Start("wait", "r").ok());
  absl::StatusOr<RetriedRun> answer = absl::UnknownError("none");
  TerminateRun terminate;
  terminate.name = {"default", "r"};
  terminate.reply = [](const absl::Status&) {};
  RetryRun retry;
  retry.name = {"default", "r"};
  retry.reply = [&answer](absl::StatusOr<RetriedRun> value) {
    answer = std::move(value);
  };
  std::vector<Input> inputs;
  inputs.emplace_back(std::move(terminate));
  inputs.emplace_back(std::move(retry));
  h.Round(std::move(inputs));
  ASSERT_TRUE(h.shard->NextDue().has_value());
  h.Round();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->generation, 2);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
}

}  // namespace
}  // namespace anabranch::shard
