// map_runs: one child run for each item of a list.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

sdk::FlowDefinition MapRuns();

}  // namespace anabranch::flows
