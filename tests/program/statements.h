// Carries out programs as coroutines. Internal: see interpret.h.
#pragma once

#include <memory>
#include <string>

#include "anabranch/v1/payload.pb.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"
#include "tests/program/ast.h"
#include "tests/program/interpret.h"

namespace anabranch::program {

// Its result, as JSON.
sdk::Future<sdk::Payload> RunProgram(sdk::FlowContext& ctx,
                                     std::shared_ptr<const Block> program,
                                     Environment* environment);

// The payload's content as JSON text.
std::string JsonOf(sdk::FlowContext& ctx, const sdk::Payload& payload);

}  // namespace anabranch::program
