// SimulationOptions: which seed, and what is left out of it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anabranch::sim {

struct SimulationOptions {
  uint64_t seed = 1;
  // Live flows that the shard keeps; 0 replays for every stimulus. Nothing:
  // none in every other seed, else what the seed's configuration says.
  std::optional<size_t> live_flows_max;
  // Kinds of faults that do not happen, by name.
  std::set<std::string> without;
  // Numbers of the runs that are started; empty is all.
  std::set<int64_t> runs;
  // For how long there are faults, in virtual time.
  absl::Duration fault_time = absl::Seconds(15);
  // Prints each happening to stderr.
  bool print = false;
};

// "--from 7 --cache 0 --without kill,freeze --runs 0,3 --fault-ms 4000":
// what `./dev sim` takes.
std::string ToFlags(const SimulationOptions& options);

// kInvalidArgument naming the flag.
absl::StatusOr<SimulationOptions> FromFlags(std::string_view flags);

}  // namespace anabranch::sim
