// Small flows for trying things out: echo, sleep, sequence, wait_for_signal.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

sdk::FlowDefinition Echo();
sdk::FlowDefinition Sleep();
sdk::FlowDefinition Sequence();
sdk::FlowDefinition WaitForSignal();

}  // namespace anabranch::flows
