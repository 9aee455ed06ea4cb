#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

#include "tests/sim/rocks_disk.h"
#include "tests/sim/simulation.h"

namespace anabranch::sim {
namespace {

constexpr const char* kHappenings[] = {"kill",
                                       "torn_tail",
                                       "append_fails",
                                       "answer_lost",
                                       "fenced",
                                       "kill_before_sync",
                                       "batch_survives_unanswered"};

bool AllHappened(std::map<std::string, int64_t>& counts) {
  return std::all_of(std::begin(kHappenings), std::end(kHappenings),
                     [&counts](const char* name) { return counts[name] > 0; });
}

// The same engine and the same rules, over real files; some seeds more where
// a rare fault has not happened yet.
TEST(RocksWorld, SeedsKeepEveryRule) {
  std::map<std::string, int64_t> counts;
  for (uint64_t seed = 1; seed <= 24 || (seed <= 72 && !AllHappened(counts));
       ++seed) {
    SimulationOptions options;
    options.seed = seed;
    options.without = {"restore", "disk_full"};
    SimulationResult result = Simulate(options, RocksDisk);
    EXPECT_EQ(result.failure, "") << "seed " << seed;
    for (const auto& [name, count] : result.counts) counts[name] += count;
  }
  for (const char* name : kHappenings) {
    EXPECT_GT(counts[name], 0) << "this never happened: " << name;
  }
}

}  // namespace
}  // namespace anabranch::sim
