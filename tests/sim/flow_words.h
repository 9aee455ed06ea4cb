// Words that the flows of the simulation are written in.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::sim {

// The content of a payload; null when it is empty.
nlohmann::json Read(sdk::FlowContext& ctx, const sdk::Payload& payload);
// Its "value".
int64_t ValueOf(sdk::FlowContext& ctx, const sdk::Payload& payload);
// {"value": value}
sdk::Payload Result(int64_t value);

// Tried that often, for that long, with short waits between.
sdk::ActivityOptions Options(int attempts, int seconds);
// An activity that is tried again until it is there.
sdk::Future<sdk::Payload> Work(sdk::FlowContext& ctx,
                               const nlohmann::json& input);

void Register(sdk::FlowRegistry& flows, const char* name,
              sdk::FlowFunction function);

// A flow under its name, as it should be and as the bad build has it.
struct NamedFlow {
  const char* name;
  sdk::FlowFunction good;
  sdk::FlowFunction bad;
};

// Whether the bad build breaks the programs of this number.
bool IsBroken(int64_t number);

}  // namespace anabranch::sim
