#include "flows/map_runs.h"

#include <gtest/gtest.h>

#include <string>

#include "flows/testing/flow_driver.h"
#include "flows/testing/prepare_fixture.h"

namespace anabranch::flows {
namespace {

std::string Refused(std::string_view input) {
  FakePrepareContext context;
  return Refusal(MapRuns(), input, context);
}

TEST(MapRunsFlow, RunsSomeAtATimeAndKeepsTheOrder) {
  FlowDriver run(MapRuns());
  run.Start(R"({"flow":"echo","items":[1,2,3],"concurrency":2})");
  ASSERT_EQ(run.OpenChildren().size(), 2u);
  EXPECT_EQ(run.OpenChildren().begin()->second.input().json_text(), "1");
  run.CompleteChild("echo", "\"one\"");
  ASSERT_EQ(run.OpenChildren().size(), 2u);
  EXPECT_EQ(run.OpenChildren().rbegin()->second.input().json_text(), "3");
  run.CompleteChild("echo", "\"two\"");
  run.CompleteChild("echo", "\"three\"");
  EXPECT_EQ(run.ResultJson(),
            R"({"results":[{"result":"one"},{"result":"two"},)"
            R"({"result":"three"}],"failed":0})");
}

TEST(MapRunsFlow, AFailureIsOneResultAmongOthers) {
  FlowDriver run(MapRuns());
  run.Start(R"({"flow":"echo","items":[1,2],"concurrency":1})");
  run.FailChild("echo", "timeout", "too slow");
  run.CompleteChild("echo", "2");
  EXPECT_EQ(
      run.ResultJson(),
      R"({"results":[{"failure":{"type":"timeout","message":"too slow"}},)"
      R"({"result":2}],"failed":1})");
}

TEST(MapRunsFlow, LargeResultsAreRead) {
  FlowDriver run(MapRuns());
  run.StoreAbove(0);
  run.Start(R"({"flow":"echo","items":[1]})");
  run.CompleteChild("echo", R"({"a":"b"})");
  EXPECT_EQ(run.ResultJson(),
            R"({"results":[{"result":{"a":"b"}}],"failed":0})");
}

TEST(MapRunsFlow, AnswersHowFarItIs) {
  FlowDriver run(MapRuns());
  run.Start(R"({"flow":"echo","items":[1,2,3],"concurrency":2})");
  run.FailChild("echo", "timeout", "too slow");
  const auto progress = run.Query("progress");
  ASSERT_TRUE(progress.ok()) << progress.status();
  EXPECT_EQ(progress->json_text(),
            R"({"items":3,"started":3,"ended":1,"failed":1})");
}

TEST(MapRunsFlow, NothingToDoIsDoneAtOnce) {
  FlowDriver run(MapRuns());
  run.Start(R"({"flow":"echo","items":[]})");
  EXPECT_EQ(run.ResultJson(), R"({"results":[],"failed":0})");
}

TEST(MapRunsFlow, CancellationAsksItsRunsAndStartsNoMore) {
  FlowDriver run(MapRuns());
  run.Start(R"({"flow":"echo","items":[1,2,3],"concurrency":1})");
  run.RequestCancel();
  EXPECT_EQ(run.cancelled().size(), 1u);
  EXPECT_FALSE(run.closed());
  run.FailChild("echo", "cancelled", "asked");
  EXPECT_TRUE(run.closing().has_cancel_run());
}

TEST(MapRunsFlow, RefusesWhatIsNoList) {
  EXPECT_EQ(Refused(R"({"flow":"echo"})"), "items: is required");
  EXPECT_EQ(Refused(R"({"flow":"echo","items":{}})"),
            "items: must be an array");
  EXPECT_EQ(Refused(R"({"flow":"echo","items":[],"concurrency":0})"),
            "concurrency: must be an integer from 1 to 1000");
}

}  // namespace
}  // namespace anabranch::flows
