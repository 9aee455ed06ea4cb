// What an activity's options mean: timeouts, heartbeats, parking, cancelling.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "orchestrator/shard/shard.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/failure.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using testing::Harness;
using testing::RegisterFlow;

// One activity with the options that the flow's input names.
Future<Payload> Act(FlowContext& ctx, const FlowInput& input) {
  sdk::ActivityOptions options;
  AB_CHECK(google::protobuf::util::JsonStringToMessage(
               input.payload.json_text(), &options)
               .ok());
  return ctx.Start({.type = "echo", .options = std::move(options)});
}

// Its result, or its failure as the flow sees it.
Payload Seen(const Future<Payload>& future) {
  if (future.IsCompleted()) return future.value();
  const api::Failure& failure = future.error();
  return sdk::JsonPayload(
      "[\"" + failure.type() + "\",\"" +
      api::TimeoutType_Name(sdk::TimeoutOf(failure)) + "\",\"" +
      api::RetryState_Name(sdk::RetryStateOf(failure)) + "\"]");
}

Future<Payload> Once(FlowContext& ctx, FlowInput input) {
  auto future = Act(ctx, input);
  (co_await future).IgnoreError();
  co_return Seen(future);
}

// Cancels it on a signal, and waits for what that comes to.
Future<Payload> CancelIt(FlowContext& ctx, FlowInput input) {
  auto future = Act(ctx, input);
  (co_await ctx.ReceiveSignal("cancel")).IgnoreError();
  ctx.Cancel(future);
  (co_await future).IgnoreError();
  auto seen = Seen(future);
  (co_await ctx.ReceiveSignal("end")).IgnoreError();
  co_return seen;
}

Future<Payload> CancelAndReturn(FlowContext& ctx, FlowInput input) {
  auto future = Act(ctx, input);
  (co_await ctx.ReceiveSignal("cancel")).IgnoreError();
  ctx.Cancel(future);
  co_return Payload();
}

// Every test runs with the cache of live flows at 0 and at its default.
class ShardActivitiesTest : public ::testing::TestWithParam<size_t> {
 protected:
  ShardActivitiesTest() : h(GetParam()) {
    RegisterFlow(h.flows, "once", Once);
    RegisterFlow(h.flows, "cancel", CancelIt);
    RegisterFlow(h.flows, "cancel_and_return", CancelAndReturn);
  }

  // Starts run "r" and answers its first task's token.
  std::string Begin(const std::string& flow, const std::string& options) {
    h.Connect(1, "session-1");
    EXPECT_TRUE(h.Start(flow, "r", options).ok());
    auto tasks = h.Tasks(1);
    EXPECT_EQ(tasks.size(), 1u);
    return tasks.empty() ? "" : tasks[0].token();
  }
  void Say(api::WorkerMessage message) {
    WorkerFrame frame;
    frame.stream = {1};
    frame.messages.push_back(std::move(message));
    h.Round({std::move(frame)});
  }
  void Heartbeat(const std::string& token, const std::string& json) {
    api::WorkerMessage message;
    message.mutable_heartbeat()->set_token(token);
    if (!json.empty()) {
      message.mutable_heartbeat()->mutable_details()->set_json_text(json);
    }
    Say(std::move(message));
  }
  // Reports a result with usage of one call.
  void CompleteWithUsage(const std::string& token, const std::string& json) {
    api::WorkerMessage message;
    auto* completed = message.mutable_completed();
    completed->set_token(token);
    completed->mutable_result()->set_json_text(json);
    completed->set_usage_json(R"({"output_tokens":1})");
    Say(std::move(message));
  }
  // Time passes while the worker says that it lives.
  void AdvanceWithBeats(absl::Duration by) {
    for (; by > absl::ZeroDuration(); by -= absl::Seconds(1)) {
      h.Beat(1);
      h.Advance(std::min(by, absl::Seconds(1)));
    }
  }
  api::ActivityInfo Info() { return h.Run("r").waiting_activities(0); }
  std::string Result() { return h.Run("r").result().json_text(); }
  int Count(api::ServerMessage::KindCase kind) {
    int count = 0;
    for (const auto& message : h.Messages(1)) {
      count += message.kind_case() == kind ? 1 : 0;
    }
    return count;
  }
  std::string StoredDetails() {
    auto records = h.store.ReadAllActivities();
    return records->at(0).info().heartbeat_details().json_text();
  }

  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, ShardActivitiesTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(ShardActivitiesTest, SilenceEndsTheAttemptAndItsDetailsGoToTheNext) {
  std::string token = Begin(
      "once",
      R"({"heartbeatTimeout":"5s","retry":{"initialInterval":"1s","jitterFactor":0}})");
  Heartbeat(token, R"({"done":7})");
  h.Messages(1);
  AdvanceWithBeats(absl::Seconds(5));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_BACKING_OFF);
  EXPECT_EQ(Info().last_failure().type(), "timeout");
  EXPECT_EQ(Info().heartbeat_details().json_text(), R"({"done":7})");
  EXPECT_EQ(Count(api::ServerMessage::kCancel), 1);
  AdvanceWithBeats(absl::Seconds(1));
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].heartbeat_details().json_text(), R"({"done":7})");
  EXPECT_EQ(tasks[0].heartbeat_timeout().seconds(), 5);
}

TEST_P(ShardActivitiesTest, EachHeartbeatPutsTheTimeoutOff) {
  std::string token = Begin("once", R"({"heartbeatTimeout":"3s"})");
  for (int i = 0; i < 10; ++i) {
    AdvanceWithBeats(absl::Seconds(2));
    Heartbeat(token, "");
  }
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_RUNNING);
}

TEST_P(ShardActivitiesTest, TheLastSilenceClosesTheActivityAndSaysSo) {
  Begin("once", R"({"heartbeatTimeout":"3s","retry":{"maximumAttempts":1}})");
  AdvanceWithBeats(absl::Seconds(3));
  EXPECT_EQ(Result(), R"(["timeout","TIMEOUT_TYPE_HEARTBEAT",)"
                      R"("RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED"])");
}

TEST_P(ShardActivitiesTest, HeartbeatsAreRecordedOnceASecondAtMost) {
  std::string token = Begin("once", "{}");
  for (int i = 1; i <= 5; ++i) Heartbeat(token, std::to_string(i));
  EXPECT_EQ(StoredDetails(), "1");
  AdvanceWithBeats(absl::Seconds(1));
  EXPECT_EQ(StoredDetails(), "5");
  // None is left behind, and equal ones are not written again.
  int before = h.effects.changes;
  for (int i = 0; i < 5; ++i) {
    Heartbeat(token, "5");
    AdvanceWithBeats(absl::Seconds(1));
  }
  EXPECT_EQ(h.effects.changes, before);
}

TEST_P(ShardActivitiesTest, ARestartBeginsTheWaitForHeartbeatsAnew) {
  std::string token = Begin("once", R"({"heartbeatTimeout":"4s"})");
  h.Restart(absl::Seconds(60));
  // Held back while its worker may not have come back yet.
  h.Advance(absl::Seconds(6));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_RUNNING);
  h.Connect(1, "session-1", 10, {token});
  AdvanceWithBeats(absl::Seconds(3));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_RUNNING);
  AdvanceWithBeats(absl::Seconds(2));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_BACKING_OFF);
}

TEST_P(ShardActivitiesTest, WaitingTooLongForAWorkerIsNeverRetried) {
  ASSERT_TRUE(h.Start("once", "r", R"({"scheduleToStartTimeout":"10s"})").ok());
  h.Advance(absl::Seconds(9));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_READY);
  h.Restart();
  h.Advance(absl::Seconds(1));
  EXPECT_EQ(Result(), R"(["timeout","TIMEOUT_TYPE_SCHEDULE_TO_START",)"
                      R"("RETRY_STATE_NEVER_RETRIED"])");
}

TEST_P(ShardActivitiesTest, OnceGrantedTheWaitForAWorkerIsOver) {
  std::string token = Begin(
      "once",
      R"({"scheduleToStartTimeout":"2s","retry":{"initialInterval":"60s","maximumInterval":"60s","jitterFactor":0}})");
  h.Fail(1, token, "flaky", true);
  AdvanceWithBeats(absl::Seconds(10));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_BACKING_OFF);
}

TEST_P(ShardActivitiesTest, AllItsTimeCanRunOutBetweenAttempts) {
  std::string token = Begin(
      "once",
      R"({"scheduleToCloseTimeout":"8s","retry":{"initialInterval":"5s","jitterFactor":0}})");
  h.Fail(1, token, "flaky", true);
  h.Disconnect(1);
  h.Advance(absl::Seconds(9));
  EXPECT_EQ(Result(), R"(["timeout","TIMEOUT_TYPE_SCHEDULE_TO_CLOSE",)"
                      R"("RETRY_STATE_TIMEOUT"])");
}

TEST_P(ShardActivitiesTest, AnExhaustedActivityParksAndOnlyItsTimeEndsIt) {
  std::string token = Begin(
      "once",
      R"({"onExhausted":"EXHAUSTED_ACTION_PARK","scheduleToCloseTimeout":"100s"})");
  h.Fail(1, token, "invalid_request_error", false);
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_PARKED);
  EXPECT_EQ(Info().parked_because(), api::RETRY_STATE_NON_RETRYABLE_FAILURE);
  AdvanceWithBeats(absl::Seconds(50));
  h.Restart();
  h.Connect(1, "session-1");
  AdvanceWithBeats(absl::Seconds(48));
  EXPECT_EQ(Info().state(), api::ACTIVITY_STATE_PARKED);
  EXPECT_TRUE(h.Tasks(1).empty());
  AdvanceWithBeats(absl::Seconds(3));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(ShardActivitiesTest, WhoWaitsForACancelledActivityGetsItsResult) {
  std::string token =
      Begin("cancel", R"({"cancellation":"CANCELLATION_TYPE_WAIT_COMPLETED"})");
  ASSERT_TRUE(h.Signal("r", "cancel", "1").ok());
  EXPECT_EQ(Count(api::ServerMessage::kCancel), 1);
  ASSERT_TRUE(h.Signal("r", "end", "1").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Complete(1, token, "42");
  EXPECT_EQ(Result(), "42");
}

TEST_P(ShardActivitiesTest, WhoWaitsForACancelledActivityLearnsHowItFailed) {
  std::string token =
      Begin("cancel", R"({"cancellation":"CANCELLATION_TYPE_WAIT_COMPLETED"})");
  ASSERT_TRUE(h.Signal("r", "cancel", "1").ok());
  h.Fail(1, token, "disk_full", true);
  ASSERT_TRUE(h.Signal("r", "end", "1").ok());
  EXPECT_EQ(Result(), R"(["disk_full","TIMEOUT_TYPE_UNSPECIFIED",)"
                      R"("RETRY_STATE_CANCEL_REQUESTED"])");
}

TEST_P(ShardActivitiesTest, AnAbandonedActivitysWorkerIsNotTold) {
  std::string token =
      Begin("cancel", R"({"cancellation":"CANCELLATION_TYPE_ABANDON"})");
  ASSERT_TRUE(h.Signal("r", "cancel", "1").ok());
  EXPECT_EQ(Count(api::ServerMessage::kCancel), 0);
  EXPECT_TRUE(h.store.ReadAllActivities()->empty());
  for (int i = 0; i < 2; ++i) {
    CompleteWithUsage(token, "42");
    EXPECT_EQ(Count(api::ServerMessage::kRefused), 1);
  }
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
  ASSERT_TRUE(h.Signal("r", "end", "1").ok());
  EXPECT_EQ(Result(), R"(["cancelled","TIMEOUT_TYPE_UNSPECIFIED",)"
                      R"("RETRY_STATE_UNSPECIFIED"])");
}

TEST_P(ShardActivitiesTest, CancellingAndClosingTellsTheWorkerOnce) {
  Begin("cancel_and_return", "{}");
  ASSERT_TRUE(h.Signal("r", "cancel", "1").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(Count(api::ServerMessage::kCancel), 1);
}

TEST_P(ShardActivitiesTest, UsageCountsOnlyForAttemptsThatWereGranted) {
  std::string text = Begin("cancel", "{}");
  TaskToken token = *TaskToken::Parse(text);
  TaskToken later = token;
  later.attempt = 9;
  TaskToken newer = token;
  ++newer.epoch.counter;
  CompleteWithUsage(later.ToString(), "1");
  CompleteWithUsage(newer.ToString(), "1");
  EXPECT_EQ(h.Run("r").usage().calls(), 0);
  CompleteWithUsage(text, "1");
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
  // Closed: the record is gone, and so is what says that attempt 1 was there.
  CompleteWithUsage(later.ToString(), "1");
  CompleteWithUsage(newer.ToString(), "1");
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
}

// A backup was restored: the number of an attempt of which the store knows
// nothing was given again.
TEST_P(ShardActivitiesTest, UsageOfAnAttemptThatTheStoreHasLostIsNotCounted) {
  const std::string text = Begin("once", "{}");
  TaskToken lost = *TaskToken::Parse(text);
  ++lost.epoch.nonce;
  h.Disconnect(1);
  h.Advance(limits::kReconnectGrace + absl::Seconds(1));
  ASSERT_EQ(Info().state(), api::ACTIVITY_STATE_READY);
  h.Connect(1, "session-1", 0, {}, {text});
  CompleteWithUsage(lost.ToString(), "1");
  EXPECT_EQ(h.Run("r").usage().calls(), 0);
  CompleteWithUsage(text, "1");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
  auto records = h.store.ReadUsage(*Uid::FromHex(h.Run("r").uid()));
  ASSERT_EQ(records->size(), 1u);
  EXPECT_TRUE(records->at(0).accepted());
}

TEST_P(ShardActivitiesTest, WhatAnAttemptTellsTwiceCountsOnce) {
  const std::string text =
      Begin("once", R"({"retry":{"initial_interval":"60s"}})");
  api::WorkerMessage message;
  message.mutable_failed()->set_token(text);
  message.mutable_failed()->mutable_failure()->set_retryable(true);
  message.mutable_failed()->set_usage_json(R"({"output_tokens":1})");
  Say(std::move(message));
  ASSERT_EQ(Info().state(), api::ACTIVITY_STATE_BACKING_OFF);
  CompleteWithUsage(text, "1");
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
}

TEST_P(ShardActivitiesTest, UsageOfAnAttemptThatWasGivenUpCountsLater) {
  std::string token = Begin("once", "{}");
  h.Terminate("r").IgnoreError();
  h.Restart();
  h.Connect(1, "session-1", 10, {}, {token});
  CompleteWithUsage(token, "1");
  EXPECT_EQ(h.Run("r").usage().calls(), 1);
}

TEST(ShardActivities, RowsOfTheMachineAreTold) {
  std::set<core::ActivityRow> rows;
  Harness h;
  h.options.on_activity_row = [&rows](core::ActivityRow row) {
    rows.insert(row);
  };
  RegisterFlow(h.flows, "once", Once);
  h.Restart();
  h.Connect(1, "session-1");
  ASSERT_TRUE(h.Start("once", "r", "{}").ok());
  h.Complete(1, h.Tasks(1).at(0).token(), "1");
  EXPECT_EQ(rows, (std::set<core::ActivityRow>{core::ActivityRow::kGranted,
                                               core::ActivityRow::kCompleted}));
}

}  // namespace
}  // namespace anabranch::shard
