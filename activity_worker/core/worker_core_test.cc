#include "activity_worker/core/worker_core.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace anabranch::activity_worker {
namespace {

constexpr absl::Duration kStart = absl::Seconds(100);

WorkerCore::Options Options(int32_t slots = 2) {
  return {.session = "s1",
          .label = "host:1",
          .activity_types = {"echo", "sleep"},
          .slots = slots};
}

v1::ServerMessage Welcome(
    std::vector<std::pair<std::string, v1::VerdictKind>> verdicts = {}) {
  v1::ServerMessage message;
  message.mutable_welcome()->set_epoch("1.ab");
  for (auto& [token, kind] : verdicts) {
    v1::Verdict* verdict = message.mutable_welcome()->add_verdicts();
    verdict->set_token(token);
    verdict->set_kind(kind);
    verdict->set_reason("because");
  }
  return message;
}

v1::ServerMessage Task(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_task()->set_token(token);
  return message;
}

v1::ServerMessage Cancel(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_cancel()->set_token(token);
  message.mutable_cancel()->set_reason("asked to");
  return message;
}

v1::ServerMessage Recorded(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_recorded()->set_token(token);
  return message;
}

v1::ServerMessage Refused(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_refused()->set_token(token);
  message.mutable_refused()->set_reason("stale");
  return message;
}

// Everything that the core wants to send now.
std::vector<v1::WorkerMessage> Sent(WorkerCore& core,
                                    absl::Duration now = kStart) {
  std::vector<v1::WorkerMessage> messages;
  while (core.HasFrame()) {
    const v1::ConnectRequest frame = core.TakeFrame(now);
    messages.insert(messages.end(), frame.messages().begin(),
                    frame.messages().end());
  }
  return messages;
}

int CreditOf(const std::vector<v1::WorkerMessage>& messages) {
  int credit = 0;
  for (const auto& message : messages) credit += message.credit().count();
  return credit;
}

std::vector<std::string> CompletedOf(
    const std::vector<v1::WorkerMessage>& messages) {
  std::vector<std::string> tokens;
  for (const auto& message : messages) {
    if (message.has_completed()) tokens.push_back(message.completed().token());
  }
  return tokens;
}

// Opens a stream up to Welcome and takes the first credit.
void Connect(WorkerCore& core, v1::ServerMessage welcome = Welcome()) {
  core.StreamOpened(kStart);
  Sent(core);
  ASSERT_TRUE(core.Receive(std::move(welcome)).ok());
}

// A core with task `token` begun; returns its id.
TaskId BeginTask(WorkerCore& core, const std::string& token) {
  EXPECT_TRUE(core.Receive(Task(token)).ok());
  const std::vector<BegunTask> begun = core.TakeBegun();
  EXPECT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].task.token(), token);
  Sent(core);
  return begun[0].id;
}

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

TEST(WorkerCore, HelloNamesWhatRunsAndWhatIsHeld) {
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

TEST(WorkerCore, ForgetsTasksThatItHadNotBegun) {
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

TEST(WorkerCore, SendsHeldResultsAgainAfterWelcome) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  EXPECT_EQ(CompletedOf(Sent(core)).size(), 1u);
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_KEEP}}));
  EXPECT_EQ(CompletedOf(Sent(core)), std::vector<std::string>{"t1"});
}

TEST(WorkerCore, CreditStartsAgainFromNothingOnANewStream) {
  WorkerCore core(Options(3));
  Connect(core);
  EXPECT_EQ(CreditOf(Sent(core)), 3);
  BeginTask(core, "t1");
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_KEEP}}));
  EXPECT_EQ(CreditOf(Sent(core)), 2);
}

TEST(WorkerCore, AResultThatComesWithoutAStreamWaitsForWelcome) {
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

TEST(WorkerCore, VerdictRecordedForgetsAHeldResult) {
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

TEST(WorkerCore, VerdictDropStopsARunningTaskAndKeepsItsSlotUntilItEnds) {
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

TEST(WorkerCore, VerdictCancelStopsARunningTaskThatThenReports) {
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

TEST(WorkerCore, VerdictCancelOfAHeldResultStillSendsIt) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  core.StreamClosed();
  Connect(core, Welcome({{"t1", v1::VERDICT_KIND_CANCEL}}));
  EXPECT_EQ(CompletedOf(Sent(core)).size(), 1u);
  EXPECT_TRUE(core.TakeStopped().empty());
}

TEST(WorkerCore, ADroppedTokenMayComeBackWhileItsFirstRunWindsUp) {
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

TEST(WorkerCore, RefusesTasksBeforeWelcomeAndASecondWelcome) {
  WorkerCore core(Options());
  core.StreamOpened(kStart);
  EXPECT_EQ(core.Receive(Task("t1")).code(),
            absl::StatusCode::kFailedPrecondition);
  core.StreamClosed();
  Connect(core);
  EXPECT_EQ(core.Receive(Welcome()).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(WorkerCore, BeatsWhenItHasNothingElseToSay) {
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

TEST(WorkerCore, AnyFrameIsABeat) {
  WorkerCore core(Options());
  Connect(core);
  Sent(core);
  core.Finished(BeginTask(core, "t1"), JsonResult("1"));
  Sent(core, kStart + absl::Milliseconds(400));
  core.Advance(kStart + absl::Milliseconds(600));
  EXPECT_FALSE(core.HasFrame());
}

TEST(WorkerCore, WelcomeSetsTheBeatInterval) {
  WorkerCore core(Options());
  core.StreamOpened(kStart);
  Sent(core);
  v1::ServerMessage welcome = Welcome();
  welcome.mutable_welcome()->mutable_beat_interval()->set_nanos(100'000'000);
  ASSERT_TRUE(core.Receive(welcome).ok());
  Sent(core);
  EXPECT_EQ(core.NextAdvance(), kStart + absl::Milliseconds(100));
}

TEST(WorkerCore, NoStreamNoBeat) {
  WorkerCore core(Options());
  core.Advance(kStart);
  EXPECT_FALSE(core.HasFrame());
  EXPECT_EQ(core.NextAdvance(), absl::InfiniteDuration());
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

TEST(WorkerCore, ANewStreamGetsTheProgressAgain) {
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

TEST(WorkerCore, LeavingGivesNoMoreCredit) {
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

TEST(WorkerCore, LeavingIsSaidAgainOnANewStream) {
  WorkerCore core(Options());
  core.Leave();
  Connect(core);
  const auto sent = Sent(core);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].has_leaving());
}

TEST(WorkerCore, StopAllStopsWhatRunsAndKeepsWhatIsHeld) {
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

TEST(WorkerCore, DrainEndsTheStreamWhenNothingIsLeft) {
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
