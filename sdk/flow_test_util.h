// Events as the engine delivers them, and the commands that come back: for the
// SDK's own tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/run.pb.h"
#include "sdk/failure.h"
#include "sdk/flow_instance.h"

namespace anabranch::sdk {

using anabranch::v1::Command;
using anabranch::v1::HistoryEvent;

inline HistoryEvent Started(const std::string& json = "null") {
  HistoryEvent event;
  event.mutable_event_time()->set_seconds(1000);
  event.mutable_run_started()->set_seed(42);
  event.mutable_run_started()->mutable_input()->set_json_text(json);
  return event;
}

inline HistoryEvent Completed(int64_t seq, const std::string& json) {
  HistoryEvent event;
  event.mutable_activity_completed()->set_seq(seq);
  event.mutable_activity_completed()->mutable_result()->set_json_text(json);
  return event;
}

inline HistoryEvent FailedEvent(int64_t seq, const std::string& type) {
  HistoryEvent event;
  event.mutable_activity_failed()->set_seq(seq);
  *event.mutable_activity_failed()->mutable_failure() =
      MakeFailure(type, "no luck");
  return event;
}

inline HistoryEvent Fired(int64_t seq) {
  HistoryEvent event;
  event.mutable_timer_fired()->set_seq(seq);
  return event;
}

inline HistoryEvent Signal(const std::string& name, const std::string& json) {
  HistoryEvent event;
  event.mutable_signal_received()->set_name(name);
  event.mutable_signal_received()->mutable_input()->set_json_text(json);
  return event;
}

inline HistoryEvent CancelEvent() {
  HistoryEvent event;
  event.mutable_cancel_requested();
  return event;
}

inline std::vector<Command> TakeAll(FlowInstance& flow) {
  std::vector<Command> commands;
  while (auto command = flow.TakeCommand()) commands.push_back(*command);
  return commands;
}

inline HistoryEvent ActivityCancelledEvent(int64_t seq) {
  HistoryEvent event;
  event.mutable_activity_cancelled()->set_seq(seq);
  return event;
}

inline HistoryEvent ChildStartedEvent(int64_t seq, const std::string& run_id) {
  HistoryEvent event;
  event.mutable_child_started()->set_seq(seq);
  event.mutable_child_started()->set_run_id(run_id);
  return event;
}

inline HistoryEvent ChildClosedEvent(int64_t seq,
                                     anabranch::v1::RunState state) {
  HistoryEvent event;
  event.mutable_child_closed()->set_seq(seq);
  event.mutable_child_closed()->set_run_id("child");
  event.mutable_child_closed()->set_state(state);
  return event;
}

inline HistoryEvent RefusedEvent(int64_t seq) {
  HistoryEvent event;
  event.mutable_command_refused()->set_seq(seq);
  *event.mutable_command_refused()->mutable_failure() =
      MakeFailure(kFailureRefused, "too many");
  return event;
}

inline HistoryEvent ContinuedEvent() {
  HistoryEvent event;
  event.mutable_run_continued_as_new();
  return event;
}

// "START_TIMER 3"-like words for a list of commands: what, and which one.
inline std::vector<std::string> Words(const std::vector<Command>& commands) {
  std::vector<std::string> words;
  for (const Command& command : commands) {
    std::string word =
        command.GetDescriptor()
            ->FindFieldByNumber(static_cast<int>(command.kind_case()))
            ->name();
    if (command.has_cancel_activity()) {
      word += " " + std::to_string(command.cancel_activity().activity_seq());
    } else if (command.has_cancel_timer()) {
      word += " " + std::to_string(command.cancel_timer().timer_seq());
    } else if (command.has_cancel_child()) {
      word += " " + std::to_string(command.cancel_child().child_seq());
    } else if (command.has_record_marker()) {
      word += " " + command.record_marker().name();
    }
    words.push_back(word);
  }
  return words;
}

}  // namespace anabranch::sdk
