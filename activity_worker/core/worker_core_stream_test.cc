#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "activity_worker/core/worker_core.h"
#include "activity_worker/core/worker_core_fixture.h"

namespace anabranch::activity_worker {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the fixture

TEST(WorkerCoreStream, HelloNamesWhatRunsAndWhatIsHeld) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  BeginTask(core, "running");
  core.Finished(BeginTask(core, "held"), JsonResult("1"));
  core.StreamClosed();
  core.StreamOpened(kStart);
  const v1::Hello hello = Sent(core)[0].hello();
  ASSERT_EQ(hello.running_tokens_size(), 1);
  EXPECT_EQ(hello.running_tokens(0), "running");
  ASSERT_EQ(hello.held_tokens_size(), 1);
  EXPECT_EQ(hello.held_tokens(0), "held");
}

TEST(WorkerCoreStream, ForgetsTasksThatItHadNotBegun) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  ASSERT_TRUE(core.Receive(Task("t1")).ok());
  core.StreamClosed();
  EXPECT_TRUE(core.TakeBegun().empty());
  EXPECT_TRUE(core.Idle());
  core.StreamOpened(kStart);
  EXPECT_EQ(Sent(core)[0].hello().running_tokens_size(), 0);
}

TEST(WorkerCoreStream, SendsHeldResultsAgainAfterWelcome) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  EXPECT_EQ(CompletedOf(Sent(core)).size(), 1u);
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_KEEP}}));
  EXPECT_EQ(CompletedOf(Sent(core)), std::vector<std::string>{"t1"});
}

TEST(WorkerCoreStream, CreditStartsAgainFromNothingOnANewStream) {
  WorkerCore core(Options(3));
  Connect(core);
  EXPECT_EQ(CreditOf(Sent(core)), 3);
  BeginTask(core, "t1");
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_KEEP}}));
  EXPECT_EQ(CreditOf(Sent(core)), 2);
}

TEST(WorkerCoreStream, AResultThatComesWithoutAStreamWaitsForWelcome) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.StreamClosed();
  core.StreamOpened(kStart);
  EXPECT_EQ(Sent(core)[0].hello().running_tokens(0), "t1");
  core.Finished(id, JsonResult("1"));
  EXPECT_TRUE(Sent(core).empty());
  ASSERT_TRUE(core.Receive(Welcome({{"t1", v1::VERDICT_KIND_KEEP}})).ok());
  EXPECT_EQ(CompletedOf(Sent(core)), std::vector<std::string>{"t1"});
}

TEST(WorkerCoreStream, VerdictRecordedForgetsAHeldResult) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_RECORDED}}));
  const auto sent = Sent(core);
  EXPECT_TRUE(CompletedOf(sent).empty());
  EXPECT_EQ(CreditOf(sent), 2);
}

TEST(WorkerCoreStream, VerdictDropStopsARunningTaskAndKeepsItsSlotUntilItEnds) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_DROP}}));
  const auto stopped = core.TakeStopped();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(stopped[0].id, id);
  EXPECT_EQ(CreditOf(Sent(core)), 1);
  EXPECT_FALSE(core.Idle());
  core.Finished(id, FailureOf(kCancelled, "", false));
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);  // no word of the task
  EXPECT_EQ(CreditOf(sent), 1);
  EXPECT_TRUE(core.Idle());
}

TEST(WorkerCoreStream, VerdictCancelStopsARunningTaskThatThenReports) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_CANCEL}}));
  const auto stopped = core.TakeStopped();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(stopped[0].reason, "because");
  Sent(core);
  core.Finished(id, FailureOf(kCancelled, "because", false));
  EXPECT_EQ(Sent(core)[0].failed().failure().type(), "cancelled");
}

TEST(WorkerCoreStream, VerdictCancelOfAHeldResultStillSendsIt) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_CANCEL}}));
  EXPECT_EQ(CompletedOf(Sent(core)).size(), 1u);
  EXPECT_TRUE(core.TakeStopped().empty());
}

TEST(WorkerCoreStream, ADroppedTokenMayComeBackWhileItsFirstRunWindsUp) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId first = BeginTask(core, "t1");
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_DROP}}));
  Sent(core);
  const TaskId second = BeginTask(core, "t1");
  EXPECT_NE(first, second);
  core.Finished(first, JsonResult("\"old\""));
  EXPECT_TRUE(CompletedOf(Sent(core)).empty());
  core.Finished(second, JsonResult("\"new\""));
  const auto sent = Sent(core);
  EXPECT_EQ(sent[0].completed().result().json_text(), "\"new\"");
}

TEST(WorkerCoreStream, RefusesTasksBeforeWelcomeAndASecondWelcome) {
  WorkerCore core(Options());
  core.StreamOpened(kStart);
  EXPECT_EQ(core.Receive(Task("t1")).code(),
            absl::StatusCode::kFailedPrecondition);
  core.StreamClosed();
  Connect(core);
  EXPECT_EQ(core.Receive(Welcome()).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(WorkerCoreStream, BeatsWhenItHasNothingElseToSay) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  EXPECT_EQ(core.NextAdvance(), kStart + absl::Milliseconds(500));
  core.Advance(kStart + absl::Milliseconds(499));
  EXPECT_FALSE(core.HasFrame());
  core.Advance(kStart + absl::Milliseconds(500));
  const auto sent = Sent(core, kStart + absl::Milliseconds(500));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].has_beat());
  EXPECT_EQ(core.NextAdvance(), kStart + absl::Seconds(1));
}

TEST(WorkerCoreStream, AnyFrameIsABeat) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  Sent(core, kStart + absl::Milliseconds(400));
  core.Advance(kStart + absl::Milliseconds(600));
  EXPECT_FALSE(core.HasFrame());
}

TEST(WorkerCoreStream, WelcomeSetsTheBeatInterval) {
  WorkerCore core(Options());
  core.StreamOpened(kStart);
  Sent(core);
  v1::ServerMessage welcome = Welcome();
  welcome.mutable_welcome()->mutable_beat_interval()->set_nanos(100'000'000);
  ASSERT_TRUE(core.Receive(welcome).ok());
  Sent(core);
  EXPECT_EQ(core.NextAdvance(), kStart + absl::Milliseconds(100));
}

TEST(WorkerCoreStream, NoStreamNoBeat) {
  WorkerCore core(Options());
  core.Advance(kStart);
  EXPECT_FALSE(core.HasFrame());
  EXPECT_EQ(core.NextAdvance(), absl::InfiniteDuration());
}

TEST(WorkerCoreStream, ANewStreamGetsTheProgressAgain) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.AddProgress(id, "Hello");
  Sent(core);
  core.StreamClosed();
  core.AddProgress(id, " there");
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_KEEP}}));
  const auto sent = Sent(core);
  EXPECT_EQ(sent[0].progress().text(), "Hello there");
  EXPECT_EQ(sent[0].progress().offset(), 0);
}

TEST(WorkerCoreStream, LeavingGivesNoMoreCredit) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.Leave();
  core.Leave();
  auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].has_leaving());
  core.Finished(id, JsonResult("1"));
  ASSERT_TRUE(core.Receive(Recorded("t1")).ok());
  EXPECT_EQ(CreditOf(Sent(core)), 0);
  EXPECT_TRUE(core.Idle());
}

TEST(WorkerCoreStream, LeavingIsSaidAgainOnANewStream) {
  WorkerCore core(Options());
  core.Leave();
  Connect(core);
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].has_leaving());
}

TEST(WorkerCoreStream, StopAllStopsWhatRunsAndKeepsWhatIsHeld) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId running = BeginTask(core, "running");
  core.Finished(BeginTask(core, "held"), JsonResult("1"));
  core.StopAll("leaving");
  const auto stopped = core.TakeStopped();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(stopped[0].id, running);
  EXPECT_EQ(stopped[0].type, kWorkerLeaving);
  EXPECT_EQ(core.held(), 1u);
}

TEST(WorkerCoreStream, DrainEndsTheStreamWhenNothingIsLeft) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  v1::ServerMessage drain;
  drain.mutable_drain();
  ASSERT_TRUE(core.Receive(drain).ok());
  EXPECT_FALSE(core.WantsClose());
  core.Finished(id, JsonResult("1"));
  Sent(core);
  EXPECT_FALSE(core.WantsClose());
  ASSERT_TRUE(core.Receive(Recorded("t1")).ok());
  EXPECT_EQ(CreditOf(Sent(core)), 0);
  EXPECT_TRUE(core.WantsClose());
  core.StreamClosed();
  EXPECT_FALSE(core.WantsClose());
}

}  // namespace
}  // namespace anabranch::activity_worker
