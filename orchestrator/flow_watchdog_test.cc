#include "orchestrator/flow_watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "orchestrator/shard/flow_slot.h"

namespace anabranch::orchestrator {
namespace {

using shard::FlowSlot;
using ::testing::HasSubstr;

TEST(StuckDetector, FindsAFlowThatRunsAtAllLooks) {
  StuckDetector detector;
  for (int i = 0; i < StuckDetector::kLooks; ++i) {
    EXPECT_FALSE(detector.Look(7));
  }
  EXPECT_TRUE(detector.Look(7));
}

TEST(StuckDetector, AnotherEntryBeginsAnew) {
  StuckDetector detector;
  for (int i = 0; i < StuckDetector::kLooks; ++i) {
    EXPECT_FALSE(detector.Look(7));
  }
  for (int i = 0; i < StuckDetector::kLooks; ++i) {
    EXPECT_FALSE(detector.Look(9));
  }
}

TEST(StuckDetector, NobodyIsStuckWhereNoFlowRuns) {
  StuckDetector detector;
  for (int i = 0; i < 3 * StuckDetector::kLooks; ++i) {
    EXPECT_FALSE(detector.Look(8));
  }
}

TEST(FlowWatchdog, NamesTheFlowThatDoesNotComeBack) {
  auto slot = FlowSlot::InMemory("build-1");
  ASSERT_TRUE(slot.ok()) << slot.status();
  (*slot)->Describe("run default/r (flow spins)");
  (*slot)->Enter({Uid{0xab}, 9});
  std::promise<std::string> told;
  FlowWatchdog watchdog(
      **slot, absl::Milliseconds(20),
      [&told](const std::string& report) { told.set_value(report); });
  const std::string report = told.get_future().get();
  EXPECT_THAT(report, HasSubstr("run default/r (flow spins)"));
  EXPECT_THAT(report, HasSubstr("event 9"));
  EXPECT_THAT(report, HasSubstr("build-1"));
}

TEST(FlowWatchdog, WatchesWhileFlowsComeAndGo) {
  auto slot = FlowSlot::InMemory("build-1");
  ASSERT_TRUE(slot.ok()) << slot.status();
  // Long: nothing is stuck here, however slow the machine is.
  FlowWatchdog watchdog(**slot, absl::Hours(1), [](const std::string&) {
    ADD_FAILURE() << "nothing was stuck";
  });
  std::thread flows([&slot] {
    for (int i = 1; i <= 10'000; ++i) {
      (*slot)->Describe(i % 2 == 0 ? "run a" : "run b");
      (*slot)->Enter({Uid{1}, i});
      (*slot)->Leave();
    }
  });
  while ((*slot)->beat() < 20'000) {
    (void)(*slot)->description();
    (void)(*slot)->place();
  }
  flows.join();
}

}  // namespace
}  // namespace anabranch::orchestrator
