#include "flows/testing/flow_driver.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

template <sdk::FlowFunction function>
sdk::FlowDefinition Definition() {
  sdk::FlowDefinition flow;
  flow.name = "tested";
  flow.create = [] { return std::make_unique<sdk::FlowInstance>(function); };
  return flow;
}

// Counts its lives: no two are the same.
Future<Payload> Wavering(FlowContext& ctx, FlowInput) {
  static int lives = 0;
  ++lives;
  co_return co_await ctx.Start(
      {.type = "echo", .name = "life-" + std::to_string(lives)});
}

TEST(FlowDriver, NoticesAFlowThatIsNotDeterministic) {
  FlowDriver run(Definition<Wavering>());
  EXPECT_NONFATAL_FAILURE(run.Start("1"), "life-");
}

Future<Payload> Draws(FlowContext& ctx, FlowInput input) {
  const auto done = co_await ctx.Start(
      {.type = "echo", .name = "draw", .input = input.payload});
  if (!done.ok()) co_return done.status();
  co_return sdk::JsonPayload("\"" + ctx.Uuid() + "\"");
}

TEST(FlowDriver, IsContentWithOneThatIs) {
  FlowDriver run(Definition<Draws>());
  run.StoreAbove(0);
  run.Start("1");
  run.Complete("draw", "2");
  EXPECT_EQ(run.ResultJson().size(), 38u);
  EXPECT_EQ(run.commands(), 2u);
}

TEST(FlowDriver, NoticesWhatATestExpectsInVain) {
  FlowDriver run(Definition<Draws>());
  run.Start("1");
  EXPECT_NONFATAL_FAILURE(run.Activity("other"), "no activity other");
  EXPECT_NONFATAL_FAILURE(run.ResultJson(), "has_complete_run");
}

Future<Payload> UsesTheRest(FlowContext& ctx, FlowInput) {
  auto answer =
      ctx.Answer("how", [](const Payload&) -> absl::StatusOr<Payload> {
        return sdk::JsonPayload("\"well\"");
      });
  const Payload drawn =
      ctx.SideEffect("drawn", [] { return sdk::JsonPayload("5"); });
  ctx.Publish("drawn", drawn);
  if (!ctx.Patched("second child")) co_return absl::UnknownError("old way");
  auto first = ctx.StartChild({.flow = "a"});
  auto second = ctx.StartChild({.flow = "b"});
  auto failed = co_await second;
  ctx.Cancel(first);
  auto done = co_await first;
  if (!done.ok()) co_return done.status();
  co_return (co_await ctx.ContinueAsNew(*done)).status();
}

TEST(FlowDriver, KnowsChildrenMarkersPatchesAndTheNextGeneration) {
  FlowDriver run(Definition<UsesTheRest>());
  run.Start("1");
  EXPECT_EQ(run.PublishedJson("drawn"), "5");
  EXPECT_EQ(run.Query("how")->json_text(), "\"well\"");
  EXPECT_EQ(run.OpenChildren().size(), 2u);
  run.FailChild("b", "bad", "no luck");
  EXPECT_EQ(run.cancelled(), std::vector<std::string>{"a"});
  run.CompleteChild("a", "7");
  ASSERT_TRUE(run.closing().has_continue_as_new());
  EXPECT_EQ(run.closing().continue_as_new().input().json_text(), "7");
}

}  // namespace
}  // namespace anabranch::flows
