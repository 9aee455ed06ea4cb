#include "client/cli/event_text.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

std::string Detail(const v1::HistoryEvent& event) {
  return EventDetail(event, ActivityNames());
}

TEST(EventText, TellsWhatCameWithAStart) {
  v1::HistoryEvent event;
  auto& started = *event.mutable_run_started();
  started.set_flow("branch");
  started.set_generation(2);
  started.mutable_parent()->set_run_id("boss");
  started.mutable_parent()->set_seq(3);
  started.add_signals()->set_name("go");
  EXPECT_EQ(Detail(event),
            "branch , generation 2, child #3 of boss, signal go");
}

TEST(EventText, TellsOfChildren) {
  v1::HistoryEvent event;
  auto& scheduled = *event.mutable_child_scheduled();
  scheduled.set_seq(2);
  scheduled.set_flow("branch");
  scheduled.set_run_id("a/2");
  scheduled.mutable_input()->set_json_text("7");
  EXPECT_EQ(Detail(event), "#2 branch a/2 7");
  event.mutable_child_started()->set_seq(2);
  event.mutable_child_started()->set_run_id("a/2");
  EXPECT_EQ(Detail(event), "#2 a/2");
  auto& closed = *event.mutable_child_closed();
  closed.set_seq(2);
  closed.set_run_id("a/2");
  closed.set_state(v1::RUN_STATE_FAILED);
  closed.mutable_failure()->set_type("broken");
  EXPECT_EQ(Detail(event), "#2 a/2 FAILED: broken");
  closed.set_state(v1::RUN_STATE_UNSPECIFIED);
  EXPECT_EQ(Detail(event), "#2 a/2 not started: broken");
  event.mutable_child_cancel_requested()->set_child_seq(2);
  EXPECT_EQ(Detail(event), "#2");
}

TEST(EventText, TellsOfOperatorsAndGenerations) {
  v1::HistoryEvent event;
  event.mutable_run_paused()->set_reason("budget");
  EXPECT_EQ(Detail(event), "budget");
  event.mutable_run_resumed()->set_reason("paid");
  EXPECT_EQ(Detail(event), "paid");
  event.mutable_run_timed_out()->mutable_deadline()->set_seconds(1700000000);
  EXPECT_EQ(Detail(event), "its time was up at 2023-11-14 22:13:20 UTC");
  auto& forked = *event.mutable_forked();
  forked.set_source_uid("00000000000000aa");
  forked.set_source_event_id(12);
  forked.set_cut_before("ACTIVITY_FAILED");
  EXPECT_EQ(Detail(event),
            "goes on after event 12 of 00000000000000aa, before "
            "ACTIVITY_FAILED");
  event.mutable_run_continued_as_new()->set_uid("00000000000000ab");
  event.mutable_run_continued_as_new()->mutable_input()->set_json_text("{}");
  EXPECT_EQ(Detail(event), "{} as 00000000000000ab");
}

TEST(EventText, TellsWhyRetryingEnded) {
  v1::HistoryEvent event;
  auto& timeout = *event.mutable_activity_timed_out();
  timeout.set_seq(1);
  timeout.set_timeout_type(v1::TIMEOUT_TYPE_SCHEDULE_TO_START);
  timeout.set_retry_state(v1::RETRY_STATE_NEVER_RETRIED);
  EXPECT_EQ(Detail(event),
            "#1 #1, SCHEDULE_TO_START, attempt 0 (NEVER_RETRIED)");
}

TEST(EventText, EveryEventThatHasANumberShowsIt) {
  // An event of the alphabet that nobody wrote a line for would show nothing.
  const auto* descriptor = v1::HistoryEvent::descriptor();
  const auto* oneof = descriptor->FindOneofByName("attributes");
  ASSERT_NE(oneof, nullptr);
  for (int i = 0; i < oneof->field_count(); ++i) {
    const auto* field = oneof->field(i);
    v1::HistoryEvent event;
    auto* attributes = event.GetReflection()->MutableMessage(&event, field);
    const auto* seq = field->message_type()->FindFieldByName("seq");
    if (seq == nullptr || field->name() == "run_continued_as_new") continue;
    for (const char* name : {"seq", "activity_seq", "timer_seq", "child_seq"}) {
      const auto* number = field->message_type()->FindFieldByName(name);
      if (number == nullptr) continue;
      attributes->GetReflection()->SetInt64(attributes, number, 77);
    }
    if (field->name() == "marker_recorded" ||
        field->name() == "command_refused") {
      continue;  // Named, not numbered.
    }
    EXPECT_THAT(Detail(event), ::testing::HasSubstr("#77")) << field->name();
  }
}

}  // namespace
}  // namespace anabranch::cli
