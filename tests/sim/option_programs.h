// Programs of the flows of option_flows.h.
#pragma once

#include "tests/sim/programs.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Tasks for this queue wait for ever: no worker serves it.
inline constexpr char kDesertedQueue[] = "deserted";

Program ActsProgram(World& world);
Program SharedProgram(World& world);

}  // namespace anabranch::sim
