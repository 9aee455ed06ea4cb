// Programs of runs that take more than one history: they continue as new, are
// retried, run out of time, start children.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/programs.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

Program DrawFamilyProgram(World& world);

// How often an operator retries a run with this input.
int64_t RetriesOf(const std::string& input_json);

}  // namespace anabranch::sim
