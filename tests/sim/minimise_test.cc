#include "tests/sim/minimise.h"

#include <gtest/gtest.h>

#include <string>

namespace anabranch::sim {
namespace {

// Fails as long as kills happen to run 3 for two seconds.
std::string NeedsKillsOfRunThree(const SimulationOptions& options) {
  const bool runs = options.runs.empty() || options.runs.contains(3);
  return !options.without.contains("kill") && runs &&
                 options.fault_time >= absl::Seconds(2)
             ? "run 3 is lost"
             : "";
}

TEST(Minimise, LeavesWhatTheFailureNeeds) {
  SimulationOptions failing;
  failing.seed = 7;
  Minimised least = Minimise(failing, NeedsKillsOfRunThree);
  EXPECT_EQ(least.failure, "run 3 is lost");
  EXPECT_EQ(least.options.seed, 7u);
  EXPECT_EQ(least.options.runs, std::set<int64_t>{3});
  EXPECT_FALSE(least.options.without.contains("kill"));
  EXPECT_TRUE(least.options.without.contains("freeze"));
  EXPECT_LT(least.options.fault_time, absl::Seconds(4));
}

TEST(Minimise, StopsAtItsLimit) {
  Minimised least = Minimise({}, NeedsKillsOfRunThree, 5);
  EXPECT_EQ(least.simulations, 5);
  EXPECT_EQ(least.failure, "run 3 is lost");
}

TEST(Options, FlagsComeBackAsTheyWent) {
  const std::string flags =
      "--from 7 --cache 0 --without freeze,kill --runs 0,3 --fault-ms 4000";
  auto options = FromFlags(flags);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(ToFlags(*options), flags);
  EXPECT_EQ(ToFlags(*FromFlags("--from 12")), "--from 12");
}

TEST(Options, WrongFlagsAreNamed) {
  for (const char* flags : {"--frm 1", "--from x", "--runs 1,b", "--from"}) {
    auto options = FromFlags(flags);
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace anabranch::sim
