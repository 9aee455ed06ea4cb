// Simulation: one seed, from its first action to its last check.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace anabranch::sim {

struct SimulationOptions {
  uint64_t seed = 1;
  // Live flows that the shard keeps; 0 replays for every stimulus.
  size_t live_flows_max = 0;
  // Prints each happening to stderr.
  bool print = false;
};

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
SimulationResult Simulate(const SimulationOptions& options);

// Half of the seeds replay for every stimulus.
size_t LiveFlowsOfSeed(uint64_t seed);

}  // namespace anabranch::sim
