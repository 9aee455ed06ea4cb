#include "tests/sim/grammar.h"

#include <gtest/gtest.h>

namespace anabranch::sim {
namespace {

using anabranch::v1::HistoryEvent;
using storage::v1::ActivationRecord;

// Numbers events as the engine does.
class Writer {
 public:
  // A new activation with its first event.
  HistoryEvent& Stimulus() {
    activation_.clear_events();
    first_ = next_;
    return Event();
  }
  HistoryEvent& Event() {
    HistoryEvent& event = *activation_.add_events();
    event.set_event_id(next_++);
    event.set_activation(first_);
    return event;
  }
  std::string Take() { return grammar_.Take(activation_); }

 private:
  Grammar grammar_;
  ActivationRecord activation_;
  int64_t next_ = 1;
  int64_t first_ = 1;
};

// RunStarted that schedules activity 1 and starts timer 2.
void Begin(Writer& writer) {
  writer.Stimulus().mutable_run_started();
  writer.Event().mutable_activity_scheduled()->set_seq(1);
  writer.Event().mutable_timer_started()->set_seq(2);
  ASSERT_EQ(writer.Take(), "");
}

TEST(Grammar, TakesAnOrdinaryHistory) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_activity_completed()->set_seq(1);
  writer.Event().mutable_timer_cancelled()->set_timer_seq(2);
  // Cancelling has a number of its own, which the test has left out.
  EXPECT_NE(writer.Take(), "");

  Writer right;
  Begin(right);
  right.Stimulus().mutable_activity_completed()->set_seq(1);
  auto* cancelled = right.Event().mutable_timer_cancelled();
  cancelled->set_seq(3);
  cancelled->set_timer_seq(2);
  right.Event().mutable_run_completed();
  EXPECT_EQ(right.Take(), "");
}

TEST(Grammar, RefusesASecondEndOfAnActivity) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_activity_failed()->set_seq(1);
  EXPECT_EQ(writer.Take(), "");
  writer.Stimulus().mutable_activity_completed()->set_seq(1);
  EXPECT_NE(writer.Take(), "");
}

TEST(Grammar, RefusesATimerThatFiresAfterItWasCancelled) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_activity_failed()->set_seq(1);
  auto* cancelled = writer.Event().mutable_timer_cancelled();
  cancelled->set_seq(3);
  cancelled->set_timer_seq(2);
  EXPECT_EQ(writer.Take(), "");
  writer.Stimulus().mutable_timer_fired()->set_seq(2);
  EXPECT_NE(writer.Take(), "");
}

TEST(Grammar, RefusesWhatFollowsTheEnd) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_run_terminated();
  EXPECT_EQ(writer.Take(), "");
  writer.Stimulus().mutable_timer_fired()->set_seq(2);
  EXPECT_NE(writer.Take(), "");
}

TEST(Grammar, RefusesTwoStimuliInOneActivation) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_timer_fired()->set_seq(2);
  writer.Event().mutable_activity_completed()->set_seq(1);
  EXPECT_NE(writer.Take(), "");
}

TEST(Grammar, RefusesNumbersThatGoBack) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_timer_fired()->set_seq(2);
  writer.Event().mutable_marker_recorded()->set_seq(2);
  EXPECT_NE(writer.Take(), "");
}

TEST(Grammar, RefusesAGapAndASecondBeginning) {
  Writer writer;
  Begin(writer);
  writer.Stimulus().mutable_run_started();
  EXPECT_NE(writer.Take(), "");
  Writer other;
  Begin(other);
  other.Stimulus().mutable_signal_received();
  other.Stimulus().mutable_signal_received();
  EXPECT_NE(other.Take(), "");
}

}  // namespace
}  // namespace anabranch::sim
