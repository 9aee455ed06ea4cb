#include "activity_worker/core/worker_core.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "activity_worker/core/worker_core_fixture.h"

namespace anabranch::activity_worker {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the fixture

TEST(WorkerCore, SaysHelloFirst) {
  WorkerCore core(Options());
  EXPECT_FALSE(core.HasFrame());
  core.StreamOpened(kStart);
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  const v1::Hello& hello = sent[0].hello();
  EXPECT_EQ(hello.session(), "s1");
  EXPECT_EQ(hello.label(), "host:1");
  EXPECT_EQ(hello.slots(), 2);
  EXPECT_EQ(hello.activity_types_size(), 2);
  EXPECT_EQ(hello.protocol_version(), 1);
  EXPECT_EQ(hello.running_tokens_size(), 0);
}

TEST(WorkerCore, GivesCreditForItsSlotsOnce) {
  WorkerCore core(Options(3));
  Connect(core);
  EXPECT_EQ(CreditOf(Sent(core)), 3);
  EXPECT_EQ(CreditOf(Sent(core)), 0);
}

TEST(WorkerCore, AcceptsAndBeginsATask) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  ASSERT_TRUE(core.Receive(Task("t1")).ok());
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].task_accepted().token(), "t1");
  EXPECT_EQ(core.TakeBegun().size(), 1u);
  EXPECT_EQ(core.running(), 1u);
}

TEST(WorkerCore, HoldsAResultAndItsSlotUntilRecorded) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.Finished(id, JsonResult("{\"x\":1}"));
  auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].completed().token(), "t1");
  EXPECT_EQ(sent[0].completed().result().json_text(), "{\"x\":1}");
  EXPECT_EQ(core.held(), 1u);
  ASSERT_TRUE(core.Receive(Recorded("t1")).ok());
  EXPECT_EQ(CreditOf(Sent(core)), 1);
  EXPECT_TRUE(core.Idle());
}

TEST(WorkerCore, RefusedFreesTheSlotToo) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  Sent(core);
  ASSERT_TRUE(core.Receive(Refused("t1")).ok());
  EXPECT_EQ(CreditOf(Sent(core)), 1);
}

TEST(WorkerCore, ReportsAFailureWithDelayAndUsage) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  Outcome outcome = FailureOf("rate_limit_error", "slow down", true);
  outcome.next_delay = absl::Milliseconds(1500);
  outcome.usage_json = "{\"input_tokens\":3}";
  core.Finished(BeginTask(core, "t1"), outcome);
  const v1::Failed failed = Sent(core)[0].failed();
  EXPECT_EQ(failed.failure().type(), "rate_limit_error");
  EXPECT_TRUE(failed.failure().retryable());
  EXPECT_EQ(failed.next_delay().seconds(), 1);
  EXPECT_EQ(failed.next_delay().nanos(), 500'000'000);
  EXPECT_EQ(failed.usage_json(), "{\"input_tokens\":3}");
}

TEST(WorkerCore, ATaskThatComesTwiceRunsOnce) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  ASSERT_TRUE(core.Receive(Task("t1")).ok());
  EXPECT_TRUE(core.TakeBegun().empty());
  Sent(core);
  core.Finished(id, JsonResult("1"));
  Sent(core);
  ASSERT_TRUE(core.Receive(Task("t1")).ok());
  EXPECT_TRUE(core.TakeBegun().empty());
  EXPECT_EQ(CompletedOf(Sent(core)), std::vector<std::string>{"t1"});
}

TEST(WorkerCore, CancelStopsATask) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  ASSERT_TRUE(core.Receive(Cancel("t1")).ok());
  const auto stopped = core.TakeStopped();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(stopped[0].id, id);
  EXPECT_EQ(stopped[0].reason, "asked to");
}

TEST(WorkerCore, CancelOfAFinishedTaskChangesNothing) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  ASSERT_TRUE(core.Receive(Cancel("t1")).ok());
  EXPECT_TRUE(core.TakeStopped().empty());
  EXPECT_EQ(CompletedOf(Sent(core)).size(), 1u);
}

TEST(WorkerCore, CancelBeforeTheTaskWasBegunReportsItAtOnce) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  ASSERT_TRUE(core.Receive(Task("t1")).ok());
  ASSERT_TRUE(core.Receive(Cancel("t1")).ok());
  EXPECT_TRUE(core.TakeBegun().empty());
  EXPECT_TRUE(core.TakeStopped().empty());
  EXPECT_EQ(Sent(core).back().failed().failure().type(), "cancelled");
}

TEST(WorkerCore, CancelThatOvertakesTheTasksPiecesHolds) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const std::string bytes = Task("t1").SerializeAsString();
  v1::ServerMessage piece;
  piece.mutable_fragment()->set_transfer_id(7);
  piece.mutable_fragment()->set_data(bytes.substr(0, 2));
  ASSERT_TRUE(core.Receive(piece).ok());
  ASSERT_TRUE(core.Receive(Cancel("t1")).ok());
  piece.mutable_fragment()->set_data(bytes.substr(2));
  piece.mutable_fragment()->set_last(true);
  ASSERT_TRUE(core.Receive(piece).ok());
  EXPECT_TRUE(core.TakeBegun().empty());
  EXPECT_EQ(Sent(core).back().failed().failure().type(), "cancelled");
}

TEST(WorkerCore, RefusedWhileRunningStopsTheTask) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  ASSERT_TRUE(core.Receive(Refused("t1")).ok());
  EXPECT_EQ(core.TakeStopped().size(), 1u);
  core.Finished(id, JsonResult("1"));
  EXPECT_TRUE(CompletedOf(Sent(core)).empty());
}

TEST(WorkerCore, WordOfUnknownTokensIsHarmless) {
  WorkerCore core(Options());
  Connect(core, Welcome({{"x", v1::VERDICT_KIND_DROP},
                         {"y", v1::VERDICT_KIND_CANCEL},
                         {"z", v1::VERDICT_KIND_UNSPECIFIED}}));
  Sent(core);
  EXPECT_TRUE(core.Receive(Recorded("a")).ok());
  EXPECT_TRUE(core.Receive(Refused("b")).ok());
  EXPECT_TRUE(core.Receive(Cancel("c")).ok());
  EXPECT_TRUE(core.Receive(v1::ServerMessage()).ok());
  EXPECT_TRUE(core.TakeStopped().empty());
  EXPECT_TRUE(Sent(core).empty());
}

TEST(WorkerCore, RefusesMoreTasksThanItGaveCreditFor) {
  WorkerCore core(Options(1));
  Connect(core);
  Sent(core);
  EXPECT_TRUE(core.Receive(Task("t1")).ok());
  EXPECT_EQ(core.Receive(Task("t2")).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(WorkerCore, ProgressComesBeforeTheResultAndJoinsUp) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  core.AddProgress(id, "Hel");
  core.AddProgress(id, "lo");
  core.Finished(id, JsonResult("1"));
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].progress().text(), "Hello");
  EXPECT_EQ(sent[0].progress().offset(), 0);
  EXPECT_TRUE(sent[1].has_completed());
}

TEST(WorkerCore, HeartbeatsCarryDetails) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const TaskId id = BeginTask(core, "t1");
  v1::Payload details;
  details.set_text("half way");
  core.AddHeartbeat(id, details);
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].heartbeat().token(), "t1");
  EXPECT_EQ(sent[0].heartbeat().details().text(), "half way");
}

TEST(WorkerCore, ALargeResultGoesInPieces) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  const std::string text(300'000, 'x');
  core.Finished(BeginTask(core, "t1"), JsonResult("\"" + text + "\""));
  std::string bytes;
  for (const auto& message : Sent(core)) bytes += message.fragment().data();
  v1::WorkerMessage whole;
  ASSERT_TRUE(whole.ParseFromString(bytes));
  EXPECT_EQ(whole.completed().result().json_text().size(), text.size() + 2);
}

TEST(WorkerCore, HelloNamesItsQueues) {
  WorkerCore::Options options = testing::Options();
  options.task_queues = {"default", "gpu"};
  WorkerCore core(options);
  core.StreamOpened(testing::kStart);
  const auto sent = testing::Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].hello().task_queues_size(), 2);
  EXPECT_EQ(sent[0].hello().task_queues(1), "gpu");
}

TEST(WorkerCore, AnAbandonedTasksResultFreesItsSlotWhenItIsRefused) {
  WorkerCore core(testing::Options(1));
  testing::Connect(core);
  testing::Sent(core);
  const TaskId id = testing::BeginTask(core, "t1");
  core.Finished(id, JsonResult("1"));
  EXPECT_EQ(testing::CompletedOf(testing::Sent(core)).size(), 1u);
  EXPECT_EQ(core.held(), 1u);
  ASSERT_TRUE(core.Receive(testing::Refused("t1")).ok());
  EXPECT_TRUE(core.Idle());
  EXPECT_EQ(testing::CreditOf(testing::Sent(core)), 1);
}

}  // namespace
}  // namespace anabranch::activity_worker
