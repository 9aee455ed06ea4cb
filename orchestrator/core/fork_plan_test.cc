#include "orchestrator/core/fork_plan.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace anabranch::core {
namespace {

using anabranch::v1::HistoryEvent;
using storage::v1::ActivationRecord;

// A history that numbers its events.
class Histories {
 public:
  void Add(std::vector<HistoryEvent> events) {
    ActivationRecord& record = all.emplace_back();
    for (HistoryEvent& event : events) {
      event.set_event_id(++last_);
      *record.add_events() = std::move(event);
    }
  }
  std::vector<ActivationRecord> all;

 private:
  int64_t last_ = 0;
};

HistoryEvent Started() {
  HistoryEvent event;
  event.mutable_run_started()->set_flow("f");
  return event;
}
HistoryEvent Scheduled(int64_t seq) {
  HistoryEvent event;
  event.mutable_activity_scheduled()->set_seq(seq);
  event.mutable_activity_scheduled()->set_activity_type("echo");
  return event;
}
HistoryEvent Completed(int64_t seq) {
  HistoryEvent event;
  event.mutable_activity_completed()->set_seq(seq);
  return event;
}
HistoryEvent TimerStarted(int64_t seq) {
  HistoryEvent event;
  event.mutable_timer_started()->set_seq(seq);
  return event;
}
HistoryEvent Signal(const char* name) {
  HistoryEvent event;
  event.mutable_signal_received()->set_name(name);
  event.set_build_id("b");
  return event;
}
HistoryEvent Failed() {
  HistoryEvent event;
  event.mutable_run_failed();
  return event;
}
HistoryEvent Terminated() {
  HistoryEvent event;
  event.mutable_run_terminated();
  return event;
}

TEST(PlanRetry, AFailedActivityIsOpenAgain) {
  Histories h;
  h.Add({Started(), Scheduled(1), Scheduled(2)});
  h.Add({Completed(1)});
  HistoryEvent failed;
  failed.mutable_activity_failed()->set_seq(2);
  h.Add({failed, Failed()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.last_event_id, 4);
  EXPECT_TRUE(plan.cut_off.has_activity_failed());
  EXPECT_TRUE(plan.again.empty());
  ASSERT_EQ(plan.activities.size(), 1u);
  EXPECT_EQ(plan.activities[2].activity_type(), "echo");
}

TEST(PlanRetry, TerminationIsTakenBackAndNothingElse) {
  Histories h;
  h.Add({Started(), Scheduled(1), TimerStarted(2), TimerStarted(3)});
  h.Add({Signal("a")});
  HistoryEvent cancelled;
  cancelled.mutable_timer_cancelled()->set_timer_seq(3);
  h.Add({Signal("b"), cancelled});
  h.Add({Terminated()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.last_event_id, 7);
  EXPECT_TRUE(plan.cut_off.has_run_terminated());
  EXPECT_TRUE(plan.again.empty());
  EXPECT_EQ(plan.activities.size(), 1u);
  ASSERT_EQ(plan.timers.size(), 1u);
  EXPECT_EQ(plan.timers.begin()->first, 2);
}

TEST(PlanRetry, ASignalThatMadeTheFlowFailComesAgain) {
  Histories h;
  h.Add({Started()});
  h.Add({Signal("go"), Failed()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.last_event_id, 1);
  ASSERT_EQ(plan.again.size(), 1u);
  EXPECT_EQ(plan.again[0].signal_received().name(), "go");
  EXPECT_EQ(plan.again[0].event_id(), 0);
  EXPECT_TRUE(plan.again[0].build_id().empty());
}

TEST(PlanRetry, ARunThatFailedAtOnceStartsAgain) {
  Histories h;
  h.Add({Started(), Failed()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.last_event_id, 0);
  ASSERT_EQ(plan.again.size(), 1u);
  EXPECT_TRUE(plan.again[0].has_run_started());
}

TEST(PlanRetry, AResultThatMadeTheFlowFailComesAgainAndIsNotPaidForAgain) {
  Histories h;
  h.Add({Started(), Scheduled(1)});
  h.Add({Completed(1), Failed()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.last_event_id, 2);
  EXPECT_TRUE(plan.activities.empty());
  ASSERT_EQ(plan.again.size(), 1u);
  EXPECT_EQ(plan.again[0].activity_completed().seq(), 1);
}

TEST(PlanRetry, ATimerThatWokeTheFailureIsOpenAgain) {
  Histories h;
  h.Add({Started(), TimerStarted(1)});
  HistoryEvent fired;
  fired.mutable_timer_fired()->set_seq(1);
  h.Add({fired, Failed()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.timers.size(), 1u);
  EXPECT_TRUE(plan.again.empty());
}

TEST(PlanRetry, ACancelledActivityIsNotCarriedOutAgain) {
  Histories h;
  HistoryEvent cancel;
  cancel.mutable_activity_cancel_requested()->set_activity_seq(1);
  h.Add({Started(), Scheduled(1), cancel});
  h.Add({Terminated()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_TRUE(plan.activities.empty());
  EXPECT_EQ(plan.given_up, std::vector<int64_t>{1});
}

TEST(PlanRetry, AChildsEndComesAgainAndAnOpenChildStaysOpen) {
  Histories h;
  HistoryEvent first;
  first.mutable_child_scheduled()->set_seq(1);
  HistoryEvent second;
  second.mutable_child_scheduled()->set_seq(2);
  h.Add({Started(), first, second});
  HistoryEvent closed;
  closed.mutable_child_closed()->set_seq(1);
  h.Add({closed, Failed()});
  ForkPlan plan = PlanRetry(h.all);
  EXPECT_EQ(plan.children.size(), 2u);
  ASSERT_EQ(plan.again.size(), 1u);
  EXPECT_TRUE(plan.again[0].has_child_closed());
}

TEST(PlanRetry, AResultThatWaitedInTheMailboxIsNotPaidForAgain) {
  Histories h;
  h.Add({Started(), Scheduled(1), Scheduled(2)});
  h.Add({Terminated()});
  ForkPlan plan = PlanRetry(h.all, {Completed(2), Signal("go")});
  EXPECT_EQ(plan.activities.size(), 1u);
  EXPECT_TRUE(plan.activities.contains(1));
  ASSERT_EQ(plan.again.size(), 2u);
  EXPECT_TRUE(plan.again[0].has_activity_completed());
  EXPECT_TRUE(plan.again[1].has_signal_received());
}

TEST(PlanRetry, ACancellationIsOverruled) {
  Histories h;
  h.Add({Started()});
  HistoryEvent cancel;
  cancel.mutable_cancel_requested();
  h.Add({cancel, Failed()});
  EXPECT_TRUE(PlanRetry(h.all).again.empty());
}

}  // namespace
}  // namespace anabranch::core
