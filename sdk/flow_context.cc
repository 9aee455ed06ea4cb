#include "sdk/flow_context.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "base/random.h"
#include "sdk/failure.h"
#include "sdk/markers.h"
#include "sdk/start.h"

namespace anabranch::sdk {

using anabranch::v1::Command;

Payload JsonPayload(std::string json_text) {
  Payload payload;
  payload.set_json_text(std::move(json_text));
  return payload;
}

Future<Payload> FlowContext::Start(Activity activity) {
  return StartIn(runtime_, runtime_.root_scope(), std::move(activity));
}

Future<Payload> FlowContext::StartTimer(absl::Duration duration) {
  return StartTimerIn(runtime_, runtime_.root_scope(), duration);
}

Future<Payload> FlowContext::StartChild(Child child) {
  return StartChildIn(runtime_, runtime_.root_scope(), std::move(child));
}

Future<Payload> FlowContext::ReceiveSignal(std::string_view name) {
  return Future<Payload>(
      runtime_.Receive(std::string(name), runtime_.root_scope()));
}

Future<std::string> FlowContext::ChildStarted(const Future<Payload>& child) {
  if (child.state()->started == nullptr) {
    return FailedFuture<std::string>(
        MakeFailure(kFailureMisuse,
                    "ChildStarted wants a future that StartChild returned"));
  }
  return Future<std::string>(std::static_pointer_cast<FutureState<std::string>>(
      child.state()->started));
}

void FlowContext::Cancel(const Future<Payload>& future) {
  // Often asked by destructors, out of which nothing may be thrown.
  if (!future.valid() || future.state()->seq == 0) return;
  runtime_.CancelOpen(future.state()->seq);
}

Future<Payload> FlowContext::CancelRequested() {
  return Future<Payload>(runtime_.WaitForCancel(runtime_.root_scope()));
}

Future<Payload> FlowContext::ContinueAsNew(Payload input) {
  Command command;
  *command.mutable_continue_as_new()->mutable_input() = std::move(input);
  // A scope of its own: a run that was asked to cancel may go on as new, and
  // the next generation knows of the request.
  return Future<Payload>(
      runtime_.Start(std::move(command), std::make_shared<ScopeState>()));
}

void FlowContext::Publish(std::string_view name, Payload value) {
  runtime_.RecordMarker(kPublishPrefix + std::string(name), std::move(value));
}

Answer FlowContext::Answer(std::string_view name, AnswerFunction function) {
  return sdk::Answer(runtime_.answers(), name, std::move(function));
}

bool FlowContext::Patched(std::string_view id) {
  auto known = runtime_.patches.find(id);
  if (known != runtime_.patches.end()) return known->second;
  const std::string marker = kPatchPrefix + std::string(id);
  const bool patched =
      !runtime_.replaying || runtime_.RecordedMarker(marker) != nullptr;
  runtime_.patches[std::string(id)] = patched;
  if (patched) runtime_.RecordMarker(marker, Payload());
  return patched;
}

void FlowContext::DeprecatePatch(std::string_view id) {
  if (runtime_.patches.find(id) != runtime_.patches.end()) return;
  runtime_.patches[std::string(id)] = true;
  const std::string marker = kPatchPrefix + std::string(id);
  if (runtime_.RecordedMarker(marker) != nullptr) {
    runtime_.RecordMarker(marker, Payload());
  }
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
  const Payload* recorded = runtime_.RecordedMarker(name);
  Payload value;
  if (recorded != nullptr) {
    value = *recorded;
  } else if (!runtime_.replaying) {
    value = fn();
  }
  runtime_.RecordMarker(std::string(name), value);
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
