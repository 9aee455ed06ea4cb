#include "flows/testing/flow_driver.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

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

}  // namespace
}  // namespace anabranch::flows
