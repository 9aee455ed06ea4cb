#include "activity_worker/activities/basic_activities.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "activity_worker/testing/activity_runner.h"

namespace anabranch::activity_worker {
namespace {

using testing::ActivityRunner;

v1::Task Task(const std::string& type, const std::string& input,
              int attempt = 1) {
  v1::Task task;
  task.set_activity_type(type);
  task.set_attempt(attempt);
  if (!input.empty()) task.mutable_input()->set_json_text(input);
  return task;
}

TEST(Echo, ReturnsItsInputAsItCame) {
  ActivityRunner runner(RegisterBasicActivities);
  EXPECT_EQ(runner.Run(Task("echo", R"({"n":1.50})")).result->json_text(),
            R"({"n":1.50})");
  EXPECT_EQ(runner.Run(Task("echo", "")).result->json_text(), "null");
  v1::Task bytes = Task("echo", "");
  bytes.mutable_input()->set_data("\xff");
  EXPECT_EQ(runner.Run(bytes).result->data(), "\xff");
}

TEST(Sleep, EndsAfterItsTime) {
  ActivityRunner runner(RegisterBasicActivities);
  EXPECT_EQ(
      runner.Run(Task("sleep", R"({"seconds":0.01})")).result->json_text(),
      R"({"slept_seconds":0.01})");
}

TEST(Sleep, SendsHeartbeatsWhereTheyAreExpected) {
  ActivityRunner runner(RegisterBasicActivities);
  v1::Task task = Task("sleep", R"({"seconds":600})");
  task.mutable_heartbeat_timeout()->set_nanos(3'000'000);
  const TaskId id = runner.Begin(std::move(task));
  EXPECT_EQ(runner.WaitForHeartbeat(id).kind_case(), v1::Payload::KIND_NOT_SET);
  runner.Stop(id, kCancelled);
  EXPECT_EQ(runner.Wait(id).failure.type(), "cancelled");
}

TEST(Sleep, CanBeStopped) {
  ActivityRunner runner(RegisterBasicActivities);
  const TaskId id = runner.Begin(Task("sleep", R"({"seconds":600})"));
  runner.Stop(id, kCancelled);
  EXPECT_EQ(runner.Wait(id).failure.type(), "cancelled");
  const TaskId leaving = runner.Begin(Task("sleep", R"({"seconds":600})"));
  runner.Stop(leaving, kWorkerLeaving);
  const Outcome outcome = runner.Wait(leaving);
  EXPECT_EQ(outcome.failure.type(), "worker_leaving");
  EXPECT_TRUE(outcome.failure.retryable());
}

TEST(Sleep, IsBoundByTheTasksTimeout) {
  ActivityRunner runner(RegisterBasicActivities);
  v1::Task task = Task("sleep", R"({"seconds":600})");
  task.mutable_start_to_close_timeout()->set_nanos(10'000'000);
  const Outcome outcome = runner.Run(task);
  EXPECT_EQ(outcome.failure.type(), "timeout");
  EXPECT_TRUE(outcome.failure.retryable());
}

TEST(Sleep, RefusesWrongInput) {
  ActivityRunner runner(RegisterBasicActivities);
  for (const char* input : {"{}", R"({"seconds":-1})", R"({"seconds":"1"})",
                            "[]", "nonsense", R"({"seconds":1e99})"}) {
    const Outcome outcome = runner.Run(Task("sleep", input));
    EXPECT_EQ(outcome.failure.type(), "invalid_input") << input;
    EXPECT_FALSE(outcome.failure.retryable());
  }
}

TEST(Fail, FailsAsAsked) {
  ActivityRunner runner(RegisterBasicActivities);
  const Outcome outcome =
      runner.Run(Task("fail", R"({"type":"t","message":"m","retryable":false,)"
                              R"("next_delay_seconds":2.5})"));
  EXPECT_EQ(outcome.failure.type(), "t");
  EXPECT_EQ(outcome.failure.message(), "m");
  EXPECT_FALSE(outcome.failure.retryable());
  EXPECT_EQ(outcome.next_delay, absl::Milliseconds(2500));
  EXPECT_TRUE(runner.Run(Task("fail", "")).failure.retryable());
}

TEST(Fail, SucceedsAfterSoManyAttempts) {
  ActivityRunner runner(RegisterBasicActivities);
  EXPECT_FALSE(
      runner.Run(Task("fail", R"({"times":2})", 2)).result.has_value());
  EXPECT_EQ(runner.Run(Task("fail", R"({"times":2})", 3)).result->json_text(),
            R"({"attempt":3})");
}

TEST(Executor, FailsUnknownTypes) {
  ActivityRunner runner(RegisterBasicActivities);
  EXPECT_EQ(runner.Run(Task("unheard.of", "1")).failure.type(),
            "unknown_activity_type");
}

TEST(Executor, StoppingUnknownTasksIsHarmless) {
  ActivityRunner runner(RegisterBasicActivities);
  runner.Stop(12345, kCancelled);
  EXPECT_TRUE(runner.Run(Task("echo", "1")).result.has_value());
}

}  // namespace
}  // namespace anabranch::activity_worker
