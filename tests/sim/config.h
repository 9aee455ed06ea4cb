// SimConfig: what may differ between installations, drawn anew for each seed
// from the range that each field declares.
#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"

namespace anabranch::sim {

inline constexpr int64_t kRunsMax = 9;

struct SimConfig {
  int64_t workers = 1;
  int64_t slots_per_worker = 1;
  int64_t runs = 1;
  // Live flows that the shard keeps, where the seed keeps some at all.
  int64_t live_flows = 1;
  // Inputs that one round takes.
  int64_t inputs_per_round = 1;
  // The slowest of usual writes and frames.
  int64_t sync_us_max = 1;
  int64_t frame_us_max = 1;
  // How long clients wait before they ask again.
  int64_t client_retry_ms = 1;
};

// Low values are as likely as high ones: drawn evenly over the logarithm.
SimConfig DrawConfig(Random& random);

}  // namespace anabranch::sim
