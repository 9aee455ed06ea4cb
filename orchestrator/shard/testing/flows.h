// Small flows that several tests of the shard run.
#pragma once

#include <string>

#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard::testing {

void RegisterFlow(sdk::FlowRegistry& flows, const std::string& name,
                  sdk::FlowFunction function);

// `echo`: the result of one activity. `twice`: of a second one that gets the
// first one's result. `sleep`: a minute, then "rested". `wait`: the first
// signal `go`. `throws`: throws at that signal. `fails`: fails at it.
void RegisterSmallFlows(sdk::FlowRegistry& flows);

}  // namespace anabranch::shard::testing
