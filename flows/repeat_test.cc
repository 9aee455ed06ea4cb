#include "flows/repeat.h"

#include <gtest/gtest.h>

#include <string>

#include "flows/testing/flow_driver.h"
#include "flows/testing/prepare_fixture.h"

namespace anabranch::flows {
namespace {

TEST(RepeatFlow, RunsOneAfterTheOther) {
  FlowDriver run(Repeat());
  run.Start(R"({"flow":"echo","input":7,"times":2})");
  for (int i = 1; i <= 2; ++i) {
    ASSERT_EQ(run.OpenChildren().size(), 1u);
    EXPECT_EQ(run.OpenChildren().begin()->second.input().json_text(), "7");
    run.CompleteChild("echo", std::to_string(i));
  }
  EXPECT_EQ(run.ResultJson(), R"({"count":2,"last":2})");
}

TEST(RepeatFlow, ContinuesAsNewWithWhatIsLeft) {
  FlowDriver run(Repeat());
  run.Start(R"({"flow":"echo","times":5,"continue_every":2,"done":1})");
  run.CompleteChild("echo", "1");
  run.CompleteChild("echo", "1");
  ASSERT_TRUE(run.closing().has_continue_as_new());
  EXPECT_EQ(run.closing().continue_as_new().input().json_text(),
            R"({"flow":"echo","input":{},"times":5,"continue_every":2,)"
            R"("done":3})");
}

TEST(RepeatFlow, DoesNotContinueAsNewWhenNothingIsLeft) {
  FlowDriver run(Repeat());
  run.Start(R"({"flow":"echo","times":2,"continue_every":2})");
  run.CompleteChild("echo", "1");
  run.CompleteChild("echo", "2");
  EXPECT_EQ(run.ResultJson(), R"({"count":2,"last":2})");
}

TEST(RepeatFlow, EndsWithTheFirstFailure) {
  FlowDriver run(Repeat());
  run.Start(R"({"flow":"echo","times":2})");
  run.FailChild("echo", "timeout", "too slow");
  EXPECT_EQ(run.Failure(), "timeout: too slow");
}

TEST(RepeatFlow, RefusesBadNumbers) {
  FakePrepareContext context;
  EXPECT_EQ(Refusal(Repeat(), R"({"flow":"echo","times":0})", context),
            "times: must be an integer from 1 to 1000000");
  EXPECT_EQ(Refusal(Repeat(), R"({"times":1})", context), "flow: is required");
}

}  // namespace
}  // namespace anabranch::flows
