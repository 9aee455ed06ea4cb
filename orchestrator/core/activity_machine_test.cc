#include "orchestrator/core/activity_machine.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/proto_time.h"

namespace anabranch::core {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

ActivityRecord Fresh(int attempts = 3) {
  api::ActivityScheduled scheduled;
  scheduled.set_seq(4);
  scheduled.set_activity_type("echo");
  auto* retry = scheduled.mutable_options()->mutable_retry();
  *retry->mutable_initial_interval() = ToProto(absl::Seconds(1));
  *retry->mutable_maximum_interval() = ToProto(absl::Seconds(8));
  retry->set_backoff_coefficient(2);
  retry->set_maximum_attempts(attempts);
  retry->set_jitter_factor(0);
  *scheduled.mutable_options()->mutable_start_to_close_timeout() =
      ToProto(absl::Seconds(30));
  return NewActivity(scheduled, Uid{1}, kNow);
}

ActivityRecord Running(int attempts = 3) {
  ActivityRecord record = Fresh(attempts);
  Grant(record, {"t1", "s1", "w1"}, kNow);
  return record;
}

AttemptFailure Overloaded() {
  AttemptFailure failure;
  failure.failure.set_type("overloaded_error");
  failure.failure.set_retryable(true);
  return failure;
}

TEST(ActivityMachine, GrantStartsAnAttemptWithItsDeadline) {
  ActivityRecord record = Running();
  EXPECT_EQ(record.info().state(), api::ACTIVITY_STATE_RUNNING);
  EXPECT_EQ(record.info().attempt(), 1);
  EXPECT_EQ(record.info().tries(), 1);
  EXPECT_EQ(FromProto(record.attempt_deadline()), kNow + absl::Seconds(30));
}

TEST(ActivityMachine, RetryableFailureBacksOff) {
  ActivityRecord record = Running();
  EXPECT_FALSE(AttemptFailed(record, Overloaded(), kNow).closing.has_value());
  EXPECT_EQ(record.info().state(), api::ACTIVITY_STATE_BACKING_OFF);
  EXPECT_EQ(FromProto(record.info().next_attempt_time()),
            kNow + absl::Seconds(1));
  EXPECT_EQ(record.info().closed_attempts_size(), 1);
}

TEST(ActivityMachine, ExhaustedAttemptsFailTheActivity) {
  ActivityRecord record = Running(1);
  auto transition = AttemptFailed(record, Overloaded(), kNow);
  ASSERT_TRUE(transition.closing.has_value());
  EXPECT_EQ(transition.closing->activity_failed().retry_state(),
            api::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_EQ(transition.closing->activity_failed().failure().type(),
            "overloaded_error");
}

TEST(ActivityMachine, NonRetryableFailureClosesAtOnce) {
  ActivityRecord record = Running();
  AttemptFailure failure = Overloaded();
  failure.failure.set_retryable(false);
  auto transition = AttemptFailed(record, failure, kNow);
  ASSERT_TRUE(transition.closing.has_value());
  EXPECT_EQ(transition.closing->activity_failed().retry_state(),
            api::RETRY_STATE_NON_RETRYABLE_FAILURE);
}

TEST(ActivityMachine, RetryPastTheCloseDeadlineIsNotMade) {
  ActivityRecord record = Running();
  *record.mutable_close_deadline() = ToProto(kNow + absl::Milliseconds(500));
  auto transition = AttemptFailed(record, Overloaded(), kNow);
  ASSERT_TRUE(transition.closing.has_value());
  EXPECT_EQ(transition.closing->activity_failed().retry_state(),
            api::RETRY_STATE_TIMEOUT);
}

TEST(ActivityMachine, TwoLossesAreTriedAtOnceTheThirdBacksOff) {
  ActivityRecord record = Fresh(10);
  for (int i = 1; i <= 3; ++i) {
    Grant(record, {"t" + std::to_string(i), "s", "w"}, kNow);
    EXPECT_FALSE(Lost(record, 0, kNow).closing.has_value());
    EXPECT_EQ(record.info().state(), i <= 2 ? api::ACTIVITY_STATE_READY
                                            : api::ACTIVITY_STATE_BACKING_OFF);
  }
  EXPECT_EQ(record.info().lost_attempts(), 3);
  EXPECT_EQ(record.info().tries(), 3);
}

TEST(ActivityMachine, ALostAttemptsTokenStaysCurrentUntilTheNextGrant) {
  ActivityRecord record = Running();
  Lost(record, 0, kNow);
  EXPECT_TRUE(TokenIsCurrent(record, "t1"));
  TakenUpAgain(record, "s1");
  EXPECT_EQ(record.info().state(), api::ACTIVITY_STATE_RUNNING);
  Lost(record, 0, kNow);
  Grant(record, {"t2", "s2", "w2"}, kNow);
  EXPECT_FALSE(TokenIsCurrent(record, "t1"));
  EXPECT_FALSE(TokenIsCurrent(record, ""));
}

TEST(ActivityMachine, NeverDeliveredCostsNoTryAndFencesTheToken) {
  ActivityRecord record = Running();
  NeverDelivered(record);
  EXPECT_EQ(record.info().tries(), 0);
  EXPECT_EQ(record.info().state(), api::ACTIVITY_STATE_READY);
  EXPECT_FALSE(TokenIsCurrent(record, "t1"));
}

TEST(ActivityMachine, CancelClosesAtOnceUnlessAnAttemptRuns) {
  ActivityRecord ready = Fresh();
  EXPECT_TRUE(CancelRequested(ready).closing.has_value());
  ActivityRecord running = Running();
  EXPECT_FALSE(CancelRequested(running).closing.has_value());
  auto transition = AttemptFailed(running, Overloaded(), kNow);
  ASSERT_TRUE(transition.closing.has_value());
  EXPECT_TRUE(transition.closing->has_activity_cancelled());
}

TEST(ActivityMachine, KeepsTheFirstThreeAndTheLastTwentyAttempts) {
  ActivityRecord record = Fresh(100);
  for (int i = 1; i <= 40; ++i) {
    Grant(record, {"t", "s", "w"}, kNow);
    AttemptFailed(record, Overloaded(), kNow);
  }
  ASSERT_EQ(record.info().closed_attempts_size(), 23);
  EXPECT_EQ(record.info().closed_attempts(2).attempt(), 3);
  EXPECT_EQ(record.info().closed_attempts(3).attempt(), 21);
  EXPECT_EQ(record.info().failed_attempts(), 40);
}

ActivityRecord With(ActivityRecord record, api::ExhaustedAction action) {
  record.mutable_scheduled()->mutable_options()->set_on_exhausted(action);
  return record;
}

ActivityRecord With(ActivityRecord record, api::CancellationType type) {
  record.mutable_scheduled()->mutable_options()->set_cancellation(type);
  return record;
}

ActivityRecord Parked() {
  ActivityRecord record = With(Running(1), api::EXHAUSTED_ACTION_PARK);
  AttemptFailed(record, Overloaded(), kNow);
  return record;
}

TEST(ActivityMachine, ParksWhenItsAttemptsAreUsed) {
  ActivityRecord record = Parked();
  EXPECT_EQ(record.info().state(), api::ACTIVITY_STATE_PARKED);
  EXPECT_EQ(record.info().parked_because(),
            api::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_FALSE(record.has_attempt_deadline());
}

TEST(ActivityMachine, DoesNotParkForWantOfTime) {
  ActivityRecord record = With(Running(), api::EXHAUSTED_ACTION_PARK);
  *record.mutable_close_deadline() = ToProto(kNow + absl::Milliseconds(500));
  auto transition = AttemptFailed(record, Overloaded(), kNow);
  ASSERT_TRUE(transition.closing.has_value());
  EXPECT_EQ(transition.closing->activity_failed().retry_state(),
            api::RETRY_STATE_TIMEOUT);
}

TEST(ActivityMachine, ReleasedFromItsParkItHasAllItsTriesAgain) {
  ActivityRecord record = Parked();
  ASSERT_TRUE(Released(record).has_value());
  EXPECT_EQ(record.info().state(), api::ACTIVITY_STATE_READY);
  EXPECT_EQ(record.info().parked_because(), api::RETRY_STATE_UNSPECIFIED);
  EXPECT_EQ(record.info().tries(), 0);
  Grant(record, {"t2", "s1", "w1"}, kNow);
  EXPECT_EQ(record.info().attempt(), 2);
  EXPECT_FALSE(Released(record).has_value());
}

TEST(ActivityMachine, AHeartbeatWithoutDetailsKeepsThoseBefore) {
  ActivityRecord record = Running();
  api::Payload details;
  details.set_json_text("7");
  EXPECT_TRUE(Heartbeat(record, details, kNow));
  EXPECT_FALSE(Heartbeat(record, details, kNow));
  EXPECT_FALSE(Heartbeat(record, api::Payload(), kNow));
  EXPECT_EQ(HeartbeatDetails(record)->json_text(), "7");
}

TEST(ActivityMachine, WhoWaitsForACancelledActivityIsToldHowItEnded) {
  ActivityRecord record =
      With(Running(), api::CANCELLATION_TYPE_WAIT_COMPLETED);
  EXPECT_FALSE(CancelRequested(record).closing.has_value());
  ActivityRecord lost = record;
  auto transition = Lost(lost, 0, kNow);
  EXPECT_EQ(transition.closing->activity_failed().retry_state(),
            api::RETRY_STATE_CANCEL_REQUESTED);
  ActivityRecord stopped = record;
  AttemptFailure answer;
  answer.failure.set_type("cancelled");
  EXPECT_TRUE(
      AttemptFailed(stopped, answer, kNow).closing->has_activity_cancelled());
}

// All transitions of a record that is copied for each.
class RowCollector {
 public:
  void Take(const Transition& transition) { rows_.insert(transition.row); }
  void EndsOf(const ActivityRecord& running) {
    ActivityRecord a = running, b = running, c = running;
    Take(AttemptFailed(a, Overloaded(), kNow));
    Take(AttemptTimedOut(b, api::TIMEOUT_TYPE_HEARTBEAT, 0, kNow));
    Take(Lost(c, 0, kNow));
    Take(CloseTimedOut(running));
  }
  std::string Missing() const {
    std::string names;
    for (int i = 0; i < kActivityRows; ++i) {
      auto row = static_cast<ActivityRow>(i);
      if (!rows_.contains(row)) names += std::string(NameOf(row)) + " ";
    }
    return names;
  }

 private:
  std::set<ActivityRow> rows_;
};

void TakeGivenUp(RowCollector& rows, ActivityRecord record) {
  AttemptTimedOut(record, api::TIMEOUT_TYPE_START_TO_CLOSE, 0, kNow);
  rows.Take(TakenUpAgain(record, "s1"));
  EXPECT_TRUE(TimedOutBefore(record));
  rows.Take(GivenUpAgain(record, kNow));
}

TEST(ActivityMachine, EveryRowOfItsTableIsTaken) {
  RowCollector rows;
  ActivityRecord granted = Fresh();
  rows.Take(StartTimedOut(granted));
  rows.Take(Grant(granted, {"t1", "s1", "w1"}, kNow));
  rows.Take(Result(granted, api::Payload(), ""));
  rows.EndsOf(granted);
  rows.EndsOf(Running(1));
  rows.EndsOf(With(Running(1), api::EXHAUSTED_ACTION_PARK));
  ActivityRecord unlucky = Running(10);
  unlucky.mutable_info()->set_lost_attempts(2);
  rows.EndsOf(unlucky);
  ActivityRecord cancelled = Running();
  rows.Take(CancelRequested(cancelled));
  rows.EndsOf(cancelled);
  ActivityRecord ready = Fresh();
  rows.Take(CancelRequested(ready));
  ActivityRecord abandoned = With(Running(), api::CANCELLATION_TYPE_ABANDON);
  rows.Take(CancelRequested(abandoned));
  rows.Take(NeverDelivered(granted));
  TakeGivenUp(rows, Running());
  TakeGivenUp(rows, With(Running(1), api::EXHAUSTED_ACTION_PARK));
  ActivityRecord parked = Parked();
  rows.Take(*Released(parked));
  ActivityRecord waiting = Running();
  AttemptFailed(waiting, Overloaded(), kNow);
  ActivityRecord released = waiting;
  rows.Take(*Released(released));
  rows.Take(BackoffOver(waiting));
  EXPECT_EQ(rows.Missing(), "");
}

}  // namespace
}  // namespace anabranch::core
