// A payload as JSON text, to be put into a flow's own result.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "anabranch/v1/payload.pb.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {

// JSON as it stands, text as a string, nothing as null; references are read.
// kInvalidArgument for bytes: they have no JSON.
absl::StatusOr<std::string> PayloadJson(sdk::FlowContext& ctx,
                                        const anabranch::v1::Payload& payload);

}  // namespace anabranch::flows
