#include "orchestrator/core/child.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "base/id_syntax.h"
#include "base/limits.h"
#include "base/proto_time.h"

namespace anabranch::core {
namespace {

RunState Parent(const std::string& run_id, int generation = 1) {
  RunState state;
  state.run.set_run_id(run_id);
  state.run.set_generation(generation);
  return state;
}

api::StartChild Start(const std::string& run_id = "") {
  api::StartChild start;
  start.set_flow("echo");
  start.set_run_id(run_id);
  return start;
}

std::string Refusal(const RunState& parent, const api::StartChild& start) {
  auto scheduled = ScheduleChild(parent, 3, start);
  EXPECT_FALSE(scheduled.ok());
  return std::string(scheduled.status().message());
}

TEST(ScheduleChild, FillsInIdAndPolicy) {
  auto scheduled = ScheduleChild(Parent("r"), 3, Start());
  ASSERT_TRUE(scheduled.ok());
  EXPECT_EQ(scheduled->seq(), 3);
  EXPECT_EQ(scheduled->run_id(), "r.3");
  EXPECT_EQ(scheduled->parent_close_policy(),
            api::PARENT_CLOSE_POLICY_TERMINATE);
}

TEST(ScheduleChild, KeepsTheIdThatTheFlowGave) {
  EXPECT_EQ(ScheduleChild(Parent("r"), 3, Start("mine"))->run_id(), "mine");
}

// The numbers of commands begin anew in each generation.
TEST(MadeChildId, LaterGenerationsMakeOtherIds) {
  EXPECT_EQ(MadeChildId(Parent("r", 2), 3), "r.g2.3");
}

TEST(MadeChildId, LongOnesAreCutAndStayApart) {
  const RunState parent = Parent(std::string(limits::kIdBytesMax, 'a'));
  const std::string one = MadeChildId(parent, 1);
  EXPECT_EQ(one.size(), static_cast<size_t>(limits::kIdBytesMax));
  EXPECT_TRUE(IsIdSyntax(one));
  EXPECT_NE(one, MadeChildId(parent, 2));
  EXPECT_EQ(one, MadeChildId(parent, 1));
}

TEST(ScheduleChild, RefusesItsParentsId) {
  EXPECT_EQ(Refusal(Parent("r"), Start("r")),
            "the child's run_id r is its parent's: give it another, or none");
}

TEST(ScheduleChild, RefusesAnIdThatIsNone) {
  EXPECT_NE(Refusal(Parent("r"), Start("a b")).find("\"a b\" is not valid"),
            std::string::npos);
}

TEST(ScheduleChild, RefusesAChildWithoutAFlow) {
  EXPECT_EQ(Refusal(Parent("r"), api::StartChild()), "the child has no flow");
}

TEST(ScheduleChild, RefusesATimeoutThatIsNone) {
  api::StartChild start = Start();
  *start.mutable_run_timeout() = ToProto(absl::Seconds(-1));
  EXPECT_NE(Refusal(Parent("r"), start).find("run_timeout"), std::string::npos);
}

TEST(ScheduleChild, RefusesAnUnknownPolicy) {
  api::StartChild start = Start();
  start.set_parent_close_policy(static_cast<api::ParentClosePolicy>(77));
  EXPECT_EQ(Refusal(Parent("r"), start), "unknown parent_close_policy 77");
}

TEST(ScheduleChild, RefusesMoreThanTheLimit) {
  RunState parent = Parent("r");
  for (int i = 0; i < limits::kOpenChildrenPerRunMax; ++i) {
    parent.open_children[i + 100];
  }
  EXPECT_NE(Refusal(parent, Start()).find("1000 open children"),
            std::string::npos);
}

}  // namespace
}  // namespace anabranch::core
