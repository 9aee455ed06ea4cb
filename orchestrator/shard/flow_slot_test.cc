#include "orchestrator/shard/flow_slot.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace anabranch::shard {
namespace {

class FlowSlotTest : public ::testing::Test {
 protected:
  std::unique_ptr<FlowSlot> Open(const std::string& build) {
    auto slot = FlowSlot::Open(path_, build);
    EXPECT_TRUE(slot.ok()) << slot.status();
    return *std::move(slot);
  }

  absl::StatusOr<support::TempFolder> folder_ = support::TempFolder::Create();
  const std::string path_ = folder_->File("flow-slot");
};

TEST(FlowPlace, SaysWhatTheFlowIsAt) {
  EXPECT_EQ(WorkAt({Uid{1}, 9}), "event 9");
  EXPECT_EQ(WorkAt({Uid{1}, 0}), "a query");
  EXPECT_EQ(WorkAt({Uid{1}, FlowPlace::kEviction}), "its eviction");
}

TEST_F(FlowSlotTest, AFreshOneHoldsNoMark) {
  EXPECT_FALSE(Open("b")->found().has_value());
}

TEST_F(FlowSlotTest, AFlowThatCameBackLeavesNoMark) {
  auto slot = Open("b");
  slot->Enter({Uid{1}, 2});
  slot->Leave();
  slot.reset();
  EXPECT_FALSE(Open("b")->found().has_value());
}

TEST_F(FlowSlotTest, AKilledProcessLeavesItsMark) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto slot = FlowSlot::Open(path_, "build-1");
    (*slot)->Describe("run default/r");
    (*slot)->Enter({Uid{77}, 9});
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  auto slot = Open("build-2");
  ASSERT_TRUE(slot->found().has_value());
  EXPECT_EQ(slot->found()->place, (FlowPlace{Uid{77}, 9}));
  EXPECT_EQ(slot->found()->build_id, "build-1");
  EXPECT_EQ(slot->found()->description, "run default/r");
  EXPECT_EQ(slot->found()->deaths, 0);
}

TEST_F(FlowSlotTest, AMarkStaysUntilItIsCleared) {
  Open("b")->Enter({Uid{1}, 2});
  auto counting = Open("c");
  ASSERT_TRUE(counting->found().has_value());
  counting->SetDeaths(2);
  counting.reset();
  auto again = Open("c");
  ASSERT_TRUE(again->found().has_value());
  EXPECT_EQ(again->found()->build_id, "b");
  EXPECT_EQ(again->found()->deaths, 2);
  again->Clear();
  again.reset();
  auto last = Open("c");
  EXPECT_FALSE(last->found().has_value());
  last->Enter({Uid{1}, 3});
  last.reset();
  EXPECT_EQ(Open("c")->found()->build_id, "c");
  EXPECT_EQ(Open("c")->found()->deaths, 0);
}

TEST_F(FlowSlotTest, AForeignFileIsTakenForEmpty) {
  std::ofstream(path_) << std::string(100, '\x01');
  auto slot = Open("b");
  EXPECT_FALSE(slot->found().has_value());
  slot->Enter({Uid{1}, 3});
  slot.reset();
  EXPECT_TRUE(Open("b")->found().has_value());
}

TEST_F(FlowSlotTest, ALongNameIsCut) {
  auto slot = Open("b");
  slot->Describe(std::string(1000, 'x'));
  EXPECT_EQ(slot->description(), std::string(256, 'x'));
  slot->Describe("y");
  EXPECT_EQ(slot->description(), "y");
}

}  // namespace
}  // namespace anabranch::shard
