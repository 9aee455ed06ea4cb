#include "flows/basics.h"

#include <string>

#include "flows/testing/flow_driver.h"
#include "flows/testing/prepare_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Refused(const sdk::FlowDefinition& flow, std::string_view input) {
  FakePrepareContext context;
  return Refusal(flow, input, context);
}

TEST(EchoFlow, GivesBackWhatTheWorkerSays) {
  FlowDriver run(Echo());
  run.Start(R"([1e2,"\ud83d"])");
  EXPECT_EQ(run.Activity("echo").activity_type(), "echo");
  EXPECT_EQ(run.InputJson("echo"), R"([1e2,"\ud83d"])");
  run.Complete("echo", "7");
  EXPECT_EQ(run.ResultJson(), "7");
}

TEST(SleepFlow, WaitsOnATimer) {
  FlowDriver run(Sleep());
  run.Start(R"({"seconds":1.5})");
  EXPECT_EQ(run.OpenTimers(), 1u);
  EXPECT_FALSE(run.closed());
  run.FireTimer();
  EXPECT_EQ(run.ResultJson(), R"({"slept_ms":1500})");
}

TEST(SleepFlow, IsCancelledWithItsTimer) {
  FlowDriver run(Sleep());
  run.Start(R"({"seconds":60})");
  run.RequestCancel();
  EXPECT_TRUE(run.closing().has_cancel_run());
  EXPECT_EQ(run.OpenTimers(), 0u);
}

TEST(SleepFlow, RefusesWhatIsNoDuration) {
  EXPECT_EQ(Refused(Sleep(), R"({"seconds":0})"), "OK");
  EXPECT_EQ(Refused(Sleep(), "{}"), "seconds: is required");
  EXPECT_EQ(Refused(Sleep(), R"({"seconds":-1})"),
            "seconds: must be a number from 0 to 3.1536e+07");
  EXPECT_EQ(Refused(Sleep(), "null"), "input: must be a JSON object, not null");
}

TEST(SequenceFlow, RunsOneAfterTheOther) {
  FlowDriver run(Sequence());
  run.Start(R"({"steps":3,"activity":"sleep"})");
  for (int step = 1; step <= 3; ++step) {
    const std::string name = "step-" + std::to_string(step);
    ASSERT_THAT(run.OpenActivities(), ElementsAre(name));
    EXPECT_EQ(run.Activity(name).activity_type(), "sleep");
    EXPECT_EQ(run.InputJson(name), "{\"step\":" + std::to_string(step) + "}");
    run.Complete(name, "null");
  }
  EXPECT_EQ(run.ResultJson(), R"({"count":3})");
}

TEST(SequenceFlow, StopsAtAFailure) {
  FlowDriver run(Sequence());
  run.Start(R"({"steps":2})");
  run.Fail("step-1", "timeout", "too slow");
  EXPECT_THAT(run.OpenActivities(), IsEmpty());
  EXPECT_EQ(run.Failure(), "timeout: too slow");
}

TEST(SequenceFlow, RefusesBadNumbers) {
  EXPECT_EQ(Refused(Sequence(), R"({"activity":"echo"})"),
            "steps: is required");
  EXPECT_EQ(Refused(Sequence(), R"({"steps":0})"),
            "steps: must be an integer from 1 to 100000");
  EXPECT_EQ(Refused(Sequence(), R"({"steps":1,"activity":")" +
                                    std::string(129, 'a') + "\"}"),
            "activity: must be at most 128 bytes");
}

TEST(WaitForSignalFlow, GivesBackTheSignalsValue) {
  FlowDriver run(WaitForSignal());
  run.Start(R"({"signal":"go"})");
  run.Signal("other", run.Store("1"));
  EXPECT_FALSE(run.closed());
  run.Signal("go", run.Store("[2]"));
  EXPECT_EQ(run.ResultJson(), "[2]");
}

TEST(WaitForSignalFlow, GivesNullForASignalWithoutAValue) {
  FlowDriver run(WaitForSignal());
  run.Start(R"({"signal":"go"})");
  run.Signal("go", {});
  EXPECT_EQ(run.ResultJson(), "null");
}

TEST(WaitForSignalFlow, IsCancelledWhileItWaits) {
  FlowDriver run(WaitForSignal());
  run.Start(R"({"signal":"go"})");
  run.RequestCancel();
  EXPECT_TRUE(run.closing().has_cancel_run());
}

TEST(WaitForSignalFlow, RefusesNoName) {
  EXPECT_EQ(Refused(WaitForSignal(), R"({"signal":""})"),
            "signal: must not be empty");
}

}  // namespace
}  // namespace anabranch::flows
