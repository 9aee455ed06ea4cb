#include "orchestrator/shard/sessions.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "orchestrator/shard/timer_queue.h"

namespace anabranch::shard {
namespace {

Times At(double seconds) {
  return {absl::FromUnixSeconds(1000) + absl::Seconds(seconds),
          absl::Seconds(seconds)};
}

api::Hello HelloOf(const std::string& session, const std::string& type) {
  api::Hello hello;
  hello.set_session(session);
  hello.set_slots(4);
  hello.add_activity_types(type);
  return hello;
}

TEST(Sessions, ANewStreamReplacesTheOld) {
  Sessions sessions;
  sessions.Connect({1}, HelloOf("s", "echo"), At(0));
  auto connected = sessions.Connect({2}, HelloOf("s", "echo"), At(1));
  EXPECT_EQ(connected.replaced, StreamId{1});
  EXPECT_EQ(sessions.ByStream({1}), nullptr);
  EXPECT_EQ(sessions.ByStream({2}), connected.session);
}

TEST(Sessions, ADisconnectOfAReplacedStreamHarmsNothing) {
  Sessions sessions;
  sessions.Connect({1}, HelloOf("s", "echo"), At(0));
  sessions.Connect({2}, HelloOf("s", "echo"), At(1));
  sessions.Disconnect({1}, At(2));
  EXPECT_TRUE(sessions.Find("s")->stream.has_value());
}

TEST(Sessions, PicksTheOneWithMostCreditThatOffersTheType) {
  Sessions sessions;
  sessions.Connect({1}, HelloOf("a", "echo"), At(0)).session->credit = 1;
  sessions.Connect({2}, HelloOf("b", "echo"), At(0)).session->credit = 3;
  sessions.Connect({3}, HelloOf("c", "sleep"), At(0)).session->credit = 9;
  EXPECT_EQ(sessions.PickFor("default", "echo")->id, "b");
  EXPECT_EQ(sessions.PickFor("default", "claude.messages"), nullptr);
}

TEST(Sessions, ASuspectGetsNothingNewUntilItIsHeardAgain) {
  Sessions sessions;
  auto* session = sessions.Connect({1}, HelloOf("a", "echo"), At(0)).session;
  session->credit = 1;
  EXPECT_TRUE(sessions.UpdateSuspects(At(2)));
  EXPECT_EQ(sessions.PickFor("default", "echo"), nullptr);
  sessions.Heard(*session, At(3));
  EXPECT_TRUE(sessions.UpdateSuspects(At(3)));
  EXPECT_EQ(sessions.PickFor("default", "echo"), session);
}

TEST(Sessions, SilenceAndDisconnectionExpireAtTheirTimes) {
  Sessions sessions;
  sessions.Connect({1}, HelloOf("silent", "echo"), At(0));
  sessions.Connect({2}, HelloOf("gone", "echo"), At(0));
  sessions.Disconnect({2}, At(5));
  EXPECT_TRUE(sessions.Expired(At(6.9)).empty());
  EXPECT_EQ(sessions.Expired(At(7)), std::vector<std::string>{"gone"});
  EXPECT_EQ(sessions.Expired(At(10)).size(), 2u);
}

TEST(Sessions, GraceIsFulfilledWhenLeasesAreBackAndHeldResultsDelivered) {
  Sessions sessions;
  sessions.Expect("s", "label", At(0)).leases.insert({Uid{1}, 1});
  EXPECT_FALSE(sessions.GraceFulfilled());
  api::Hello hello = HelloOf("s", "echo");
  hello.add_held_tokens("t");
  auto* session = sessions.Connect({1}, hello, At(1)).session;
  EXPECT_FALSE(sessions.GraceFulfilled());
  session->held_tokens.erase("t");
  EXPECT_TRUE(sessions.GraceFulfilled());
}

TEST(TimerQueue, FiresInOrderOfDeadlineThenIdentity) {
  TimerQueue timers;
  timers.Arm({{Uid{2}, 1}, TimerKind::kFlowTimer}, absl::Seconds(5));
  timers.Arm({{Uid{1}, 9}, TimerKind::kFlowTimer}, absl::Seconds(5));
  timers.Arm({{Uid{3}, 1}, TimerKind::kBackoff}, absl::Seconds(1));
  EXPECT_EQ(timers.Next(), absl::Seconds(1));
  EXPECT_EQ(timers.PopDue(absl::Seconds(5))->id.uid, Uid{3});
  EXPECT_EQ(timers.PopDue(absl::Seconds(5))->id.uid, Uid{1});
  EXPECT_EQ(timers.PopDue(absl::Seconds(4)), std::nullopt);
  EXPECT_EQ(timers.PopDue(absl::Seconds(5))->id.uid, Uid{2});
}

TEST(TimerQueue, RearmingMovesAndDisarmAllTakesOneRunOff) {
  TimerQueue timers;
  TimerKey key{{Uid{1}, 1}, TimerKind::kFlowTimer};
  timers.Arm(key, absl::Seconds(1));
  timers.Arm(key, absl::Seconds(9));
  timers.Arm({{Uid{1}, 2}, TimerKind::kCloseDeadline}, absl::Seconds(2));
  timers.Arm({{Uid{2}, 1}, TimerKind::kFlowTimer}, absl::Seconds(3));
  EXPECT_EQ(timers.Next(), absl::Seconds(2));
  EXPECT_EQ(timers.DisarmAll(Uid{1}).size(), 2u);
  EXPECT_EQ(timers.Next(), absl::Seconds(3));
}

}  // namespace
}  // namespace anabranch::shard
