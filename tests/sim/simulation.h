// Simulation: one seed, from its first action to its last check.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tests/sim/disk.h"
#include "tests/sim/options.h"

namespace anabranch::sim {

struct SimulationResult {
  // Which rule was broken and when; empty when none was.
  std::string failure;
  uint64_t trace_hash = 0;
  // Virtual time.
  double seconds = 0;
  int64_t runs = 0;
  int64_t executions = 0;
  int64_t events = 0;
  // How often each kind of fault and event occurred.
  std::map<std::string, int64_t> counts;
};

// The same options give the same result, in every process.
SimulationResult Simulate(const SimulationOptions& options,
                          const DiskFactory& disk = MemoryDisk);

}  // namespace anabranch::sim
