#include "tests/sim/flow_words.h"

#include <memory>
#include <utility>

#include "base/check.h"
#include "sdk/flow_instance.h"

namespace anabranch::sim {

using nlohmann::json;
using sdk::FlowContext;
using sdk::Future;
using sdk::Payload;

json Read(FlowContext& ctx, const Payload& payload) {
  auto content = ctx.Content(payload);
  AB_CHECK(content.ok());
  return content->empty() ? json() : json::parse(*content);
}

int64_t ValueOf(FlowContext& ctx, const Payload& payload) {
  return Read(ctx, payload).value("value", int64_t{0});
}

Payload Result(int64_t value) {
  return sdk::JsonPayload(json{{"value", value}}.dump());
}

sdk::ActivityOptions Options(int attempts, int seconds) {
  sdk::ActivityOptions options;
  options.mutable_retry()->set_maximum_attempts(attempts);
  options.mutable_retry()->mutable_initial_interval()->set_nanos(100'000'000);
  options.mutable_retry()->mutable_maximum_interval()->set_seconds(1);
  options.mutable_start_to_close_timeout()->set_seconds(seconds);
  return options;
}

Future<Payload> Work(FlowContext& ctx, const json& input) {
  return ctx.Start({.type = "work",
                    .input = sdk::JsonPayload(input.dump()),
                    .options = Options(50, 8)});
}

void Register(sdk::FlowRegistry& flows, const char* name,
              sdk::FlowFunction function) {
  sdk::FlowDefinition flow;
  flow.name = name;
  flow.create = [function] {
    return std::make_unique<sdk::FlowInstance>(function);
  };
  flows.Register(std::move(flow));
}

}  // namespace anabranch::sim
