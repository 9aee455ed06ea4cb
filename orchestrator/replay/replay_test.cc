#include "orchestrator/replay/replay.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace anabranch::replay {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using storage::v1::ActivationRecord;
using v1::HistoryEvent;

Future<Payload> EchoThenNap(FlowContext& ctx, FlowInput) {
  auto echoed = co_await ctx.Start({.type = "echo"});
  if (!echoed.ok()) co_return echoed.status();
  auto rested = co_await ctx.StartTimer(absl::Seconds(1));
  if (!rested.ok()) co_return rested.status();
  co_return *echoed;
}

Future<Payload> OtherArgument(FlowContext& ctx, FlowInput) {
  auto echoed = co_await ctx.Start(
      {.type = "echo", .input = sdk::JsonPayload("\"something else\"")});
  if (!echoed.ok()) co_return echoed.status();
  auto rested = co_await ctx.StartTimer(absl::Seconds(99));
  co_return Payload();
}

Future<Payload> Renamed(FlowContext& ctx, FlowInput) {
  auto echoed = co_await ctx.Start({.type = "shout"});
  co_return Payload();
}

Future<Payload> AsksForMore(FlowContext& ctx, FlowInput) {
  auto extra = ctx.StartTimer(absl::Seconds(1));
  auto echoed = co_await ctx.Start({.type = "echo"});
  co_return Payload();
}

Future<Payload> AsksForTwo(FlowContext& ctx, FlowInput) {
  auto echoed = ctx.Start({.type = "echo"});
  auto extra = co_await ctx.Start({.type = "echo"});
  co_return Payload();
}

Future<Payload> AsksForNothing(FlowContext& ctx, FlowInput) {
  auto never = co_await ctx.ReceiveSignal("never");
  co_return Payload();
}

Future<Payload> Throws(FlowContext& ctx, FlowInput) {
  auto echoed = co_await ctx.Start({.type = "echo"});
  throw std::runtime_error("boom");
}

HistoryEvent Event(int64_t id) {
  HistoryEvent event;
  event.set_event_id(id);
  event.set_build_id("recorded-build");
  return event;
}

// RunStarted, ActivityScheduled(echo) | ActivityCompleted, TimerStarted
std::vector<ActivationRecord> History() {
  std::vector<ActivationRecord> history(2);
  HistoryEvent started = Event(1);
  started.mutable_run_started();
  *history[0].add_events() = started;
  HistoryEvent scheduled = Event(2);
  scheduled.mutable_activity_scheduled()->set_seq(1);
  scheduled.mutable_activity_scheduled()->set_activity_type("echo");
  *history[0].add_events() = scheduled;
  HistoryEvent completed = Event(3);
  completed.mutable_activity_completed()->set_seq(1);
  *history[1].add_events() = completed;
  HistoryEvent timer = Event(4);
  timer.mutable_timer_started()->set_seq(2);
  *history[1].add_events() = timer;
  return history;
}

Replayed ReplayOf(sdk::FlowFunction function,
                  const std::vector<ActivationRecord>& history = History()) {
  static sdk::FlowDefinition definition;
  definition.name = "test";
  definition.create = [function] {
    return std::make_unique<sdk::FlowInstance>(function);
  };
  return Replay({"default/r", &definition, "current-build", nullptr}, history);
}

std::string ReportOf(sdk::FlowFunction function) {
  Replayed replayed = ReplayOf(function);
  EXPECT_EQ(replayed.flow, nullptr);
  EXPECT_TRUE(replayed.mismatch.has_value());
  return replayed.mismatch.has_value() ? replayed.mismatch->report : "";
}

TEST(Replay, AMatchingFlowGoesOnWhereItsHistoryEnds) {
  Replayed replayed = ReplayOf(EchoThenNap);
  ASSERT_NE(replayed.flow, nullptr);
  HistoryEvent fired = Event(5);
  fired.mutable_timer_fired()->set_seq(2);
  replayed.flow->Deliver(fired);
  EXPECT_TRUE(replayed.flow->TakeCommand()->has_complete_run());
}

TEST(Replay, ArgumentsAreNotCompared) {
  EXPECT_NE(ReplayOf(OtherArgument).flow, nullptr);
}

TEST(Replay, ARenamedActivityIsReportedRecordedFirst) {
  std::string report = ReportOf(Renamed);
  size_t recorded = report.find(
      "recorded (build recorded-build): SCHEDULE_ACTIVITY seq=1 name=echo");
  size_t current = report.find(
      "current  (build current-build): SCHEDULE_ACTIVITY seq=1 name=shout");
  ASSERT_NE(recorded, std::string::npos);
  ASSERT_NE(current, std::string::npos);
  EXPECT_LT(recorded, current);
}

TEST(Replay, ATimerForAnActivityIsAMismatchAtItsEvent) {
  Replayed replayed = ReplayOf(AsksForMore);
  ASSERT_TRUE(replayed.mismatch.has_value());
  EXPECT_EQ(replayed.mismatch->event_id, 2);
  EXPECT_EQ(replayed.mismatch->reason, v1::BLOCKED_REASON_NON_DETERMINISM);
}

TEST(Replay, ACommandTooManyIsAMismatch) {
  EXPECT_NE(ReportOf(AsksForTwo).find("nothing more in this activation"),
            std::string::npos);
}

TEST(Replay, ACommandTooFewIsAMismatch) {
  EXPECT_NE(ReportOf(AsksForNothing).find("current-build): nothing"),
            std::string::npos);
}

TEST(Replay, TheLastMatchIsNamed) {
  auto history = History();
  history[1].mutable_events(1)->mutable_timer_started()->set_seq(7);
  Replayed replayed = ReplayOf(EchoThenNap, history);
  ASSERT_TRUE(replayed.mismatch.has_value());
  EXPECT_NE(
      replayed.mismatch->report.find("last match: event 2 ACTIVITY_SCHEDULED"),
      std::string::npos);
}

TEST(Replay, AnExceptionIsAFlowError) {
  Replayed replayed = ReplayOf(Throws);
  ASSERT_TRUE(replayed.mismatch.has_value());
  EXPECT_EQ(replayed.mismatch->reason, v1::BLOCKED_REASON_FLOW_ERROR);
}

TEST(Replay, ARefusedCommandIsReadBack) {
  auto history = History();
  history.resize(1);
  HistoryEvent refused = Event(2);
  refused.mutable_command_refused()->set_seq(1);
  refused.mutable_command_refused()->set_command("SCHEDULE_ACTIVITY");
  refused.mutable_command_refused()->set_name("echo");
  refused.mutable_command_refused()->mutable_failure()->set_type(
      "command_refused");
  *history[0].mutable_events(1) = refused;
  HistoryEvent failed = Event(3);
  failed.mutable_run_failed();
  *history[0].add_events() = failed;
  EXPECT_NE(ReplayOf(EchoThenNap, history).flow, nullptr);
}

TEST(EventTypeName, IsTheAlphabetsNameInCapitals) {
  EXPECT_EQ(EventTypeName(History()[1].events(0)), "ACTIVITY_COMPLETED");
}

}  // namespace
}  // namespace anabranch::replay
