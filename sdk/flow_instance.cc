#include "sdk/flow_instance.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anabranch/v1/activity.pb.h"
#include "anabranch/v1/run.pb.h"
#include "base/check.h"
#include "base/proto_time.h"
#include "sdk/failure.h"
#include "sdk/markers.h"

namespace anabranch::sdk {

using anabranch::v1::Command;
using anabranch::v1::Failure;
using anabranch::v1::HistoryEvent;
using anabranch::v1::SignalReceived;

namespace {

// The event's own failure counts; its state fills in what that leaves out.
Failure ChildFailure(const anabranch::v1::ChildClosed& closed) {
  Failure failure = closed.failure();
  if (failure.type().empty()) {
    switch (closed.state()) {
      case anabranch::v1::RUN_STATE_CANCELLED:
        failure.set_type(kFailureCancelled);
        break;
      case anabranch::v1::RUN_STATE_TERMINATED:
        failure.set_type(kFailureTerminated);
        break;
      case anabranch::v1::RUN_STATE_TIMED_OUT:
        failure.set_type(kFailureTimeout);
        break;
      default:
        failure.set_type(kFailureChild);
        break;
    }
  }
  if (failure.message().empty()) {
    failure.set_message(
        absl::StrCat("child ", closed.run_id(), " ended: ", failure.type()));
  }
  return failure;
}

}  // namespace

FlowInstance::FlowInstance(FlowStarter starter) : starter_(std::move(starter)) {
  context_.emplace(runtime_, nullptr);
}

FlowInstance::~FlowInstance() { runtime_.DestroyFrames(); }

void FlowInstance::SetPayloadReader(PayloadReader* payloads) {
  AB_CHECK(!started_);
  context_.emplace(runtime_, payloads);
}

void FlowInstance::Deliver(const HistoryEvent& event) {
  if (event.has_run_continued_as_new()) {
    runtime_.Finish();
    return;
  }
  runtime_.now = FromProto(event.event_time());
  if (!event.has_command_refused()) runtime_.BeginActivation();
  if ((event.internal_flags() & kFlagContinueAsNewSuggested) != 0) {
    runtime_.continue_as_new_suggested = true;
  }
  try {
    TakeIn(event);
  } catch (...) {
    // Of author's code that runs in no coroutine: a flow that is a plain
    // function, a copy of a result.
    runtime_.KeepException();
  }
}

void FlowInstance::TakeIn(const HistoryEvent& event) {
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
  for (const auto& signal : attributes.signals()) runtime_.AddSignal(signal);
  if (attributes.cancel_requested()) RequestCancel();
  FlowInput input;
  input.payload = attributes.input();
  for (const auto& [name, payload] : attributes.attachments()) {
    input.attachments[name] = payload;
  }
  main_ = starter_(*context_, std::move(input));
}

void FlowInstance::Resolve(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityCompleted:
    case HistoryEvent::kActivityFailed:
    case HistoryEvent::kActivityTimedOut:
    case HistoryEvent::kActivityCancelled:
      ResolveActivity(event);
      break;
    case HistoryEvent::kChildStarted:
    case HistoryEvent::kChildClosed:
      ResolveChild(event);
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
      RequestCancel();
      break;
    default:
      break;
  }
}

void FlowInstance::ResolveActivity(const HistoryEvent& event) {
  if (event.has_activity_completed()) {
    runtime_.CompleteOpen(event.activity_completed().seq(),
                          event.activity_completed().result());
  } else if (event.has_activity_failed()) {
    runtime_.FailOpen(event.activity_failed().seq(),
                      FailureOfActivity(event.activity_failed()));
  } else if (event.has_activity_timed_out()) {
    runtime_.FailOpen(event.activity_timed_out().seq(),
                      FailureOfActivity(event.activity_timed_out()));
  } else {
    runtime_.FailOpen(event.activity_cancelled().seq(),
                      MakeFailure(kFailureCancelled, "cancelled"));
  }
}

void FlowInstance::ResolveChild(const HistoryEvent& event) {
  if (event.has_child_started()) {
    runtime_.ChildExists(event.child_started().seq(),
                         event.child_started().run_id());
    return;
  }
  const auto& closed = event.child_closed();
  if (closed.state() == anabranch::v1::RUN_STATE_COMPLETED) {
    // That it existed is known by now, if it was not before.
    runtime_.ChildExists(closed.seq(), closed.run_id());
    runtime_.CompleteOpen(closed.seq(), closed.result());
  } else {
    if (closed.state() != anabranch::v1::RUN_STATE_UNSPECIFIED) {
      runtime_.ChildExists(closed.seq(), closed.run_id());
    }
    runtime_.FailOpen(closed.seq(), ChildFailure(closed));
  }
}

void FlowInstance::RequestCancel() {
  runtime_.cancel_requested = true;
  runtime_.CancelScope(*runtime_.root_scope(),
                       "cancellation of the run was requested");
}

absl::StatusOr<Payload> FlowInstance::Query(std::string_view name,
                                            const Payload& input) {
  AnswerFunction handler = runtime_.answers()->Find(name);
  if (handler == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("the flow answers no query \"", std::string(name),
                     "\" now; it answers: ", runtime_.answers()->Names()));
  }
  return runtime_.Query(handler, input);
}

void FlowInstance::CloseIfReturned() {
  if (!started_ || returned_ || !runtime_.exception.empty()) return;
  // A function that is no coroutine may return an empty future: this throws.
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
