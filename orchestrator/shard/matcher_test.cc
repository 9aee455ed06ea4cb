#include "orchestrator/shard/matcher.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace anabranch::shard {
namespace {

constexpr absl::Duration kNow = absl::Seconds(100);

ActivityId Id(uint64_t run, int64_t seq) { return {Uid{run}, seq}; }

Demand Echo(int priority = 3, const std::string& key = "") {
  return {.queue = "default", .type = "echo", .priority = priority, .key = key};
}

storage::v1::TaskQueueRecord Limits(double per_second, int burst,
                                    int key_limit) {
  storage::v1::TaskQueueRecord record;
  record.set_name("default");
  record.set_tasks_per_second(per_second);
  record.set_burst(burst);
  record.set_default_key_limit(key_limit);
  return record;
}

// One session with credit without end.
class MatcherTest : public ::testing::Test {
 protected:
  MatcherTest() { Connect("s", "default", {"echo", "compare"}); }

  void Connect(const std::string& session, const std::string& queue,
               const std::vector<std::string>& types) {
    api::Hello hello;
    hello.set_session(session);
    hello.set_slots(1'000'000);
    hello.add_task_queues(queue);
    for (const auto& type : types) hello.add_activity_types(type);
    sessions.Connect({++stream}, hello, {absl::UnixEpoch(), kNow})
        .session->credit = 1'000'000;
  }
  // The seq of each grant up to the last, or up to `max` of them.
  std::vector<int64_t> Grants(absl::Duration now = kNow, int max = 100) {
    std::vector<int64_t> seqs;
    while (max-- > 0) {
      auto match = matcher.Next(sessions, now);
      if (!match.has_value()) break;
      seqs.push_back(match->id.seq);
    }
    return seqs;
  }

  uint64_t stream = 0;
  Sessions sessions;
  Matcher matcher;
};

using Seqs = std::vector<int64_t>;

TEST_F(MatcherTest, ARunsActivitiesGoInTheOrderOfTheirOffers) {
  for (int64_t seq : {3, 1, 2, 3}) matcher.Ready(Id(1, seq), Echo());
  EXPECT_EQ(Grants(), (Seqs{3, 1, 2}));
}

TEST_F(MatcherTest, RunsTakeTurns) {
  for (int64_t seq = 1; seq <= 5; ++seq) matcher.Ready(Id(1, seq), Echo());
  matcher.Ready(Id(2, 100), Echo());
  matcher.Ready(Id(3, 200), Echo());
  matcher.Ready(Id(3, 201), Echo());
  EXPECT_EQ(Grants(), (Seqs{1, 100, 200, 2, 201, 3, 4, 5}));
}

TEST_F(MatcherTest, APriorityGoesBeforeTheNextOneWhateverTheRunAndType) {
  matcher.Ready(Id(1, 1), Echo(5));
  matcher.Ready(Id(2, 2), Echo(3));
  Demand compare = Echo(1);
  compare.type = "compare";
  matcher.Ready(Id(1, 3), compare);
  EXPECT_EQ(Grants(), (Seqs{3, 2, 1}));
}

TEST_F(MatcherTest, OnlyWorkersOfTheQueueTakeFromIt) {
  Demand demand = Echo();
  demand.queue = "gpu";
  matcher.Ready(Id(1, 1), demand);
  EXPECT_EQ(Grants(), Seqs{});
  Connect("s2", "gpu", {"echo"});
  EXPECT_EQ(matcher.Next(sessions, kNow)->session->id, "s2");
}

TEST_F(MatcherTest, AnOfferTakenBackIsNotGranted) {
  matcher.Ready(Id(2, 1), Echo());
  matcher.Remove(Id(2, 1));
  EXPECT_EQ(Grants(), Seqs{});
}

TEST_F(MatcherTest, AKeyInFullUseHoldsItsActivitiesBackAndNoOthers) {
  matcher.Configure(Limits(0, 0, 2), kNow);
  for (int64_t seq = 1; seq <= 4; ++seq) {
    matcher.Ready(Id(1, seq), Echo(3, "tenant"));
  }
  matcher.Ready(Id(1, 5), Echo());
  EXPECT_EQ(Grants(), (Seqs{1, 2, 5}));
  matcher.Ended(Id(1, 5));
  EXPECT_EQ(Grants(), Seqs{});
  matcher.Ended(Id(1, 2));
  EXPECT_EQ(Grants(), (Seqs{3}));
}

TEST_F(MatcherTest, AFreeUnitIsNotLostWithTheOfferThatWasToHaveIt) {
  matcher.Configure(Limits(0, 0, 1), kNow);
  for (int64_t seq = 1; seq <= 3; ++seq) {
    matcher.Ready(Id(1, seq), Echo(3, "tenant"));
  }
  EXPECT_EQ(Grants(), (Seqs{1}));
  matcher.Ended(Id(1, 1));
  matcher.Remove(Id(1, 2));
  EXPECT_EQ(Grants(), (Seqs{3}));
}

TEST_F(MatcherTest, ATypeWithoutWorkersDoesNotKeepAUnitFromOthers) {
  matcher.Configure(Limits(0, 0, 1), kNow);
  Demand idle = Echo(1, "tenant");
  idle.type = "nobody_offers_it";
  matcher.Running(Id(9, 9), Echo(3, "tenant"));
  matcher.Ready(Id(1, 1), idle);
  matcher.Ready(Id(1, 2), Echo(3, "tenant"));
  matcher.Ended(Id(9, 9));
  EXPECT_EQ(Grants(), (Seqs{2}));
}

TEST_F(MatcherTest, AHigherLimitIsInForceAtOnce) {
  matcher.Configure(Limits(0, 0, 1), kNow);
  for (int64_t seq = 1; seq <= 4; ++seq) {
    matcher.Ready(Id(1, seq), Echo(3, "tenant"));
  }
  EXPECT_EQ(Grants(), (Seqs{1}));
  auto limits = Limits(0, 0, 1);
  (*limits.mutable_key_limits())["tenant"] = 3;
  matcher.Configure(limits, kNow);
  EXPECT_EQ(Grants(), (Seqs{2, 3}));
  matcher.Configure(Limits(0, 0, 0), kNow);
  EXPECT_EQ(Grants(), (Seqs{4}));
}

TEST_F(MatcherTest, ARateLetsABurstGoAndThenOneByOne) {
  matcher.Configure(Limits(2, 3, 0), kNow);
  for (int64_t seq = 1; seq <= 6; ++seq) matcher.Ready(Id(1, seq), Echo());
  EXPECT_EQ(Grants(), (Seqs{1, 2, 3}));
  EXPECT_EQ(matcher.NextDue(kNow), kNow + absl::Milliseconds(500));
  EXPECT_EQ(Grants(kNow + absl::Milliseconds(499)), Seqs{});
  EXPECT_EQ(Grants(kNow + absl::Milliseconds(500)), (Seqs{4}));
  EXPECT_EQ(Grants(kNow + absl::Milliseconds(1500)), (Seqs{5, 6}));
  EXPECT_EQ(matcher.NextDue(kNow + absl::Milliseconds(1500)), std::nullopt);
}

TEST_F(MatcherTest, WhatNeverArrivedGivesItsUnitsBack) {
  matcher.Configure(Limits(1, 1, 1), kNow);
  matcher.Ready(Id(1, 1), Echo(3, "tenant"));
  EXPECT_EQ(Grants(), (Seqs{1}));
  matcher.NeverDelivered(Id(1, 1));
  matcher.Ready(Id(1, 1), Echo(3, "tenant"));
  EXPECT_EQ(Grants(), (Seqs{1}));
}

TEST_F(MatcherTest, AChangeOfTheRateIsNoWayAroundIt) {
  matcher.Configure(Limits(1, 1, 0), kNow);
  matcher.Ready(Id(1, 1), Echo());
  matcher.Ready(Id(1, 2), Echo());
  EXPECT_EQ(Grants(), (Seqs{1}));
  matcher.Configure(Limits(1, 1, 0), kNow);
  EXPECT_EQ(Grants(), Seqs{});
}

TEST_F(MatcherTest, AHeldRunWaitsAndGoesOnWithWhatItHas) {
  matcher.Ready(Id(1, 1), Echo());
  matcher.Hold(Uid{1});
  matcher.Ready(Id(1, 2), Echo());
  matcher.Ready(Id(2, 3), Echo());
  EXPECT_EQ(Grants(), (Seqs{3}));
  matcher.Remove(Id(1, 1));
  matcher.Unhold(Uid{1});
  EXPECT_EQ(Grants(), (Seqs{2}));
}

TEST_F(MatcherTest, AQueueIsToldOfUntilNothingIsLeftOfIt) {
  matcher.Ready(Id(1, 1), Echo());
  EXPECT_EQ(matcher.TakeChanged().at(0).ready(), 1);
  Grants();
  EXPECT_EQ(matcher.TakeChanged().at(0).running(), 1);
  matcher.Ended(Id(1, 1));
  EXPECT_EQ(matcher.TakeChanged().at(0).running(), 0);
  EXPECT_TRUE(matcher.TakeChanged().empty());
}

}  // namespace
}  // namespace anabranch::shard
