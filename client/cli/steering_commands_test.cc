#include <string>

#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SteeringTest : public testing::CliTest {};

TEST_F(SteeringTest, EndsRuns) {
  EXPECT_EQ(Run({"runs", "cancel", "a", "--reason", "cost"}), 0);
  EXPECT_EQ(out, "asked run a to cancel itself\n");
  EXPECT_EQ(canned.cancels.at(0).reason(), "cost");
  EXPECT_EQ(Run({"runs", "terminate", "a", "--json"}), 0);
  EXPECT_EQ(out, "{}\n");
  ASSERT_THAT(canned.terminates, SizeIs(1));
}

TEST_F(SteeringTest, SignalsRuns) {
  EXPECT_EQ(Run({"runs", "signal", "a", "go", "--input", "{\"x\": 1.0}"}), 0);
  EXPECT_EQ(canned.signals.at(0).signal(), "go");
  EXPECT_EQ(canned.signals.at(0).input().json_text(), "{\"x\": 1.0}");
  EXPECT_EQ(Run({"runs", "signal", "a", "go", "--input", "{"}), 2);
  EXPECT_THAT(canned.signals, SizeIs(1));
}

TEST_F(SteeringTest, PausesAndResumes) {
  EXPECT_EQ(Run({"runs", "pause", "a", "--reason", "budget"}), 0);
  EXPECT_EQ(out, "paused run a\n");
  EXPECT_EQ(canned.pauses.at(0).reason(), "budget");
  EXPECT_NE(canned.pauses.at(0).request_id(), "");
  EXPECT_EQ(Run({"runs", "resume", "a"}), 0);
  EXPECT_EQ(out, "run a goes on\n");
  ASSERT_THAT(canned.resumes, SizeIs(1));
}

TEST_F(SteeringTest, QueriesPrintTheAnswer) {
  canned.query_answer.mutable_result()->set_json_text("{\"done\":2}");
  EXPECT_EQ(Run({"runs", "query", "a", "progress", "[1]"}), 0);
  EXPECT_EQ(canned.queries.at(0).query(), "progress");
  EXPECT_EQ(canned.queries.at(0).input().json_text(), "[1]");
  EXPECT_EQ(out, "{\n  \"done\": 2\n}\n");
  EXPECT_THAT(err, IsEmpty());
  canned.query_answer.set_published(true);
  EXPECT_EQ(Run({"runs", "query", "a", "progress"}), 0);
  EXPECT_THAT(err, HasSubstr("published last"));
  EXPECT_EQ(Run({"runs", "query", "a", "progress", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"published\":true"));
  EXPECT_EQ(Run({"runs", "query", "a"}), 2);
}

TEST_F(SteeringTest, RetriesSayWhatGoesOn) {
  canned.retry_answer.set_released_activities(2);
  canned.retry_answer.set_generation(1);
  EXPECT_EQ(Run({"runs", "retry", "a"}), 0);
  EXPECT_EQ(out, "run a: 2 activities start again\n");
  canned.retry_answer.set_released_activities(0);
  canned.retry_answer.set_generation(2);
  EXPECT_EQ(Run({"runs", "retry", "a"}), 0);
  EXPECT_EQ(out, "run a goes on as generation 2\n");
}

TEST_F(SteeringTest, DeletesRuns) {
  EXPECT_EQ(Run({"runs", "delete", "a"}), 0);
  EXPECT_EQ(out, "deleted run a\n");
  EXPECT_FALSE(canned.deletes.at(0).force());
  EXPECT_EQ(Run({"runs", "delete", "a", "--force"}), 0);
  EXPECT_TRUE(canned.deletes.at(1).force());
}

TEST_F(SteeringTest, StartsWithSignalsATimeoutAndAnExistingRun) {
  EXPECT_EQ(Run({"runs", "start", "approval", "--id", "a", "--use-existing",
                 "--signal", "go", "--signal", "approve={\"by\":\"me\"}",
                 "--run-timeout", "90m", "x=1"}),
            0);
  EXPECT_EQ(out, "a\n");
  const v1::StartRunRequest& start = canned.starts.at(0);
  EXPECT_EQ(start.flow(), "approval");
  EXPECT_EQ(start.input().json_text(), "{\"x\":1}");
  EXPECT_EQ(start.id_conflict_policy(), v1::ID_CONFLICT_POLICY_USE_EXISTING);
  ASSERT_EQ(start.signals_size(), 2);
  EXPECT_EQ(start.signals(0).signal(), "go");
  EXPECT_FALSE(start.signals(0).has_input());
  EXPECT_EQ(start.signals(1).input().json_text(), "{\"by\":\"me\"}");
  EXPECT_EQ(start.run_timeout().seconds(), 5400);
}

TEST_F(SteeringTest, RefusesBadStartOptions) {
  EXPECT_EQ(Run({"runs", "start", "f", "--run-timeout", "soon"}), 2);
  EXPECT_THAT(err, HasSubstr("90s, 15m or 2h30m"));
  EXPECT_EQ(Run({"runs", "start", "f", "--signal", "go={"}), 2);
  EXPECT_THAT(canned.starts, IsEmpty());
}

}  // namespace
}  // namespace anabranch::cli
