// Simulation: one seed, from its first action to its last check.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace anabranch::sim {

struct SimulationOptions {
  uint64_t seed = 1;
  // Live flows that the shard keeps; 0 replays for every stimulus. Nothing:
  // none in every other seed, else what the seed's configuration says.
  std::optional<size_t> live_flows_max;
  // Kinds of faults that do not happen, by name.
  std::set<std::string> without;
  // Only so many of the seed's runs; 0 is all.
  int64_t runs_max = 0;
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

}  // namespace anabranch::sim
