#include "tests/e2e/proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anabranch::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

support::LedgerCall Call(int64_t seq, const std::string& session,
                         int64_t begun_ms, const std::string& outcome) {
  support::LedgerCall call;
  call.begun = true;
  call.uid = "u";
  call.seq = seq;
  call.session = session;
  call.begun_ms = begun_ms;
  call.outcome = outcome;
  return call;
}

std::vector<v1::HistoryEvent> History(const std::vector<int64_t>& recorded) {
  std::vector<v1::HistoryEvent> events;
  for (const int64_t seq : {1, 2}) {
    v1::ActivityScheduled& scheduled =
        *events.emplace_back().mutable_activity_scheduled();
    scheduled.set_seq(seq);
    scheduled.set_activity_type("claude.messages");
  }
  for (const int64_t seq : recorded) {
    events.emplace_back().mutable_activity_completed()->set_seq(seq);
  }
  return events;
}

TEST(Proof, HoldsWhenOnlyTheDeadWorkersCallsAreRepeated) {
  const support::Ledger ledger{{Call(1, "a", 10, "finished"),
                                Call(2, "b", 20, "client_gone"),
                                Call(2, "a", 60, "finished")}};
  const Proof proof = Prove(ledger, History({1, 2}), {"b", 50});
  EXPECT_THAT(proof.violations, IsEmpty());
  EXPECT_EQ(proof.ledger_begun, 3);
  EXPECT_EQ(proof.ledger_finished, 2);
  EXPECT_EQ(proof.calls_recorded, 2);
  EXPECT_EQ(proof.repeated_after_worker_kill, 1);
  EXPECT_EQ(proof.repeated_after_orchestrator_kill, 0);
}

TEST(Proof, FailsWhenALivingWorkersCallIsRepeated) {
  const support::Ledger ledger{{Call(1, "a", 10, "finished"),
                                Call(2, "a", 20, "finished"),
                                Call(2, "b", 60, "finished")}};
  const Proof proof = Prove(ledger, History({1, 2}), {"b", 50});
  EXPECT_EQ(proof.repeated_after_orchestrator_kill, 1);
  EXPECT_THAT(proof.violations, ElementsAre(HasSubstr("no worker died"),
                                            HasSubstr("3 calls begun")));
}

TEST(Proof, FailsWhenTheLaterDeadWorkersCallIsRepeatedBeforeItsDeath) {
  const support::Ledger ledger{{Call(1, "b", 10, "finished"),
                                Call(1, "a", 20, "finished"),
                                Call(2, "b", 25, "finished")}};
  const Proof proof = Prove(ledger, History({1, 2}), {"b", 50});
  EXPECT_EQ(proof.repeated_after_orchestrator_kill, 1);
}

TEST(Proof, FailsWhenAResultIsMissingOrRecordedTwice) {
  const support::Ledger ledger{
      {Call(1, "a", 10, "finished"), Call(2, "a", 20, "finished")}};
  EXPECT_THAT(Prove(ledger, History({1}), {"b", 50}).violations,
              ElementsAre(HasSubstr("call 2 is recorded 0 times"),
                          HasSubstr("2 calls begun are not 1 recorded")));
  EXPECT_THAT(Prove(ledger, History({1, 2, 2}), {"b", 50}).violations,
              ElementsAre(HasSubstr("call 2 is recorded 2 times"),
                          HasSubstr("2 calls begun are not 3 recorded")));
}

}  // namespace
}  // namespace anabranch::e2e
