// A few kills of the crash loop.
#include "tests/e2e/crash_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/fork_job.h"

namespace anabranch::e2e {
namespace {

using ::testing::IsEmpty;

SweepOptions Options() {
  const auto programs = support::FindPrograms();
  EXPECT_TRUE(programs.ok()) << programs.status();
  return {.programs = *programs, .job = ForkJob(kTranscript)};
}

void ExpectKilledAt(int n, SweepOptions options) {
  options.first_n = n;
  options.last_n = n;
  const auto result = SweepCrashes(options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->kills, 3);
  EXPECT_EQ(result->n_reached, n);
  EXPECT_THAT(result->violations, IsEmpty());
}

TEST(CrashSweep, AKilledOpeningHarmsNothing) { ExpectKilledAt(1, Options()); }

TEST(CrashSweep, AKillAmongTheTurnsRepeatsNothing) {
  ExpectKilledAt(17, Options());
}

TEST(CrashSweep, NeitherWithoutLiveFlows) {
  SweepOptions options = Options();
  options.orchestrator_arguments = {"--live-flows", "0"};
  ExpectKilledAt(23, options);
}

TEST(CrashSweep, NorDoesAKillOfTheLifeThatRecovers) {
  SweepOptions options = Options();
  options.first_n = options.last_n = 2;
  const auto result = SweepRecoveries(options, 12);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->kills, 3);
  EXPECT_THAT(result->violations, IsEmpty());
}

TEST(CrashSweep, AKillAmongChildrenAndGenerationsRepeatsNothing) {
  SweepOptions options = Options();
  options.job = FamilyJob();
  ExpectKilledAt(14, options);
}

TEST(CrashSweep, AStoppedWorkersCallsAreNotRepeated) {
  const auto violations = StopWorkerForAWhile(Options());
  ASSERT_TRUE(violations.ok()) << violations.status();
  EXPECT_THAT(*violations, IsEmpty());
}

TEST(CrashSweep, ACallThatEndedDuringALongOutageIsNotRepeated) {
  const auto violations = OutliveACallsTimeout(Options());
  ASSERT_TRUE(violations.ok()) << violations.status();
  EXPECT_THAT(*violations, IsEmpty());
}

}  // namespace
}  // namespace anabranch::e2e
