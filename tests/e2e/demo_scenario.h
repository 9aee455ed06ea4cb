// The main job with crashes in the middle.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/e2e/narrator.h"
#include "tests/e2e/proof.h"

namespace anabranch::e2e {

struct DemoOptions {
  std::string bin_dir;     // empty: beside this program
  std::string transcript;  // a file
  std::string folder;      // store and logs
  bool live = false;       // the API that the environment names, no fake
};

struct DemoResult {
  std::vector<std::pair<std::string, std::string>> branches;  // name, state
  std::string comparison;                                     // JSON
  int orchestrator_kills = 0;
  int worker_kills = 0;
  int64_t in_flight_at_orchestrator_kill = 0;
  int64_t in_flight_at_worker_kill = 0;
  int64_t turns_recorded_before_kill = 0;
  // From the kill until the orchestrator gave up the dead worker's attempts.
  int64_t worker_death_noticed_ms = 0;
  // The orchestrator's: until all workers are back at the next one. The
  // worker's: until the first of its calls is begun again.
  std::vector<int64_t> recovery_ms;
  Proof proof;
};

// Errors are of the machinery; what is not proven is in the proof.
absl::StatusOr<DemoResult> RunDemo(const DemoOptions& options,
                                   Narrator& narrator);

}  // namespace anabranch::e2e
