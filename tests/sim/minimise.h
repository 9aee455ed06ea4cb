// Shortens a failing seed: fewer kinds of faults, fewer runs, less time with
// faults, as long as something still fails.
#pragma once

#include <functional>
#include <string>

#include "tests/sim/options.h"

namespace anabranch::sim {

struct Minimised {
  SimulationOptions options;
  // What still fails.
  std::string failure;
  int simulations = 0;
};

// `run` tells the failure of a seed, empty when there is none; it fails with
// `failing`. At most `simulations_max` are made.
Minimised Minimise(
    const SimulationOptions& failing,
    const std::function<std::string(const SimulationOptions&)>& run,
    int simulations_max = 200);

}  // namespace anabranch::sim
