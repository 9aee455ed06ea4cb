#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/sim/rocks_disk.h"
#include "tests/sim/simulation.h"

namespace anabranch::sim {
namespace {

// The same engine and the same rules, over real files.
TEST(RocksWorld, SeedsKeepEveryRule) {
  std::map<std::string, int64_t> counts;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    SimulationOptions options;
    options.seed = seed;
    options.without = {"restore", "disk_full"};
    SimulationResult result = Simulate(options, RocksDisk);
    EXPECT_EQ(result.failure, "") << "seed " << seed;
    for (const auto& [name, count] : result.counts) counts[name] += count;
  }
  for (const char* name :
       {"kill", "torn_tail", "append_fails", "answer_lost", "fenced",
        "kill_before_sync", "batch_survives_unanswered"}) {
    EXPECT_GT(counts[name], 0) << "this never happened: " << name;
  }
}

}  // namespace
}  // namespace anabranch::sim
