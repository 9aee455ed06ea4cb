// repeat: one child run after the other, through as many generations as it
// takes.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

sdk::FlowDefinition Repeat();

}  // namespace anabranch::flows
