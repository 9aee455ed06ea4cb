// Continue-as-new, published values and queries.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using testing::Call;
using testing::CallWithReason;
using testing::Harness;

// Adds one to its input at each `next`; ends with it at `end`.
Future<Payload> Counts(FlowContext& ctx, FlowInput input) {
  ctx.Publish("count", input.payload);
  const std::string count = input.payload.json_text();
  auto answer = ctx.Answer("double", [count](const Payload&) {
    return sdk::JsonPayload(std::to_string(2 * std::stoi(count)));
  });
  auto next = co_await ctx.ReceiveSignal("next");
  if (!next.ok()) co_return next.status();
  if (next->json_text() == "0") co_return input.payload;
  co_return (co_await ctx.ContinueAsNew(
                 sdk::JsonPayload(std::to_string(std::stoi(count) + 1))))
      .status();
}

// Continues as new until its input is 0.
Future<Payload> CountsDown(FlowContext& ctx, FlowInput input) {
  const int count = std::stoi(input.payload.json_text());
  if (count == 0) co_return sdk::JsonPayload("\"done\"");
  co_return (
      co_await ctx.ContinueAsNew(sdk::JsonPayload(std::to_string(count - 1))))
      .status();
}

// One activity in each generation, for ever.
Future<Payload> WorksOn(FlowContext& ctx, FlowInput input) {
  auto result = co_await ctx.Start({.type = "echo", .input = input.payload});
  if (!result.ok()) co_return result.status();
  co_return (co_await ctx.ContinueAsNew(*result)).status();
}

// Breaks down before its first activation is over.
Future<Payload> ThrowsAtOnce(FlowContext& ctx, FlowInput) {
  auto child = ctx.StartChild({.flow = "counts"});
  auto timer = ctx.StartTimer(absl::ZeroDuration());
  if (!child.IsDone() || !timer.IsDone()) throw std::runtime_error("bad");
  co_return Payload();
}

// Throws at the beginning: a bad build of `counts`.
Future<Payload> CountsBadly(FlowContext& ctx, FlowInput input) {
  if (input.payload.json_text() != "-1") throw std::runtime_error("bad");
  co_return (co_await ctx.ReceiveSignal("next")).status();
}

class GenerationsTest : public ::testing::TestWithParam<size_t> {
 protected:
  GenerationsTest() : h(GetParam()) {
    testing::RegisterSmallFlows(h.flows);
    testing::RegisterFlow(h.flows, "counts", Counts);
    testing::RegisterFlow(h.flows, "counts_down", CountsDown);
    testing::RegisterFlow(h.flows, "works_on", WorksOn);
    testing::RegisterFlow(h.flows, "throws_at_once", ThrowsAtOnce);
  }
  absl::StatusOr<QueryAnswer> Query(const std::string& id,
                                    const std::string& query) {
    QueryRun input;
    input.name = {"default", id};
    input.query = query;
    return Call(h, std::move(input));
  }
  api::Run Previous(const std::string& id) {
    auto index = h.store.ReadRunIndex({"default", id});
    auto status = h.store.ReadStatus(Uid{(*index)->uid()});
    return (*h.store.ReadStatus(Uid{(*status)->previous_uid()}))->run();
  }
  void Settle() {
    while (h.shard->NextDue().value_or(absl::InfiniteDuration()) <=
           h.clock.Steady()) {
      h.Round();
    }
  }

  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, GenerationsTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(GenerationsTest, OneBatchClosesOneGenerationAndBeginsTheNext) {
  ASSERT_TRUE(h.Start("counts", "r", "1").ok());
  const api::Run first = h.Run("r");
  h.Advance(absl::Seconds(5));
  ASSERT_TRUE(h.Signal("r", "other", "7").ok());
  ASSERT_TRUE(h.Signal("r", "next", "1").ok());

  const api::Run run = h.Run("r");
  EXPECT_EQ(run.state(), api::RUN_STATE_RUNNING);
  EXPECT_EQ(run.generation(), 2);
  EXPECT_NE(run.uid(), first.uid());
  EXPECT_EQ(FromProto(run.create_time()), FromProto(first.create_time()));
  EXPECT_EQ(run.unread_signals(), 1);
  const auto history = h.History("r");
  const auto& started = history[0].run_started();
  EXPECT_EQ(started.input().json_text(), "2");
  EXPECT_EQ(started.continued_from(), first.uid());
  EXPECT_EQ(started.generation(), 2);
  ASSERT_EQ(started.signals_size(), 1);
  EXPECT_EQ(started.signals(0).name(), "other");
  EXPECT_EQ(started.published().at("count").json_text(), "1");
  EXPECT_EQ(Previous("r").state(), api::RUN_STATE_CONTINUED_AS_NEW);
  EXPECT_EQ(h.store.ReadOpenRuns()->size(), 1u);
  EXPECT_EQ(h.store.ListRuns("default", "", 10)->uids.size(), 1u);

  h.Restart();
  ASSERT_TRUE(h.Signal("r", "next", "0").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").result().json_text(), "2");
}

TEST_P(GenerationsTest, RequestsAreKnownAcrossGenerations) {
  ASSERT_TRUE(h.Start("counts", "r", "1", "start").ok());
  ASSERT_TRUE(h.Signal("r", "next", "1", "q").ok());
  ASSERT_TRUE(h.Signal("r", "next", "1", "q").ok());
  EXPECT_EQ(h.Run("r").generation(), 2);
  EXPECT_TRUE(h.Start("counts", "r", "1", "start")->created);
  // By its id, too: what it was started with counts.
  EXPECT_FALSE(h.Start("counts", "r", "1")->created);
}

TEST_P(GenerationsTest, ManyGenerationsAtOnceLeaveOthersTheirTurn) {
  ASSERT_TRUE(h.Start("counts_down", "r", "100").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_LE(h.Run("r").generation(), limits::kGenerationsPerRoundMax + 1);
  h.Restart();
  Settle();
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").generation(), 101);
}

TEST_P(GenerationsTest, APausedRunStaysPausedInItsNextGeneration) {
  ASSERT_TRUE(h.Start("counts", "r", "1").ok());
  ASSERT_TRUE(CallWithReason<PauseRun>(h, "r").ok());
  ASSERT_TRUE(h.Signal("r", "next", "1").ok());
  EXPECT_EQ(h.Run("r").generation(), 2);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  EXPECT_EQ(h.Run("r").pause().reason(), "test");
  EXPECT_EQ(h.store.ReadPausedRuns()->size(), 1u);
  h.Restart();
  ASSERT_TRUE(CallWithReason<ResumeRun>(h, "r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_TRUE(h.store.ReadPausedRuns()->empty());
}

TEST_P(GenerationsTest, TheTimeoutIsOfTheRunAsAWhole) {
  StartRun input;
  input.name = {"default", "r"};
  input.flow = "counts";
  input.input.set_json_text("1");
  input.run_timeout = absl::Seconds(30);
  ASSERT_TRUE(Call(h, std::move(input)).ok());
  h.Advance(absl::Seconds(20));
  ASSERT_TRUE(h.Signal("r", "next", "1").ok());
  h.Restart();
  h.Advance(absl::Seconds(11));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TIMED_OUT);
  EXPECT_EQ(h.Run("r").generation(), 2);
}

TEST_P(GenerationsTest, UsageIsSummedOverAllGenerations) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("works_on", "r", "1").ok());
  for (int i = 1; i <= 3; ++i) {
    auto tasks = h.Tasks(1);
    ASSERT_EQ(tasks.size(), 1u);
    WorkerFrame frame;
    frame.stream = {1};
    auto* completed = frame.messages.emplace_back().mutable_completed();
    completed->set_token(tasks[0].token());
    completed->mutable_result()->set_json_text("1");
    completed->set_usage_json(R"({"output_tokens":5})");
    std::vector<Input> inputs;
    inputs.emplace_back(std::move(frame));
    h.Round(std::move(inputs));
    EXPECT_EQ(h.Run("r").generation(), i + 1);
    EXPECT_EQ(h.Run("r").usage().output_tokens(), 5 * i);
  }
}

TEST_P(GenerationsTest, MailBehindTheSignalThatContinuesIsForTheNextOne) {
  ASSERT_TRUE(h.Start("counts", "r", "1").ok());
  sdk::FlowRegistry bad("bad");
  testing::RegisterFlow(bad, "counts", CountsBadly);
  h.Restart(absl::ZeroDuration(), &bad);
  ASSERT_TRUE(h.Signal("r", "next", "1", "q1").ok());
  ASSERT_TRUE(h.Signal("r", "other", "7", "q2").ok());
  ASSERT_TRUE(h.Signal("r", "next", "1", "q3").ok());
  ASSERT_TRUE(h.Signal("r", "next", "0", "q4").ok());
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  h.Restart();
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r").generation(), 3);
  EXPECT_EQ(h.Run("r").result().json_text(), "3");
  const auto history = h.History("r");
  const auto& unread = history.back().run_completed().unread_signals();
  ASSERT_EQ(unread.size(), 1);
  EXPECT_EQ(unread[0].request_id(), "q2");
  EXPECT_TRUE(h.store.ReadMailboxRuns()->empty());
}

TEST_P(GenerationsTest, ARequestToCancelBehindTheEndLeavesNoMail) {
  ASSERT_TRUE(h.Start("counts", "r", "1").ok());
  sdk::FlowRegistry bad("bad");
  testing::RegisterFlow(bad, "counts", CountsBadly);
  h.Restart(absl::ZeroDuration(), &bad);
  ASSERT_TRUE(h.Signal("r", "next", "1", "q1").ok());
  ASSERT_TRUE(h.Signal("r", "next", "0", "q2").ok());
  ASSERT_TRUE(h.Cancel("r").ok());
  ASSERT_TRUE(h.Signal("r", "other", "7", "q3").ok());
  h.Restart();
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  // The next generation ends with q2, before the request reaches it: nobody
  // can retry it and take the request in.
  EXPECT_FALSE(h.Run("r").cancel_requested());
  EXPECT_TRUE(h.store.ReadMailboxRuns()->empty());
}

TEST_P(GenerationsTest, ASignalToAGenerationThatWaitsItsTurnIsNotLost) {
  ASSERT_TRUE(h.Start("counts_down", "r", "100").ok());
  ASSERT_TRUE(h.Signal("r", "other", "7", "q").ok());
  h.Restart();
  Settle();
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  const auto history = h.History("r");
  const auto& unread = history.back().run_completed().unread_signals();
  ASSERT_EQ(unread.size(), 1);
  EXPECT_EQ(unread[0].request_id(), "q");
}

TEST_P(GenerationsTest, AGenerationThatBreaksDownAtOnceHasNoEvents) {
  ASSERT_TRUE(h.Start("throws_at_once", "r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  EXPECT_EQ(h.Run("r").history_events(), 0);
  EXPECT_EQ(h.Run("r").waiting_children_size(), 0);
  EXPECT_TRUE(h.History("r").empty());
}

TEST_P(GenerationsTest, AQueryIsAnsweredByTheLiveFlowWithoutAnEvent) {
  ASSERT_TRUE(h.Start("counts", "r", "21").ok());
  const size_t events = h.History("r").size();
  auto answer = Query("r", "double");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->result.json_text(), "42");
  EXPECT_FALSE(answer->published);
  h.Restart();
  EXPECT_EQ(Query("r", "double")->result.json_text(), "42");
  EXPECT_EQ(h.History("r").size(), events);
}

TEST_P(GenerationsTest, AClosedRunAnswersWhatItPublishedLast) {
  ASSERT_TRUE(h.Start("counts", "r", "1").ok());
  ASSERT_TRUE(h.Signal("r", "next", "1").ok());
  ASSERT_TRUE(h.Signal("r", "next", "0").ok());
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
  ASSERT_EQ(h.Run("r").published_size(), 1);
  EXPECT_EQ(h.Run("r").published(0), "count");
  h.Restart();
  auto answer = Query("r", "count");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->result.json_text(), "2");
  EXPECT_TRUE(answer->published);
  auto unknown = Query("r", "double");
  EXPECT_EQ(ErrorReason(unknown.status()), "QUERY_NOT_FOUND");
  EXPECT_NE(std::string(unknown.status().message()).find("count"),
            std::string::npos);
}

TEST_P(GenerationsTest, AnUnknownQueryNamesWhatThereIs) {
  ASSERT_TRUE(h.Start("counts", "r", "1").ok());
  auto unknown = Query("r", "nope");
  EXPECT_EQ(ErrorReason(unknown.status()), "QUERY_NOT_FOUND");
  EXPECT_NE(std::string(unknown.status().message()).find("double"),
            std::string::npos);
  EXPECT_EQ(ErrorReason(Query("none", "count").status()), "RUN_NOT_FOUND");
}

}  // namespace
}  // namespace anabranch::shard
