// The flows that ship.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

// Adds all of them: claude_chat, fork_compare, and the small ones for trying
// things out (echo, sleep, sequence, wait_for_signal).
void RegisterFlows(sdk::FlowRegistry& registry);

}  // namespace anabranch::flows
