#include "tests/program/interpret.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sdk/failure.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/future.h"
#include "tests/program/parse.h"
#include "tests/program/statements.h"

namespace anabranch::program {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

// A program's text, from a text payload or a JSON string.
std::string TextOf(FlowContext& ctx, const Payload& payload) {
  auto json = nlohmann::json::parse(JsonOf(ctx, payload), nullptr, false);
  return json.is_string() ? json.get<std::string>() : std::string();
}

Future<Payload> RunInput(FlowContext& ctx, FlowInput input,
                         Environment* environment) {
  auto program = ParseProgram(TextOf(ctx, input.payload));
  if (!program.ok()) {
    co_return sdk::StatusFromFailure(sdk::MakeFailure(
        "bad_program", std::string(program.status().message())));
  }
  auto result = co_await RunProgram(
      ctx, std::make_shared<const Block>(*std::move(program)), environment);
  co_return result;
}

void Register(sdk::FlowRegistry& flows, const std::string& name,
              sdk::FlowStarter starter) {
  sdk::FlowDefinition flow;
  flow.name = name;
  flow.create = [starter = std::move(starter)] {
    return std::make_unique<sdk::FlowInstance>(starter);
  };
  flows.Register(std::move(flow));
}

}  // namespace

void RegisterInterpreter(sdk::FlowRegistry& flows, Environment& environment) {
  Register(flows, "program", [&environment](FlowContext& ctx, FlowInput input) {
    return RunInput(ctx, std::move(input), &environment);
  });
}

void RegisterProgram(sdk::FlowRegistry& flows, const std::string& name,
                     Block program, Environment& environment) {
  auto shared = std::make_shared<const Block>(std::move(program));
  Register(flows, name, [shared, &environment](FlowContext& ctx, FlowInput) {
    return RunProgram(ctx, shared, &environment);
  });
}

}  // namespace anabranch::program
