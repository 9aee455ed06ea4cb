#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "anabranch/v1/history.pb.h"
#include "orchestrator/core/activity_row.h"
#include "tests/sim/faults.h"
#include "tests/sim/simulation.h"

namespace anabranch::sim {
namespace {

constexpr uint64_t kSeeds = 200;

// Names of everything that a history can hold.
std::vector<std::string> EventTypes() {
  std::vector<std::string> types;
  const auto* attributes =
      v1::HistoryEvent::descriptor()->FindOneofByName("attributes");
  for (int i = 0; i < attributes->field_count(); ++i) {
    types.push_back(
        absl::AsciiStrToUpper(absl::string_view(attributes->field(i)->name())));
  }
  return types;
}

SimulationResult RunSeed(uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  return Simulate(options);
}

TEST(Simulation, SeedsKeepEveryRuleAndEveryFaultFires) {
  std::map<std::string, int64_t> counts;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimulationResult result = RunSeed(seed);
    EXPECT_EQ(result.failure, "")
        << "see it again: ./dev sim --seeds 1 --from " << seed;
    for (const auto& [name, count] : result.counts) counts[name] += count;
  }
  for (int i = 0; i < kFaultCount; ++i) {
    std::string name(FaultName(static_cast<Fault>(i)));
    EXPECT_GT(counts[name], 0) << "this fault never happened: " << name;
  }
  for (const std::string& event : EventTypes()) {
    EXPECT_GT(counts[event], 0) << "this event never occurred: " << event;
  }
  for (int i = 0; i < core::kActivityRows; ++i) {
    const char* row = core::NameOf(static_cast<core::ActivityRow>(i));
    EXPECT_GT(counts[row], 0) << "this row of the activity table was never "
                                 "taken: "
                              << row;
  }
  for (const char* happening :
       {"kill_in_release", "kill_before_sync", "kill_in_recovery",
        "batch_survives_unanswered"}) {
    EXPECT_GT(counts[happening], 0) << "this never happened: " << happening;
  }
}

TEST(Simulation, TheSameSeedGivesTheSameTrace) {
  for (uint64_t seed : {3, 4}) {
    EXPECT_EQ(RunSeed(seed).trace_hash, RunSeed(seed).trace_hash);
  }
  EXPECT_NE(RunSeed(3).trace_hash, RunSeed(5).trace_hash);
}

TEST(Simulation, SeedsThatOnceFailedDoNotFailAgain) {
  std::ifstream file("tests/sim/regressions.txt");
  ASSERT_TRUE(file.good());
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(line, absl::MaxSplits('|', 1));
    auto options = FromFlags(parts.first);
    ASSERT_TRUE(options.ok()) << line;
    EXPECT_EQ(Simulate(*options).failure, "")
        << "again:" << parts.second << "\n  ./dev sim --seeds 1 "
        << parts.first;
  }
}

}  // namespace
}  // namespace anabranch::sim
