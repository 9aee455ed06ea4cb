#include "tests/sim/config.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"

namespace anabranch::sim {
namespace {

struct Field {
  int64_t SimConfig::* field;
  int64_t least;
  int64_t most;
};
constexpr Field kFields[] = {
    {&SimConfig::workers, 1, 3},
    {&SimConfig::slots_per_worker, 1, 6},
    {&SimConfig::runs, 3, kRunsMax},
    {&SimConfig::live_flows, 1, limits::kLiveFlowsDefault},
    {&SimConfig::inputs_per_round, 1, limits::kInputsPerTickMax},
    {&SimConfig::sync_us_max, 100, 20'000},
    {&SimConfig::frame_us_max, 100, 20'000},
    {&SimConfig::client_retry_ms, 200, 4'000},
};

}  // namespace

SimConfig DrawConfig(Random& random) {
  SimConfig config;
  for (const Field& field : kFields) {
    const double ratio =
        static_cast<double>(field.most + 1) / static_cast<double>(field.least);
    const double drawn =
        static_cast<double>(field.least) * std::pow(ratio, random.NextUnit());
    config.*field.field = std::min(field.most, static_cast<int64_t>(drawn));
  }
  return config;
}

}  // namespace anabranch::sim
