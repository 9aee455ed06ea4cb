#include "sdk/activity_defaults.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace anabranch::sdk
