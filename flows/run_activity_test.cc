#include "flows/run_activity.h"

#include <gtest/gtest.h>

#include <string>

#include "flows/testing/flow_driver.h"
#include "flows/testing/prepare_fixture.h"

namespace anabranch::flows {
namespace {

std::string Refused(std::string_view input) {
  FakePrepareContext context;
  return Refusal(RunActivity(), input, context);
}

TEST(RunActivityFlow, PassesInputAndResultOn) {
  FlowDriver run(RunActivity());
  run.Start(R"({"type":"word_count","input":{"text":"to be"}})");
  EXPECT_EQ(run.InputJson("word_count"), R"({"text":"to be"})");
  run.Complete("word_count", R"({"words":2})");
  EXPECT_EQ(run.ResultJson(), R"({"words":2})");
}

TEST(RunActivityFlow, OptionsReachTheActivity) {
  FlowDriver run(RunActivity());
  run.Start(
      R"({"type":"t","task_queue":"gpu","priority":1,"concurrency_key":"k",)"
      R"("attempts":3,"timeout_seconds":1.5,"heartbeat_seconds":2})");
  const auto& options = run.Activity("t").options();
  EXPECT_EQ(options.task_queue(), "gpu");
  EXPECT_EQ(options.priority(), 1);
  EXPECT_EQ(options.concurrency_key(), "k");
  EXPECT_EQ(options.retry().maximum_attempts(), 3);
  EXPECT_EQ(options.start_to_close_timeout().nanos(), 500'000'000);
  EXPECT_EQ(options.heartbeat_timeout().seconds(), 2);
  EXPECT_EQ(run.InputJson("t"), "null");
}

TEST(RunActivityFlow, ItsFailureIsTheRuns) {
  FlowDriver run(RunActivity());
  run.Start(R"({"type":"t"})");
  run.Fail("t", "KeyError", "'text'");
  ASSERT_TRUE(run.closing().has_fail_run());
  EXPECT_EQ(run.closing().fail_run().failure().type(), "KeyError");
}

TEST(RunActivityFlow, RefusesWhatIsNoActivity) {
  EXPECT_EQ(Refused("{}"), "type: is required");
  EXPECT_EQ(Refused(R"({"type":"t","priority":9})"),
            "priority: must be an integer from 1 to 5");
  EXPECT_EQ(Refused(R"({"type":")" + std::string(129, 'x') + R"("})"),
            "type: must be at most 128 bytes");
}

}  // namespace
}  // namespace anabranch::flows
