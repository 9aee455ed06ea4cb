// Flows that use futures wrongly: none of them takes the process down.
#include "sdk/misuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sdk/flow_registry.h"
#include "sdk/flow_test_util.h"
#include "sdk/race.h"
#include "sdk/scope.h"

namespace anabranch::sdk {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the flow lets out when it takes in its first event.
std::string Thrown(FlowFunction function) {
  FlowInstance flow(function);
  flow.Deliver(Started());
  return flow.exception();
}

Future<Payload> AwaitsNothing(FlowContext&, FlowInput) {
  Future<Payload> nothing;
  auto result = co_await nothing;
  co_return result.status();
}

Future<Payload> AwaitsWhatItGaveAway(FlowContext& ctx, FlowInput) {
  Future<Payload> timer = ctx.StartTimer(absl::Seconds(1));
  std::vector<Future<Payload>> timers;
  timers.push_back(std::move(timer));
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what is tested.
  auto result = co_await timer;
  co_return result.status();
}

Future<Payload> JoinsNothing(FlowContext& ctx, FlowInput) {
  std::vector<Future<Payload>> futures = {ctx.StartTimer(absl::Seconds(1)),
                                          Future<Payload>()};
  auto all = co_await AllOf(futures);
  co_return all.status();
}

Future<Payload> WaitsForAnyOfNothing(FlowContext& ctx, FlowInput) {
  auto any =
      co_await AnyOf(ctx.StartTimer(absl::Seconds(1)), Future<Payload>());
  co_return any.status();
}

Future<Payload> RacesNothing(FlowContext& ctx, FlowInput) {
  std::vector<RaceBranch<Payload>> branches = {
      [](FlowContext&, const Scope&) { return Future<Payload>(); }};
  auto first = co_await Race<Payload>(ctx, Scope(ctx), branches);
  co_return first.status();
}

TEST(Misuse, AFutureThatStandsForNothingIsAnExceptionOfTheFlow) {
  for (FlowFunction flow : {AwaitsNothing, AwaitsWhatItGaveAway, JoinsNothing,
                            WaitsForAnyOfNothing, RacesNothing}) {
    EXPECT_THAT(Thrown(flow), HasSubstr("stands for nothing"));
  }
}

// No coroutine: what it throws has no promise to go to.
Future<Payload> ReturnsNothing(FlowContext&, FlowInput) { return {}; }
Future<Payload> ThrowsPlainly(FlowContext&, FlowInput) {
  throw std::runtime_error("no coroutine");
}

TEST(Misuse, AFlowThatIsAPlainFunctionIsNoException) {
  EXPECT_THAT(Thrown(ReturnsNothing), HasSubstr("stands for nothing"));
  EXPECT_THAT(Thrown(ThrowsPlainly), HasSubstr("no coroutine"));
}

Future<Payload> TakesTheValueTooEarly(FlowContext& ctx, FlowInput) {
  Future<Payload> timer = ctx.StartTimer(absl::Seconds(1));
  co_return timer.value();
}

Future<Payload> TakesTheResultTooEarly(FlowContext& ctx, FlowInput) {
  Future<Payload> timer = ctx.StartTimer(absl::Seconds(1));
  co_return timer.result();
}

Future<Payload> TakesTheErrorOfAnOpenOne(FlowContext& ctx, FlowInput) {
  Future<Payload> timer = ctx.StartTimer(absl::Seconds(1));
  co_return StatusFromFailure(timer.error());
}

Future<Payload> TakesTheValueOfAFailure(FlowContext&, FlowInput) {
  auto failed = FailedFuture<Payload>(MakeFailure("bad", "no luck"));
  co_return failed.value();
}

TEST(Misuse, WhatAFutureDoesNotHaveYetIsAnExceptionOfTheFlow) {
  EXPECT_THAT(Thrown(TakesTheValueTooEarly), HasSubstr("IsCompleted() first"));
  EXPECT_THAT(Thrown(TakesTheResultTooEarly), HasSubstr("IsDone() first"));
  EXPECT_THAT(Thrown(TakesTheErrorOfAnOpenOne), HasSubstr("IsFailed() first"));
  EXPECT_THAT(Thrown(TakesTheValueOfAFailure),
              HasSubstr("IsCompleted() first"));
}

Future<Payload> Inner(FlowContext&) {
  throw std::runtime_error("the cause");
  co_return Payload();
}

Future<Payload> TripsOverIt(FlowContext& ctx, FlowInput) {
  co_return Inner(ctx).value();
}

TEST(Misuse, TheFirstExceptionIsTold) {
  EXPECT_EQ(Thrown(TripsOverIt), "the cause");
}

Future<Payload> CancelsNothing(FlowContext& ctx, FlowInput) {
  ctx.Cancel(Future<Payload>());
  co_return Payload();
}

Future<Payload> UsesAScopeThatItGaveAway(FlowContext& ctx, FlowInput) {
  Scope scope(ctx);
  // NOLINTNEXTLINE(performance-move-const-arg): that is what is tested.
  Scope other = std::move(scope);
  // NOLINTNEXTLINE(bugprone-use-after-move)
  scope.Cancel();
  EXPECT_TRUE(other.cancelled());
  co_return Payload();
}

TEST(Misuse, CancellingNothingDoesNothing) {
  EXPECT_THAT(Thrown(CancelsNothing), IsEmpty());
  EXPECT_THAT(Thrown(UsesAScopeThatItGaveAway), IsEmpty());
}

class NoConversations : public PrepareContext {
 public:
  absl::StatusOr<PinnedConversation> FindConversation(
      std::string_view) override {
    return absl::NotFoundError("none");
  }
};

TEST(Misuse, ACheckOfAnInputThatThrowsIsAnError) {
  FlowDefinition flow;
  flow.name = "picky";
  flow.create = [] { return std::make_unique<FlowInstance>(CancelsNothing); };
  flow.prepare = [](std::string_view,
                    PrepareContext&) -> absl::StatusOr<PreparedStart> {
    throw std::runtime_error("no such field");
  };
  FlowRegistry flows("build");
  flows.Register(std::move(flow));
  NoConversations context;
  const auto prepared = flows.Find("picky")->prepare("{}", context);
  EXPECT_EQ(prepared.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(prepared.status().message()),
              HasSubstr("flow picky threw while it checked its input: "
                        "no such field"));
}

}  // namespace
}  // namespace anabranch::sdk
