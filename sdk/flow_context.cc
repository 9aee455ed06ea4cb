#include "sdk/flow_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/random.h"

namespace anabranch::sdk {

using anabranch::v1::Command;

namespace {

Future<Payload> Cancelled(Runtime& runtime) {
  auto state = std::make_shared<FutureState<Payload>>(&runtime);
  state->Fail(
      MakeFailure(kFailureCancelled, "cancellation of the run was requested"));
  return Future<Payload>(state);
}

// Asks for `command` and opens the future that its event resolves.
Future<Payload> AskAndOpen(Runtime& runtime, Command command) {
  auto state = std::make_shared<FutureState<Payload>>(&runtime);
  int64_t seq = runtime.Ask(std::move(command));
  // Inert: the future stays open for ever, nobody will look at it.
  if (seq != 0) runtime.Open(seq, state);
  return Future<Payload>(state);
}

}  // namespace

Payload JsonPayload(std::string json_text) {
  Payload payload;
  payload.set_json_text(std::move(json_text));
  return payload;
}

Future<Payload> FlowContext::Start(Activity activity) {
  if (runtime_.cancel_requested) return Cancelled(runtime_);
  Command command;
  auto* schedule = command.mutable_schedule_activity();
  schedule->set_activity_type(std::move(activity.type));
  schedule->set_name(std::move(activity.name));
  *schedule->mutable_input() = std::move(activity.input);
  for (auto& [name, payload] : activity.attachments) {
    (*schedule->mutable_attachments())[name] = std::move(payload);
  }
  *schedule->mutable_options() = std::move(activity.options);
  return AskAndOpen(runtime_, std::move(command));
}

Future<Payload> FlowContext::StartTimer(absl::Duration duration) {
  if (runtime_.cancel_requested) return Cancelled(runtime_);
  duration = std::max(duration, absl::ZeroDuration());
  Command command;
  auto* out = command.mutable_start_timer()->mutable_duration();
  int64_t seconds = absl::ToInt64Seconds(duration);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
  return AskAndOpen(runtime_, std::move(command));
}

Future<Payload> FlowContext::ReceiveSignal(std::string_view name) {
  return Future<Payload>(runtime_.Receive(std::string(name)));
}

void FlowContext::Cancel(const Future<Payload>& future) {
  if (future.state()->seq != 0) runtime_.CancelOpen(future.state()->seq);
}

Future<Payload> FlowContext::CancelRequested() {
  auto state = std::make_shared<FutureState<Payload>>(&runtime_);
  if (runtime_.cancel_requested) {
    state->Complete(Payload());
  } else {
    runtime_.cancel_waiters.push_back(state);
  }
  return Future<Payload>(state);
}

uint64_t FlowContext::Random() {
  SeededRandom random(runtime_.random_state);
  // SplitMix64's state after one step: the next draw starts there.
  runtime_.random_state += 0x9e3779b97f4a7c15ULL;
  return random.Next();
}

std::string FlowContext::Uuid() {
  uint64_t a = Random();
  uint64_t b = Random();
  a = (a & ~0xf000ULL) | 0x4000ULL;
  b = (b & ~(3ULL << 62)) | (2ULL << 62);
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", a >> 32,
                         (a >> 16) & 0xffff, a & 0xffff, b >> 48,
                         b & 0xffffffffffffULL);
}

Payload FlowContext::SideEffect(std::string_view name,
                                const std::function<Payload()>& fn) {
  if (runtime_.inert()) return Payload();
  Command command;
  auto* marker = command.mutable_record_marker();
  marker->set_name(std::string(name));
  auto recorded = runtime_.recorded_markers.find(runtime_.next_seq());
  *marker->mutable_value() =
      recorded != runtime_.recorded_markers.end() ? recorded->second : fn();
  Payload value = marker->value();
  runtime_.Ask(std::move(command));
  return value;
}

absl::StatusOr<std::string> FlowContext::Content(const Payload& payload) {
  switch (payload.kind_case()) {
    case Payload::kJsonText:
      return payload.json_text();
    case Payload::kText:
      return payload.text();
    case Payload::kData:
      return payload.data();
    case Payload::kRef:
      if (payloads_ == nullptr) {
        return absl::FailedPreconditionError("no stored payloads here");
      }
      return payloads_->Read(payload.ref());
    case Payload::kJson:
      // The door turns every json into json_text.
      return absl::InternalError("a payload was not taken in at the door");
    case Payload::KIND_NOT_SET:
      return std::string();
  }
  return absl::InternalError("a payload of an unknown kind");
}

void FlowContext::Log(std::string_view line) {
  if (runtime_.replaying || runtime_.inert()) return;
  runtime_.log_lines.emplace_back(line);
}

}  // namespace anabranch::sdk
