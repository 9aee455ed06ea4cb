#include "sdk/activity_defaults.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace anabranch::sdk {
namespace {

using anabranch::v1::ActivityOptions;

TEST(ResolveOptions, TakesTheDefaultsOfTheTypesKind) {
  auto options = ResolveOptions("claude.messages", ActivityOptions());
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->kind(), "claude");
  EXPECT_EQ(options->retry().maximum_attempts(), 5);
  EXPECT_EQ(options->retry().initial_interval().seconds(), 1);
  EXPECT_EQ(options->retry().maximum_interval().seconds(), 60);
  EXPECT_EQ(options->retry().jitter_factor(), 1.0);
  EXPECT_EQ(options->start_to_close_timeout().seconds(), 300);
  EXPECT_FALSE(options->has_schedule_to_close_timeout());
}

TEST(ResolveOptions, KeepsWhatIsGivenEvenZeroJitter) {
  ActivityOptions given;
  given.mutable_retry()->set_jitter_factor(0);
  given.mutable_retry()->set_maximum_attempts(9);
  auto options = ResolveOptions("echo", given);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->kind(), "local");
  EXPECT_EQ(options->retry().jitter_factor(), 0.0);
  EXPECT_EQ(options->retry().maximum_attempts(), 9);
}

TEST(ResolveOptions, CompareIsComputeAndOfTwoAttempts) {
  auto options = ResolveOptions("conversation.compare", ActivityOptions());
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->retry().maximum_attempts(), 2);
}

TEST(ResolveOptions, RefusesValuesOutOfRangeByName) {
  ActivityOptions wrong;
  wrong.mutable_retry()->set_jitter_factor(1.5);
  EXPECT_EQ(ResolveOptions("echo", wrong).status().message(),
            "retry.jitter_factor is outside 0 to 1");
  wrong.mutable_retry()->set_jitter_factor(0.5);
  wrong.mutable_retry()->set_backoff_coefficient(0.5);
  EXPECT_FALSE(ResolveOptions("echo", wrong).ok());
  wrong.mutable_retry()->set_backoff_coefficient(2);
  wrong.set_kind("nonsense");
  EXPECT_FALSE(ResolveOptions("echo", wrong).ok());
}

// What is wrong with the options that `change` leaves.
std::string Problem(const std::function<void(ActivityOptions&)>& change) {
  ActivityOptions options;
  change(options);
  return std::string(ResolveOptions("echo", options).status().message());
}

TEST(ResolveOptions, SetsEveryFieldOfWhatIsRecorded) {
  auto options = ResolveOptions("echo", ActivityOptions());
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->task_queue(), "default");
  EXPECT_EQ(options->priority(), 3);
  EXPECT_EQ(options->on_exhausted(), anabranch::v1::EXHAUSTED_ACTION_FAIL);
  EXPECT_EQ(options->cancellation(), anabranch::v1::CANCELLATION_TYPE_TRY);
}

TEST(ResolveOptions, RefusesTimeoutsThatCannotBeMeant) {
  EXPECT_EQ(Problem([](auto& o) { o.mutable_heartbeat_timeout(); }),
            "heartbeat_timeout is zero: give more, or leave it out");
  EXPECT_EQ(Problem([](auto& o) {
              o.mutable_schedule_to_start_timeout()->set_seconds(-1);
            }),
            "schedule_to_start_timeout is negative");
  EXPECT_EQ(Problem([](auto& o) {
              o.mutable_start_to_close_timeout()->set_seconds(30);
              o.mutable_heartbeat_timeout()->set_seconds(31);
            }),
            "heartbeat_timeout exceeds start_to_close_timeout: it could never "
            "run out");
  EXPECT_EQ(Problem([](auto& o) {
              o.mutable_schedule_to_close_timeout()->set_seconds(1LL << 40);
            }),
            "schedule_to_close_timeout is longer than 10 years");
}

TEST(ResolveOptions, RefusesNamesAndPrioritiesThatAreNone) {
  EXPECT_EQ(Problem([](auto& o) { o.set_priority(6); }),
            "priority is outside 1 (first) to 5 (last)");
  EXPECT_EQ(Problem([](auto& o) { o.set_task_queue("two words"); }),
            "task_queue is not of the form [A-Za-z0-9][A-Za-z0-9._:-]{0,127}");
  EXPECT_EQ(
      Problem([](auto& o) { o.set_concurrency_key(std::string(129, 'k')); }),
      "concurrency_key is longer than 128 bytes or not of printable "
      "ASCII");
}

}  // namespace
}  // namespace anabranch::sdk
