// The simulation's flows that take more than one history: they continue as
// new, fail and are retried, and start children. Their inputs are JSON objects;
// each flow in family_flows.cc tells what it reads.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::sim {

void RegisterFamilyFlows(sdk::FlowRegistry& flows);
// The same by the same names, but each throws in runs that the bad build
// breaks. It does nothing else there: a generation may begin under the bad
// build, and what is recorded first is right by definition.
void RegisterBadFamilyFlows(sdk::FlowRegistry& flows);

}  // namespace anabranch::sim
