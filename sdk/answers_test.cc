// Queries and published values.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sdk/flow_context.h"
#include "sdk/flow_test_util.h"

namespace anabranch::sdk {
namespace {

Future<Payload> Counts(FlowContext& ctx, FlowInput) {
  int count = 0;
  auto answer =
      ctx.Answer("count", [&count](const Payload&) -> absl::StatusOr<Payload> {
        return JsonPayload(std::to_string(count));
      });
  while (count < 2) {
    auto signal = co_await ctx.ReceiveSignal("inc");
    if (!signal.ok()) co_return signal.status();
    ++count;
  }
  co_return JsonPayload("\"done\"");
}

TEST(Query, AnswersFromTheFlowsVariables) {
  FlowInstance flow(Counts);
  flow.Deliver(Started());
  EXPECT_EQ(flow.Query("count", Payload())->json_text(), "0");
  flow.Deliver(Signal("inc", "null"));
  EXPECT_EQ(flow.Query("count", Payload())->json_text(), "1");
}

TEST(Query, OfAnUnknownNameListsThoseThatThereAre) {
  FlowInstance flow(Counts);
  EXPECT_NE(std::string(flow.Query("x", Payload()).status().message())
                .find("it answers: none"),
            std::string::npos);
  flow.Deliver(Started());
  auto answer = flow.Query("x", Payload());
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(answer.status().message()).find("it answers: count"),
            std::string::npos);
}

TEST(Query, AHandlerEndsWithItsRegistration) {
  FlowInstance flow(Counts);
  flow.Deliver(Started());
  flow.Deliver(Signal("inc", "null"));
  flow.Deliver(Signal("inc", "null"));
  EXPECT_EQ(flow.Query("count", Payload()).status().code(),
            absl::StatusCode::kNotFound);
}

Future<Payload> AnswersTwice(FlowContext& ctx, FlowInput) {
  auto constant = [](const char* text) {
    return [text](const Payload&) -> absl::StatusOr<Payload> {
      return JsonPayload(text);
    };
  };
  auto older = ctx.Answer("x", constant("1"));
  {
    auto newer = ctx.Answer("x", constant("2"));
    (co_await ctx.ReceiveSignal("go")).IgnoreError();
  }
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return Payload();
}

TEST(Query, TheNewestHandlerAnswersUntilItIsGone) {
  FlowInstance flow(AnswersTwice);
  flow.Deliver(Started());
  EXPECT_EQ(flow.Query("x", Payload())->json_text(), "2");
  flow.Deliver(Signal("go", "null"));
  EXPECT_EQ(flow.Query("x", Payload())->json_text(), "1");
}

Future<Payload> Meddles(FlowContext& ctx, FlowInput) {
  Future<Payload> open = ctx.StartTimer(absl::Seconds(9));
  auto answer =
      ctx.Answer("x", [&ctx, open](const Payload&) -> absl::StatusOr<Payload> {
        auto activity = ctx.Start({.type = "echo"});
        ctx.Cancel(open);
        ctx.Publish("p", Payload());
        ctx.SideEffect("s", [] { return Payload(); });
        ctx.Patched("new");
        auto signal = ctx.ReceiveSignal("go");
        auto both = AllOf(std::vector<Future<Payload>>{open, signal});
        return JsonPayload(std::to_string(ctx.Random()));
      });
  (co_await ctx.ReceiveSignal("other")).IgnoreError();
  auto signal = co_await ctx.ReceiveSignal("go");
  if (!signal.ok()) co_return signal.status();
  std::string text = ctx.Patched("new") ? "patched" : "old";
  co_return JsonPayload(text + signal->json_text() +
                        std::to_string(ctx.Random()));
}

// A query asks for nothing, reads no signal, draws no number: the flow ends as
// it would have without it.
TEST(Query, LeavesNoTrace) {
  std::string results[2];
  for (bool query : {false, true}) {
    FlowInstance flow(Meddles);
    flow.Deliver(Started());
    flow.Deliver(Signal("go", "7"));
    EXPECT_EQ(TakeAll(flow).size(), 1u);
    if (query) {
      EXPECT_TRUE(flow.Query("x", Payload()).ok());
      EXPECT_EQ(flow.UnreadSignals().size(), 1u);
    }
    EXPECT_TRUE(TakeAll(flow).empty());
    flow.Deliver(Signal("other", "null"));
    auto commands = TakeAll(flow);
    ASSERT_EQ(Words(commands), (std::vector<std::string>{
                                   "record_marker patch:new", "complete_run"}));
    results[query ? 1 : 0] =
        commands.back().complete_run().result().json_text();
  }
  EXPECT_EQ(results[0], results[1]);
}

Future<Payload> WaitsOn(FlowContext&, Future<Payload> what, bool throws) {
  if (throws) throw std::runtime_error("late boom");
  co_return co_await what;
}

Future<Payload> AnswersBadly(FlowContext& ctx, FlowInput) {
  Future<Payload> open = ctx.StartTimer(absl::Seconds(9));
  auto throwing =
      ctx.Answer("throws", [](const Payload&) -> absl::StatusOr<Payload> {
        throw std::runtime_error("boom");
      });
  auto coroutine = ctx.Answer(
      "coroutine",
      [&ctx, open](const Payload& input) -> absl::StatusOr<Payload> {
        auto never = WaitsOn(ctx, open, input.json_text() == "throw");
        return Payload();
      });
  auto refusing =
      ctx.Answer("refuses", [](const Payload&) -> absl::StatusOr<Payload> {
        return absl::InvalidArgumentError("not that");
      });
  (co_await open).IgnoreError();
  co_return JsonPayload("1");
}

TEST(Query, AnExceptionIsAnErrorAndLeavesTheFlowAlone) {
  FlowInstance flow(AnswersBadly);
  flow.Deliver(Started());
  TakeAll(flow);
  auto answer = flow.Query("throws", Payload());
  EXPECT_EQ(answer.status().message(), "the answer threw: boom");
  answer = flow.Query("coroutine", JsonPayload("throw"));
  EXPECT_EQ(answer.status().message(), "the answer threw: late boom");
  EXPECT_EQ(flow.exception(), "");
  EXPECT_EQ(flow.Query("refuses", Payload()).status().code(),
            absl::StatusCode::kInvalidArgument);
  flow.Deliver(Fired(1));
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"complete_run"});
}

TEST(Query, ACoroutineThatAHandlerLeftWaitingIsGone) {
  FlowInstance flow(AnswersBadly);
  flow.Deliver(Started());
  TakeAll(flow);
  EXPECT_TRUE(flow.Query("coroutine", JsonPayload("wait")).ok());
  flow.Deliver(Fired(1));
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"complete_run"});
}

TEST(Query, EvictionWithHandlersIsQuiet) {
  std::optional<FlowInstance> flow(std::in_place, AnswersTwice);
  flow->Deliver(Started());
  flow.reset();
}

Future<Payload> HandsOn(FlowContext& ctx, FlowInput) {
  Answer kept;
  {
    auto answer = ctx.Answer(
        "x",
        [](const Payload& input) -> absl::StatusOr<Payload> { return input; });
    kept = std::move(answer);
  }
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return Payload();
}

TEST(Answer, MovesWithItsRegistration) {
  FlowInstance flow(HandsOn);
  flow.Deliver(Started());
  EXPECT_EQ(flow.Query("x", JsonPayload("5"))->json_text(), "5");
}

Future<Payload> Publishes(FlowContext& ctx, FlowInput) {
  ctx.Publish("progress", JsonPayload("1"));
  (co_await ctx.StartTimer(absl::Seconds(1))).IgnoreError();
  co_return Payload();
}

TEST(Publish, IsAMarkerOfItsName) {
  FlowInstance flow(Publishes);
  flow.Deliver(Started());
  auto commands = TakeAll(flow);
  EXPECT_EQ(Words(commands),
            (std::vector<std::string>{"record_marker publish:progress",
                                      "start_timer"}));
  EXPECT_EQ(commands[0].record_marker().value().json_text(), "1");
}

TEST(Publish, RefusedTheFlowGoesOn) {
  FlowInstance flow(Publishes);
  flow.Deliver(Started());
  TakeAll(flow);
  flow.Deliver(RefusedEvent(1));
  flow.Deliver(Fired(2));
  EXPECT_EQ(Words(TakeAll(flow)), std::vector<std::string>{"complete_run"});
}

}  // namespace
}  // namespace anabranch::sdk
