// Programs of the flows of option_flows.h.
#pragma once

#include "tests/sim/programs.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Queues that operators set limits of; every one is served.
inline constexpr const char* kQueues[] = {"q0", "q1"};
// Tasks for this queue wait for ever: no worker serves it.
inline constexpr char kDesertedQueue[] = "deserted";

Program ActsProgram(World& world);
// Many activities of few keys in one queue.
Program CrowdProgram(World& world);
Program SharedProgram(World& world);

}  // namespace anabranch::sim
