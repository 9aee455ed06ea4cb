// fork_compare: cut a conversation at a step, go on from there in several
// ways side by side, and compare what comes of them.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

// Activities, in this order: `load`, `checkpoint`, then per branch
// `<branch>/turn-<k>`, one for each model turn, and `compare`. The start pins
// the conversation's newest revision as the attachment `conversation`; a turn
// gets the attachment `checkpoint` and only what followed it.
sdk::FlowDefinition ForkCompare();

}  // namespace anabranch::flows
