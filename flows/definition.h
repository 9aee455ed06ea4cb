// What the definitions of flows have in common.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::flows {

// A live flow that carries out `function`.
template <sdk::FlowFunction function>
std::unique_ptr<sdk::FlowInstance> Create() {
  return std::make_unique<sdk::FlowInstance>(function);
}

// The door's check is the flow's own reading of its input: `parse` takes the
// JSON text and returns a StatusOr.
template <auto parse>
absl::StatusOr<sdk::PreparedStart> PrepareBy(std::string_view input_json,
                                             sdk::PrepareContext&) {
  RETURN_IF_ERROR(parse(input_json).status());
  return sdk::PreparedStart{};
}

}  // namespace anabranch::flows
