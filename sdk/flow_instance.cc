#include "sdk/flow_instance.h"

#include <utility>

#include "base/check.h"

namespace anabranch::sdk {

using anabranch::v1::Command;
using anabranch::v1::HistoryEvent;
using anabranch::v1::SignalReceived;

FlowInstance::FlowInstance(FlowFunction function) : function_(function) {
  context_.emplace(runtime_, nullptr);
}

FlowInstance::~FlowInstance() { runtime_.DestroyFrames(); }

void FlowInstance::SetPayloadReader(PayloadReader* payloads) {
  AB_CHECK(!started_);
  context_.emplace(runtime_, payloads);
}

void FlowInstance::Deliver(const HistoryEvent& event) {
  runtime_.now = absl::FromUnixSeconds(event.event_time().seconds()) +
                 absl::Nanoseconds(event.event_time().nanos());
  if (!event.has_command_refused()) runtime_.BeginActivation();
  if (event.has_run_started()) {
    Start(event);
  } else {
    Resolve(event);
  }
  runtime_.RunReady();
  CloseIfReturned();
}

void FlowInstance::Start(const HistoryEvent& event) {
  AB_CHECK(!started_);
  started_ = true;
  const auto& attributes = event.run_started();
  runtime_.random_state = attributes.seed();
  FlowInput input;
  input.payload = attributes.input();
  for (const auto& [name, payload] : attributes.attachments()) {
    input.attachments[name] = payload;
  }
  main_ = function_(*context_, std::move(input));
}

void FlowInstance::Resolve(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityCompleted:
      runtime_.CompleteOpen(event.activity_completed().seq(),
                            event.activity_completed().result());
      break;
    case HistoryEvent::kActivityFailed:
      runtime_.FailOpen(event.activity_failed().seq(),
                        event.activity_failed().failure());
      break;
    case HistoryEvent::kActivityTimedOut: {
      const auto& timed_out = event.activity_timed_out();
      bool attempt = timed_out.timeout_type() ==
                     anabranch::v1::TIMEOUT_TYPE_START_TO_CLOSE;
      runtime_.FailOpen(
          timed_out.seq(),
          MakeFailure(kFailureTimeout,
                      attempt ? "an attempt exceeded start_to_close_timeout"
                              : "the activity exceeded "
                                "schedule_to_close_timeout"));
      break;
    }
    case HistoryEvent::kActivityCancelled:
      runtime_.FailOpen(event.activity_cancelled().seq(),
                        MakeFailure(kFailureCancelled, "cancelled"));
      break;
    case HistoryEvent::kTimerFired:
      runtime_.CompleteOpen(event.timer_fired().seq(), Payload());
      break;
    case HistoryEvent::kCommandRefused:
      runtime_.FailOpen(event.command_refused().seq(),
                        event.command_refused().failure());
      break;
    case HistoryEvent::kSignalReceived:
      runtime_.AddSignal(event.signal_received());
      break;
    case HistoryEvent::kCancelRequested:
      if (runtime_.cancel_requested) break;
      runtime_.cancel_requested = true;
      runtime_.CancelAll();
      for (auto& waiter : std::exchange(runtime_.cancel_waiters, {})) {
        waiter->Complete(Payload());
      }
      break;
    default:
      break;
  }
}

void FlowInstance::CloseIfReturned() {
  if (!started_ || returned_ || !runtime_.exception.empty()) return;
  // A function that is no coroutine may return an empty future: our caller's
  // bug.
  AB_CHECK(main_.state() != nullptr);
  if (!main_.IsDone()) return;
  returned_ = true;
  Command command;
  if (main_.IsCompleted()) {
    *command.mutable_complete_run()->mutable_result() = main_.value();
  } else if (runtime_.cancel_requested &&
             main_.error().type() == kFailureCancelled) {
    command.mutable_cancel_run();
  } else {
    *command.mutable_fail_run()->mutable_failure() = main_.error();
  }
  runtime_.Ask(std::move(command));
  runtime_.Close();
}

std::optional<Command> FlowInstance::TakeCommand() {
  auto& commands = runtime_.commands();
  if (commands.empty()) return std::nullopt;
  Command command = std::move(commands.front());
  commands.pop_front();
  return command;
}

std::vector<SignalReceived> FlowInstance::UnreadSignals() const {
  const auto& unread = runtime_.unread_signals();
  return {unread.begin(), unread.end()};
}

std::vector<std::string> FlowInstance::TakeLogLines() {
  return std::exchange(runtime_.log_lines, {});
}

}  // namespace anabranch::sdk
