// run_activity: one activity of any type, on whichever worker offers it.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

sdk::FlowDefinition RunActivity();

}  // namespace anabranch::flows
