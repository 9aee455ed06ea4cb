#include "sdk/flow_instance.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "sdk/flow_test_util.h"

namespace anabranch::sdk {
namespace {

Future<Payload> Twice(FlowContext& ctx, FlowInput input) {
  auto first = co_await ctx.Start({.type = "echo", .input = input.payload});
  if (!first.ok()) co_return first.status();
  auto second = co_await ctx.Start({.type = "echo", .input = *first});
  if (!second.ok()) co_return second.status();
  co_return *second;
}

TEST(FlowInstance, SequentialActivitiesEachWaitForTheLast) {
  FlowInstance flow(Twice);
  flow.Deliver(Started("1"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].seq(), 1);
  EXPECT_EQ(commands[0].schedule_activity().activity_type(), "echo");
  flow.Deliver(Completed(1, "2"));
  commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].schedule_activity().input().json_text(), "2");
  flow.Deliver(Completed(2, "3"));
  commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].complete_run().result().json_text(), "3");
}

TEST(FlowInstance, FailureOfAnActivityFailsTheRunWithItsType) {
  FlowInstance flow(Twice);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(FailedEvent(1, "overloaded_error"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].fail_run().failure().type(), "overloaded_error");
  EXPECT_EQ(commands[0].fail_run().failure().message(), "no luck");
}

Future<int> Branch(FlowContext& ctx, int number) {
  auto result = co_await ctx.Start({.type = "echo"});
  if (!result.ok()) co_return result.status();
  co_return number;
}

Future<Payload> FanOut(FlowContext& ctx, FlowInput) {
  std::vector<Future<int>> branches;
  for (int i = 0; i < 3; ++i) branches.push_back(Branch(ctx, i));
  auto results = co_await Settled(branches);
  std::string text;
  for (const auto& result : *results) {
    text += result.ok() ? std::to_string(*result) : "x";
  }
  EXPECT_TRUE(branches[1].IsFailed());
  EXPECT_EQ(branches[1].error().type(), "bad");
  EXPECT_TRUE(branches[2].IsCompleted());
  co_return JsonPayload("\"" + text + "\"");
}

TEST(FlowInstance, BranchesRunSideBySideAndFailuresAreResults) {
  FlowInstance flow(FanOut);
  flow.Deliver(Started());
  EXPECT_EQ(TakeAll(flow).size(), 3u);
  flow.Deliver(Completed(3, "0"));
  flow.Deliver(FailedEvent(2, "bad"));
  EXPECT_TRUE(TakeAll(flow).empty());
  flow.Deliver(Completed(1, "0"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].complete_run().result().json_text(), "\"0x2\"");
}

Future<Payload> Together(FlowContext& ctx, FlowInput) {
  std::vector<Future<int>> branches;
  for (int i = 0; i < 3; ++i) branches.push_back(Branch(ctx, i));
  auto all = co_await AllOf(branches);
  if (!all.ok()) co_return all.status();
  std::string text;
  for (int value : *all) text += std::to_string(value);
  co_return JsonPayload(text);
}

TEST(FlowInstance, AllOfGivesAllValuesInTheirOrder) {
  FlowInstance flow(Together);
  flow.Deliver(Started());
  EXPECT_EQ(TakeAll(flow).size(), 3u);
  for (int64_t seq : {3, 1, 2}) flow.Deliver(Completed(seq, "0"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].complete_run().result().json_text(), "012");
}

TEST(FlowInstance, AllOfFailsWithTheFirstFailure) {
  FlowInstance flow(Together);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(Completed(3, "0"));
  flow.Deliver(FailedEvent(2, "bad"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].fail_run().failure().type(), "bad");
}

// Under the address sanitizer this finds futures that keep each other alive.
TEST(FlowInstance, EvictionWhileWaitingForSeveralLeavesNothingBehind) {
  for (auto function : {FanOut, Together}) {
    FlowInstance flow(function);
    flow.Deliver(Started());
    flow.Deliver(Completed(2, "0"));
    EXPECT_EQ(TakeAll(flow).size(), 3u);
  }
}

Future<Payload> Race(FlowContext& ctx, FlowInput) {
  auto work = ctx.Start({.type = "slow"});
  auto timer = ctx.StartTimer(absl::Seconds(5));
  auto winner = co_await AnyOf(work, timer);
  if (*winner == 1) {
    ctx.Cancel(work);
    co_return JsonPayload("\"late\"");
  }
  ctx.Cancel(timer);
  co_return work.value();
}

TEST(FlowInstance, TimerBeatsActivityAndCancelsIt) {
  FlowInstance flow(Race);
  flow.Deliver(Started());
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[1].start_timer().duration().seconds(), 5);
  flow.Deliver(Fired(2));
  commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].cancel_activity().activity_seq(), 1);
  EXPECT_TRUE(commands[1].has_complete_run());
}

TEST(FlowInstance, ActivityBeatsTimerAndCancelsIt) {
  FlowInstance flow(Race);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(Completed(1, "7"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].cancel_timer().timer_seq(), 2);
  EXPECT_EQ(commands[1].complete_run().result().json_text(), "7");
}

Future<Payload> TwoSignals(FlowContext& ctx, FlowInput) {
  auto a = co_await ctx.ReceiveSignal("go");
  auto b = co_await ctx.ReceiveSignal("go");
  if (!a.ok() || !b.ok()) co_return a.ok() ? b.status() : a.status();
  co_return JsonPayload(a->json_text() + b->json_text());
}

TEST(FlowInstance, SignalsArriveInOrderAndUnreadOnesAreKnown) {
  FlowInstance flow(TwoSignals);
  flow.Deliver(Started());
  flow.Deliver(Signal("other", "0"));
  flow.Deliver(Signal("go", "1"));
  flow.Deliver(Signal("go", "2"));
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0].complete_run().result().json_text(), "12");
  ASSERT_EQ(flow.UnreadSignals().size(), 1u);
  EXPECT_EQ(flow.UnreadSignals()[0].name(), "other");
}

TEST(FlowInstance, CancelRequestCancelsWhatIsOpenAndEndsTheRun) {
  FlowInstance flow(Twice);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(CancelEvent());
  auto commands = TakeAll(flow);
  ASSERT_EQ(commands.size(), 2u);
  EXPECT_EQ(commands[0].cancel_activity().activity_seq(), 1);
  EXPECT_TRUE(commands[1].has_cancel_run());
}

Future<Payload> Throws(FlowContext& ctx, FlowInput) {
  (co_await ctx.StartTimer(absl::Seconds(1))).IgnoreError();
  throw std::runtime_error("boom");
}

TEST(FlowInstance, AnExceptionIsKeptAndNothingIsAskedFor) {
  FlowInstance flow(Throws);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(Fired(1));
  EXPECT_EQ(flow.exception(), "boom");
  EXPECT_TRUE(TakeAll(flow).empty());
}

Future<Payload> AsksForEver(FlowContext& ctx, FlowInput) {
  while (true) {
    auto never = ctx.StartTimer(absl::Hours(1));
    auto marker = ctx.ReceiveSignal("x");
    if (RuntimeOf(ctx).stuck) (co_await never).IgnoreError();
  }
}

TEST(FlowInstance, TooManyCommandsAreNoticed) {
  FlowInstance flow(AsksForEver);
  flow.Deliver(Started());
  EXPECT_TRUE(flow.stuck());
}

Future<Payload> Draws(FlowContext& ctx, FlowInput) {
  Payload value = ctx.SideEffect("pid", [] { return JsonPayload("\"live\""); });
  co_return JsonPayload(value.json_text() + std::to_string(ctx.Random()) +
                        ctx.Uuid());
}

TEST(FlowInstance, SideEffectAnswersTheRecordedValueInReplay) {
  FlowInstance live(Draws);
  live.Deliver(Started());
  auto first = TakeAll(live);
  FlowInstance replayed(Draws);
  anabranch::v1::MarkerRecorded marker;
  marker.set_name("pid");
  *marker.mutable_value() = JsonPayload("\"recorded\"");
  replayed.SetRecordedMarkers({{1, marker}});
  replayed.Deliver(Started());
  auto second = TakeAll(replayed);
  ASSERT_EQ(first.size(), 2u);
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].record_marker().value().json_text(), "\"recorded\"");
  // The draws that follow come from the seed and are equal.
  EXPECT_EQ(first[1].complete_run().result().json_text().substr(6),
            second[1].complete_run().result().json_text().substr(10));
}

Future<Payload> Logs(FlowContext& ctx, FlowInput) {
  ctx.Log("hello");
  co_return Payload();
}

TEST(FlowInstance, LogIsSilentInReplay) {
  FlowInstance live(Logs);
  live.Deliver(Started());
  EXPECT_EQ(live.TakeLogLines(), std::vector<std::string>{"hello"});
  FlowInstance replayed(Logs);
  replayed.SetReplaying(true);
  replayed.Deliver(Started());
  EXPECT_TRUE(replayed.TakeLogLines().empty());
}

Future<Payload> Aggregates(FlowContext& ctx, FlowInput) {
  // Shapes that g++ 12 miscompiles: temporaries in co_await expressions.
  std::string text =
      (co_await ctx.Start({.type = "a", .name = std::string(64, 'n')})).ok()
          ? "yes"
          : "no";
  if ((co_await ctx.StartTimer(absl::Seconds(1))).ok()) text += "!";
  co_return JsonPayload(text);
}

TEST(FlowInstance, EvictionInTheMiddleDestroysFramesQuietly) {
  FlowInstance flow(Aggregates);
  flow.Deliver(Started());
  flow.Deliver(Completed(1, "1"));
  EXPECT_EQ(TakeAll(flow).size(), 2u);
}

TEST(FlowInstance, TemporariesInAwaitExpressionsWork) {
  FlowInstance flow(Aggregates);
  flow.Deliver(Started());
  flow.Deliver(FailedEvent(1, "x"));
  flow.Deliver(Fired(2));
  auto commands = TakeAll(flow);
  EXPECT_EQ(commands.back().complete_run().result().json_text(), "no!");
}

}  // namespace
}  // namespace anabranch::sdk
