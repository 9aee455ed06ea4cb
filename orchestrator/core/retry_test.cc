#include "orchestrator/core/retry.h"

#include <gtest/gtest.h>

#include "base/proto_time.h"

namespace anabranch::core {
namespace {

api::RetryPolicy Policy() {
  api::RetryPolicy policy;
  *policy.mutable_initial_interval() = ToProto(absl::Seconds(1));
  *policy.mutable_maximum_interval() = ToProto(absl::Seconds(60));
  policy.set_backoff_coefficient(2);
  policy.set_maximum_attempts(5);
  policy.set_jitter_factor(1.0);
  return policy;
}

TEST(GlobMatches, StarsAndQuestionMarks) {
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("rate_*_error", "rate_limit_error"));
  EXPECT_TRUE(GlobMatches("a*b*c", "axxbyyc"));
  EXPECT_TRUE(GlobMatches("a?c", "abc"));
  EXPECT_FALSE(GlobMatches("a?c", "ac"));
  EXPECT_FALSE(GlobMatches("timeout", "timeouts"));
  EXPECT_FALSE(GlobMatches("*x", "xy"));
}

TEST(RetryDelay, GrowsToTheMaximum) {
  EXPECT_EQ(RetryDelay(Policy(), 1, 0, {}), absl::Seconds(1));
  EXPECT_EQ(RetryDelay(Policy(), 3, 0, {}), absl::Seconds(4));
  EXPECT_EQ(RetryDelay(Policy(), 2000, 0, {}), absl::Seconds(60));
}

TEST(RetryDelay, JitterShortensByItsFactor) {
  EXPECT_EQ(RetryDelay(Policy(), 2, 0.5, {}), absl::Seconds(1));
}

TEST(RetryDelay, TheWorkersDelayIsNeverShortened) {
  EXPECT_EQ(RetryDelay(Policy(), 1, 0.9, absl::Seconds(120)),
            absl::Seconds(120));
  EXPECT_EQ(RetryDelay(Policy(), 7, 0, absl::Seconds(1)), absl::Seconds(60));
}

TEST(MayRetry, FollowsTheFailureAndTheLists) {
  api::RetryPolicy policy = Policy();
  api::Failure failure;
  failure.set_type("overloaded_error");
  EXPECT_FALSE(MayRetry(policy, failure));
  failure.set_retryable(true);
  EXPECT_TRUE(MayRetry(policy, failure));
  policy.add_retryable_types("rate_*");
  EXPECT_FALSE(MayRetry(policy, failure));
  policy.add_retryable_types("over*");
  EXPECT_TRUE(MayRetry(policy, failure));
  policy.add_non_retryable_types("overloaded_error");
  EXPECT_FALSE(MayRetry(policy, failure));
}

}  // namespace
}  // namespace anabranch::core
