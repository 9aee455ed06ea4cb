// The orchestrator's program, whatever flows it has.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::orchestrator {

using RegisterFlowsFunction = void (*)(sdk::FlowRegistry& flows);

// All of main(): reads the command line, serves until SIGTERM or SIGINT, and
// returns the status to exit with. Once per process.
int RunProgram(int argc, char** argv, RegisterFlowsFunction register_flows);

}  // namespace anabranch::orchestrator
