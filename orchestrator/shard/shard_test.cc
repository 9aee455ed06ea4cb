#include "orchestrator/shard/shard.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/error_details.h"
#include "base/limits.h"
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

Future<Payload> Logs(FlowContext& ctx, FlowInput) {
  ctx.Log("before");
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  ctx.Log("after");
  co_return Payload();
}

// Awaits a future that nobody ever gave it.
Future<Payload> AwaitsNothing(FlowContext& ctx, FlowInput) {
  Future<Payload> answer;
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return co_await answer;
}

// Every test runs with the cache of live flows at 0 and at its default.
class ShardTest : public ::testing::TestWithParam<size_t> {
 protected:
  ShardTest() : h(GetParam()) {
    testing::RegisterSmallFlows(h.flows);
    testing::RegisterFlow(h.flows, "logs", Logs);
    testing::RegisterFlow(h.flows, "awaits_nothing", AwaitsNothing);
  }
  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, ShardTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(ShardTest, ARunGoesThroughAWorkerToItsResult) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("twice", "r", "7").ok());
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].input().json_text(), "7");
  EXPECT_EQ(tasks[0].attempt(), 1);
  h.Complete(1, tasks[0].token(), "8");
  tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].input().json_text(), "8");
  h.Complete(1, tasks[0].token(), "9");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").result().json_text(), "9");
  EXPECT_EQ(h.History("r").size(), 6u);
  EXPECT_TRUE(h.store.ReadOpenRuns()->empty());
  EXPECT_TRUE(h.store.ReadAllActivities()->empty());
}

TEST_P(ShardTest, ARunWaitsForAWorkerAndShowsForWhat) {
  ASSERT_TRUE(h.Start("echo", "r").ok());
  api::Run run = h.Run("r");
  ASSERT_EQ(run.waiting_activities_size(), 1);
  EXPECT_EQ(run.waiting_activities(0).state(), api::ACTIVITY_STATE_READY);
  h.Connect(1, "s1");
  EXPECT_EQ(h.Tasks(1).size(), 1u);
  EXPECT_EQ(h.Run("r").waiting_activities(0).state(),
            api::ACTIVITY_STATE_RUNNING);
}

TEST_P(ShardTest, CompletionIsAcknowledgedEachTimeAndTakenOnce) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  for (int i = 0; i < 2; ++i) {
    h.Complete(1, tasks[0].token(), std::to_string(i));
    auto messages = h.Messages(1);
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_TRUE(messages[0].has_recorded());
  }
  EXPECT_EQ(h.Run("r").result().json_text(), "0");
}

TEST_P(ShardTest, StartIsIdempotentByIdAndByRequest) {
  ASSERT_TRUE(h.Start("wait", "r", "1")->created);
  EXPECT_FALSE(h.Start("wait", "r", "1")->created);
  EXPECT_EQ(ErrorReason(h.Start("wait", "r", "2").status()),
            "RUN_ALREADY_EXISTS");
  auto first = h.Start("wait", "", "1", "req-1");
  auto again = h.Start("wait", "", "1", "req-1");
  EXPECT_EQ(first->uid, again->uid);
  EXPECT_TRUE(again->created);
  EXPECT_EQ(ErrorReason(h.Start("wait", "", "2", "req-1").status()),
            "REQUEST_ID_REUSED");
}

TEST_P(ShardTest, SignalsReachTheFlowOncePerRequest) {
  ASSERT_TRUE(h.Start("wait", "r").ok());
  EXPECT_TRUE(h.Signal("r", "other", "1", "q").ok());
  EXPECT_TRUE(h.Signal("r", "other", "1", "q").ok());
  EXPECT_EQ(h.Run("r").unread_signals(), 1);
  EXPECT_TRUE(h.Signal("r", "go", "5").ok());
  EXPECT_EQ(h.Run("r").result().json_text(), "5");
  EXPECT_EQ(ErrorReason(h.Signal("r", "go", "5")), "RUN_CLOSED");
  EXPECT_EQ(ErrorReason(h.Signal("nope", "go", "5")), "RUN_NOT_FOUND");
}

TEST_P(ShardTest, ATimerSurvivesARestart) {
  ASSERT_TRUE(h.Start("sleep", "r").ok());
  h.Advance(absl::Seconds(30));
  h.Restart(absl::Seconds(10));
  h.Advance(absl::Seconds(19));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Advance(absl::Seconds(2));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(ShardTest, CancellationEndsTheRunAndTellsTheWorker) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  h.Messages(1);
  ASSERT_TRUE(h.Cancel("r").ok());
  auto messages = h.Messages(1);
  ASSERT_FALSE(messages.empty());
  EXPECT_TRUE(messages[0].has_cancel());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_CANCELLED);
}

TEST_P(ShardTest, TerminationNeedsNoFlow) {
  ASSERT_TRUE(h.Start("wait", "r").ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(ErrorReason(h.Terminate("r")), "RUN_CLOSED");
}

TEST_P(ShardTest, FailuresAreTriedAgainAfterTheirDelay) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  h.Fail(1, tasks[0].token(), "overloaded_error", true);
  EXPECT_TRUE(h.Run("r").retrying());
  EXPECT_EQ(h.Tasks(1).size(), 0u);
  h.Advance(absl::Seconds(1));
  tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].attempt(), 2);
  h.Fail(1, tasks[0].token(), "bad", false);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  EXPECT_EQ(h.Run("r").failure().type(), "bad");
}

TEST_P(ShardTest, ARestartRepeatsNothingThatASurvivingWorkerRuns) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto token = h.Tasks(1)[0].token();
  h.Restart();
  h.Connect(2, "s1", 10, {token});
  auto messages = h.Messages(2);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].welcome().verdicts(0).kind(), api::VERDICT_KIND_KEEP);
  h.Complete(2, token, "3");
  EXPECT_EQ(h.Run("r").result().json_text(), "3");
}

TEST_P(ShardTest, AHeldResultWinsOverATimeoutThatPassedMeanwhile) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto token = h.Tasks(1)[0].token();
  h.Restart(absl::Seconds(120));
  h.Connect(2, "s1", 0, {}, {token});
  h.Messages(2);
  h.Complete(2, token, "3");
  EXPECT_EQ(h.Run("r").result().json_text(), "3");
}

TEST_P(ShardTest, AnUndeliveredTaskIsReissuedWithoutCostingATry) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto token = h.Tasks(1)[0].token();
  h.Restart();
  h.Connect(2, "s1");
  auto tasks = h.Tasks(2);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].attempt(), 2);
  EXPECT_EQ(h.Run("r").waiting_activities(0).tries(), 1);
  h.Complete(2, token, "stale");
  auto messages = h.Messages(2);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].has_refused());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
}

TEST_P(ShardTest, ALostWorkersTaskGoesToAnother) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  ASSERT_EQ(h.Tasks(1).size(), 1u);
  h.Disconnect(1);
  h.Connect(2, "s2");
  EXPECT_EQ(h.Tasks(2).size(), 0u);
  for (int i = 0; i < 3; ++i) {
    h.Advance(absl::Seconds(1));
    h.Beat(2);
  }
  auto tasks = h.Tasks(2);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].attempt(), 2);
  EXPECT_EQ(h.Run("r").waiting_activities(0).lost_attempts(), 1);
}

TEST_P(ShardTest, ASilentWorkerIsSuspectThenLost) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  h.Tasks(1);
  h.Advance(absl::Seconds(3));
  ASSERT_EQ(h.effects.workers.size(), 1u);
  EXPECT_EQ(h.effects.workers[0].state(), api::WORKER_STATE_SUSPECT);
  h.Beat(1);
  EXPECT_EQ(h.effects.workers[0].state(), api::WORKER_STATE_CONNECTED);
  h.Advance(absl::Seconds(11));
  EXPECT_EQ(h.effects.closed.size(), 1u);
  EXPECT_TRUE(h.effects.workers.empty());
}

TEST_P(ShardTest, AnAttemptThatTakesTooLongIsTriedAgain) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  h.Tasks(1);
  for (int i = 0; i < 33; ++i) {
    h.Advance(absl::Seconds(1));
    h.Beat(1);
  }
  auto messages = h.Messages(1);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(messages[0].has_cancel());
  EXPECT_EQ(messages[1].task().attempt(), 2);
}

TEST_P(ShardTest, AFlowThatThrowsIsBlockedAndTheStimulusKept) {
  ASSERT_TRUE(h.Start("throws", "r").ok());
  EXPECT_TRUE(h.Signal("r", "go", "1").ok());
  api::Run run = h.Run("r");
  EXPECT_EQ(run.state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(run.blocked().reason(), api::BLOCKED_REASON_FLOW_ERROR);
  EXPECT_EQ(run.blocked().mailbox_size(), 1);
  EXPECT_NE(run.blocked().report().find("boom"), std::string::npos);
  EXPECT_EQ(h.History("r").size(), 1u);
  // The server lives; the run can be ended without its flow.
  EXPECT_TRUE(h.Terminate("r").ok());
}

TEST_P(ShardTest, AFlowThatAwaitsNothingIsBlockedAndToldWhatToDo) {
  ASSERT_TRUE(h.Start("awaits_nothing", "r").ok());
  EXPECT_TRUE(h.Signal("r", "go", "1").ok());
  const api::Run run = h.Run("r");
  EXPECT_EQ(run.blocked().reason(), api::BLOCKED_REASON_FLOW_ERROR);
  EXPECT_NE(run.blocked().report().find("stands for nothing"),
            std::string::npos);
  EXPECT_NE(run.blocked().report().find("what to do"), std::string::npos);
}

TEST_P(ShardTest, AChangedBuildBlocksAndTheGoodOneGoesOn) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("twice", "r").ok());
  auto token = h.Tasks(1)[0].token();
  sdk::FlowRegistry bad("build-2");
  sdk::FlowDefinition changed = *h.flows.Find("sleep");
  changed.name = "twice";
  bad.Register(std::move(changed));
  h.Restart(absl::ZeroDuration(), &bad);
  h.Connect(2, "s1", 10, {token});
  h.Complete(2, token, "8");
  api::Run run = h.Run("r");
  EXPECT_EQ(run.state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(run.blocked().reason(), api::BLOCKED_REASON_NON_DETERMINISM);
  EXPECT_EQ(run.blocked().mailbox_size(), 1);
  std::string report = run.blocked().report();
  size_t recorded = report.find("SCHEDULE_ACTIVITY seq=1 name=echo");
  size_t current = report.find("START_TIMER seq=1");
  EXPECT_LT(recorded, current);
  ASSERT_NE(current, std::string::npos);
  size_t events = h.History("r").size();
  h.Restart();
  h.Connect(3, "s1");
  auto tasks = h.Tasks(3);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].input().json_text(), "8");
  h.Complete(3, tasks[0].token(), "9");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_GT(h.History("r").size(), events);
  EXPECT_FALSE(h.Run("r").has_blocked());
}

TEST_P(ShardTest, LargePayloadsAreStoredOnceAndReachTheWorkerWhole) {
  h.Connect(1, "s1");
  std::string large = "\"" + std::string(10'000, 'x') + "\"";
  ASSERT_TRUE(h.Start("echo", "r", large).ok());
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].input().json_text(), large);
  EXPECT_TRUE(h.History("r")[0].run_started().input().has_ref());
  h.Complete(1, tasks[0].token(), large);
  EXPECT_EQ(h.Run("r").result().ref().sha256(),
            h.Run("r").input().ref().sha256());
}

TEST_P(ShardTest, AWorkerThatComesBackTakesUpItsLostAttempt) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto token = h.Tasks(1)[0].token();
  h.Disconnect(1);
  h.Advance(absl::Seconds(3));
  h.Connect(2, "s1", 10, {token});
  auto messages = h.Messages(2);
  EXPECT_EQ(messages[0].welcome().verdicts(0).kind(), api::VERDICT_KIND_KEEP);
  EXPECT_EQ(messages.size(), 1u);
  h.Complete(2, token, "1");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(ShardTest, BelowTheSpaceReserveOnlyResultsAreTaken) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto token = h.Tasks(1)[0].token();
  h.shard->SetDiskFull(true);
  EXPECT_EQ(ErrorReason(h.Start("echo", "r2").status()), "DISK_FULL");
  EXPECT_EQ(ErrorReason(h.Signal("r", "x", "1")), "DISK_FULL");
  h.Complete(1, token, "1");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(ShardTest, AResultToldTwiceInOneRoundCountsOnce) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  WorkerFrame frame;
  frame.stream = {1};
  api::WorkerMessage message;
  message.mutable_completed()->set_token(tasks[0].token());
  message.mutable_completed()->mutable_result()->set_json_text("1");
  message.mutable_completed()->set_usage_json("{\"input_tokens\":5}");
  frame.messages = {message, message};
  h.Round({std::move(frame)});
  for (const auto& answer : h.Messages(1)) EXPECT_TRUE(answer.has_recorded());
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
  EXPECT_EQ(h.Run("r").usage().input_tokens(), 5);
}

TEST_P(ShardTest, AFailureWhoseAnswerWasLostIsRecordedOnce) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  h.Fail(1, tasks[0].token(), "flaky", true);
  h.Disconnect(1);
  h.Connect(2, "s1", 10, {}, {tasks[0].token()});
  auto messages = h.Messages(2);
  ASSERT_FALSE(messages.empty());
  ASSERT_EQ(messages[0].welcome().verdicts_size(), 1);
  EXPECT_EQ(messages[0].welcome().verdicts(0).kind(),
            api::VERDICT_KIND_RECORDED);
  h.Fail(2, tasks[0].token(), "flaky", true);
  EXPECT_EQ(h.Run("r").waiting_activities(0).failed_attempts(), 1);
}

TEST_P(ShardTest, AHeldFailureOfAnAttemptThatTimedOutChangesNothing) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  for (int i = 0; i < 30; ++i) {
    h.Beat(1);
    h.Advance(absl::Seconds(1));
  }
  ASSERT_EQ(h.Run("r").waiting_activities(0).failed_attempts(), 1);
  h.Disconnect(1);
  h.Connect(2, "s1", 0, {}, {tasks[0].token()});
  // It was told to stop: that is no failure of the activity.
  h.Fail(2, tasks[0].token(), "cancelled", false);
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_EQ(h.Run("r").waiting_activities(0).state(),
            api::ACTIVITY_STATE_READY);
}

TEST_P(ShardTest, NorWhenItsSessionIsLostInBetween) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  for (int i = 0; i < 30; ++i) {
    h.Beat(1);
    h.Advance(absl::Seconds(1));
  }
  h.Disconnect(1);
  h.Connect(2, "s1", 0, {}, {tasks[0].token()});
  h.Restart();
  // Longer than the grace: the attempt is given up once more.
  h.Advance(absl::Seconds(12));
  ASSERT_EQ(h.Run("r").waiting_activities(0).lost_attempts(), 1);
  h.Connect(3, "s1", 0, {}, {tasks[0].token()});
  h.Fail(3, tasks[0].token(), "cancelled", false);
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
}

TEST_P(ShardTest, InTheGraceTheLoopHasNothingToDo) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  h.Restart();
  h.Advance(absl::Seconds(5));
  EXPECT_GT(*h.shard->NextDue(), h.clock.Steady());
}

TEST_P(ShardTest, ADeadlineHeldBackInTheGraceIsNotTheNextAttempts) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  h.Connect(2, "s2", 20);
  ASSERT_TRUE(h.Start("echo", "other").ok());
  // Its time is up while nobody can decide that; then it turns out that it
  // was never delivered. The other session's absence prolongs the grace.
  h.Restart(absl::Seconds(40));
  h.Connect(3, "s1");
  ASSERT_EQ(h.Tasks(3).size(), 1u);
  for (int i = 0; i < 11; ++i) {
    h.Advance(absl::Seconds(1));
    h.Beat(3);
  }
  EXPECT_EQ(h.Run("r").waiting_activities(0).state(),
            api::ACTIVITY_STATE_RUNNING);
  EXPECT_EQ(h.Run("r").waiting_activities(0).failed_attempts(), 0);
}

TEST_P(ShardTest, NewsOfAClosedRunSayThatItIsClosed) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto tasks = h.Tasks(1);
  ASSERT_TRUE(h.Terminate("r").ok());
  EXPECT_TRUE(h.effects.last_change_closed);
  WorkerFrame frame;
  frame.stream = {1};
  api::WorkerMessage message;
  message.mutable_failed()->set_token(tasks[0].token());
  message.mutable_failed()->set_usage_json("{\"input_tokens\":5}");
  frame.messages = {message};
  h.Round({std::move(frame)});
  EXPECT_EQ(h.Run("r").usage().input_tokens(), 5);
  EXPECT_TRUE(h.effects.last_change_closed);
}

TEST_P(ShardTest, AFlowsLogLinesComeOnceThoughItIsReplayed) {
  ASSERT_TRUE(h.Start("logs", "r").ok());
  auto lines = h.shard->TakeFlowLog();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].line, "before");
  EXPECT_EQ(lines[0].run.run_id, "r");
  h.Restart();
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  lines = h.shard->TakeFlowLog();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].line, "after");
}

TEST_P(ShardTest, AHelloFromBeforeTheSessionsStreamIsTurnedAway) {
  h.Connect(2, "s1");
  ASSERT_TRUE(h.Start("echo", "r").ok());
  auto token = h.Tasks(2)[0].token();
  h.Connect(1, "s1", 0);
  EXPECT_EQ(h.effects.closed, std::vector<StreamId>{{1}});
  EXPECT_TRUE(h.Messages(2).empty());
  h.Complete(2, token, "3");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

}  // namespace
}  // namespace anabranch::shard
