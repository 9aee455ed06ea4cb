#include "orchestrator/shard/testing/flows.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace anabranch::shard::testing {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

Future<Payload> Echo(FlowContext& ctx, FlowInput input) {
  auto result = co_await ctx.Start({.type = "echo", .input = input.payload});
  if (!result.ok()) co_return result.status();
  co_return *result;
}

Future<Payload> Twice(FlowContext& ctx, FlowInput input) {
  auto first = co_await ctx.Start({.type = "echo", .input = input.payload});
  if (!first.ok()) co_return first.status();
  auto second = co_await ctx.Start({.type = "echo", .input = *first});
  if (!second.ok()) co_return second.status();
  co_return *second;
}

Future<Payload> Sleep(FlowContext& ctx, FlowInput) {
  auto slept = co_await ctx.StartTimer(absl::Seconds(60));
  if (!slept.ok()) co_return slept.status();
  co_return sdk::JsonPayload("\"rested\"");
}

Future<Payload> WaitGo(FlowContext& ctx, FlowInput) {
  auto go = co_await ctx.ReceiveSignal("go");
  if (!go.ok()) co_return go.status();
  co_return *go;
}

Future<Payload> Throws(FlowContext& ctx, FlowInput) {
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  throw std::runtime_error("boom");
}

Future<Payload> Fails(FlowContext& ctx, FlowInput) {
  (co_await ctx.ReceiveSignal("go")).IgnoreError();
  co_return absl::InvalidArgumentError("no good");
}

}  // namespace

void RegisterFlow(sdk::FlowRegistry& flows, const std::string& name,
                  sdk::FlowFunction function) {
  sdk::FlowDefinition flow;
  flow.name = name;
  flow.create = [function] {
    return std::make_unique<sdk::FlowInstance>(function);
  };
  flows.Register(std::move(flow));
}

void RegisterSmallFlows(sdk::FlowRegistry& flows) {
  RegisterFlow(flows, "echo", Echo);
  RegisterFlow(flows, "twice", Twice);
  RegisterFlow(flows, "sleep", Sleep);
  RegisterFlow(flows, "wait", WaitGo);
  RegisterFlow(flows, "throws", Throws);
  RegisterFlow(flows, "fails", Fails);
}

}  // namespace anabranch::shard::testing
