#include "orchestrator/rpc/stream_door.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/payload_door.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;
using api::WorkerMessage;

constexpr size_t kSessionBytesMin = 8;
constexpr size_t kSessionBytesMax = 64;
constexpr size_t kLabelBytesMax = 256;
constexpr int kHelloTokensMax = 2 * limits::kSlotsPerWorkerMax;
constexpr int kProtocolVersion = 1;
constexpr size_t kUsageBytesMax = size_t{64} * 1024;
constexpr size_t kFailureTypeBytesMax = 128;
constexpr size_t kFailureMessageBytesMax = size_t{16} * 1024;

absl::Status HelloError(absl::string_view problem) {
  return StreamError("INVALID_HELLO", absl::StrCat("Hello: ", problem));
}

absl::Status CheckToken(const std::string& token) {
  if (TaskToken::Parse(token).has_value()) return absl::OkStatus();
  return StreamError("INVALID_TOKEN", absl::StrCat("no token of this server: ",
                                                   Shortened(token)));
}

absl::Status CheckHelloTokens(const api::Hello& hello) {
  if (hello.running_tokens_size() + hello.held_tokens_size() >
      kHelloTokensMax) {
    return HelloError("names too many tokens");
  }
  std::set<std::string_view> seen;
  for (const auto* tokens : {&hello.running_tokens(), &hello.held_tokens()}) {
    for (const std::string& token : *tokens) {
      RETURN_IF_ERROR(CheckToken(token));
      if (!seen.insert(token).second) {
        return HelloError("names a token twice");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHello(const api::Hello& hello) {
  if (hello.protocol_version() != kProtocolVersion) {
    return HelloError(absl::StrCat("protocol_version ",
                                   hello.protocol_version(),
                                   "; this server speaks ", kProtocolVersion));
  }
  if (hello.session().size() < kSessionBytesMin ||
      hello.session().size() > kSessionBytesMax ||
      !CheckId("session", hello.session()).ok()) {
    return HelloError("session must be 8 to 64 letters, digits or .:_-");
  }
  if (hello.label().size() > kLabelBytesMax) return HelloError("long label");
  if (hello.slots() < 1 || hello.slots() > limits::kSlotsPerWorkerMax) {
    return HelloError(
        absl::StrCat("slots must be 1 to ", limits::kSlotsPerWorkerMax));
  }
  if (hello.activity_types_size() < 1 ||
      hello.activity_types_size() > limits::kActivityTypesPerWorkerMax) {
    return HelloError(absl::StrCat("1 to ", limits::kActivityTypesPerWorkerMax,
                                   " activity types are to be offered"));
  }
  for (const std::string& type : hello.activity_types()) {
    if (!CheckId("activity_types", type).ok()) {
      return HelloError(absl::StrCat("no activity type: ", Shortened(type)));
    }
  }
  if (hello.task_queues_size() > limits::kTaskQueuesPerWorkerMax) {
    return HelloError(absl::StrCat(
        "names more than ", limits::kTaskQueuesPerWorkerMax, " task queues"));
  }
  for (const std::string& queue : hello.task_queues()) {
    if (!CheckId("task_queues", queue).ok()) {
      return HelloError(absl::StrCat("no task queue: ", Shortened(queue)));
    }
  }
  return CheckHelloTokens(hello);
}

// Usage is kept as it came, when it can be kept at all.
void CleanUsage(std::string& usage_json) {
  if (usage_json.size() > kUsageBytesMax ||
      !claude::ValidateJson(usage_json).ok()) {
    usage_json.clear();
  }
}

// A stored payload's text, or why it is none.
absl::Status CleanPayload(api::Payload& payload, std::string_view if_unset) {
  if (payload.has_ref()) {
    return InvalidField("result", "a worker cannot send a reference");
  }
  ASSIGN_OR_RETURN(payload,
                   AcceptInline(std::move(payload), "result", if_unset));
  return absl::OkStatus();
}

absl::Status CleanCompleted(WorkerMessage& message) {
  api::Completed& completed = *message.mutable_completed();
  RETURN_IF_ERROR(CheckToken(completed.token()));
  CleanUsage(*completed.mutable_usage_json());
  absl::Status result = CleanPayload(*completed.mutable_result(), "null");
  if (result.ok()) return result;
  api::Failed failed;
  failed.set_token(completed.token());
  failed.set_usage_json(completed.usage_json());
  failed.mutable_failure()->set_type("invalid_result");
  absl::string_view problem = result.message();
  failed.mutable_failure()->set_message(
      absl::StrCat("The worker's result is not a valid value. ", problem));
  *message.mutable_failed() = std::move(failed);
  return absl::OkStatus();
}

absl::Status CleanFailed(api::Failed& failed) {
  RETURN_IF_ERROR(CheckToken(failed.token()));
  CleanUsage(*failed.mutable_usage_json());
  if (failed.next_delay().seconds() < 0 || failed.next_delay().nanos() < 0 ||
      failed.next_delay().nanos() > 999'999'999) {
    return StreamError("INVALID_MESSAGE", "Failed: next_delay is negative");
  }
  api::Failure& failure = *failed.mutable_failure();
  if (failure.type().empty()) failure.set_type("unknown");
  if (failure.type().size() > kFailureTypeBytesMax) {
    failure.set_type(Shortened(failure.type(), kFailureTypeBytesMax));
  }
  if (failure.message().size() > kFailureMessageBytesMax) {
    failure.set_message(Shortened(failure.message(), kFailureMessageBytesMax));
  }
  if (failure.has_details() &&
      !CleanPayload(*failure.mutable_details(), "null").ok()) {
    failure.clear_details();
  }
  return absl::OkStatus();
}

absl::Status CleanHeartbeat(api::Heartbeat& heartbeat) {
  RETURN_IF_ERROR(CheckToken(heartbeat.token()));
  if (static_cast<int64_t>(heartbeat.details().ByteSizeLong()) >
      limits::kHeartbeatDetailsBytesMax + 16) {
    return StreamError(
        "MESSAGE_TOO_LARGE",
        absl::StrCat("Heartbeat: details exceed ",
                     limits::kHeartbeatDetailsBytesMax, " bytes"));
  }
  if (heartbeat.details().kind_case() == api::Payload::KIND_NOT_SET) {
    return absl::OkStatus();
  }
  absl::Status details = CleanPayload(*heartbeat.mutable_details(), "null");
  if (details.ok()) return details;
  return StreamError("INVALID_MESSAGE", "Heartbeat: details are no valid JSON");
}

absl::Status CheckCredit(const api::Credit& credit) {
  if (credit.count() >= 0 && credit.count() <= limits::kSlotsPerWorkerMax) {
    return absl::OkStatus();
  }
  return StreamError("INVALID_CREDIT",
                     absl::StrCat("Credit of ", credit.count(), "; 0 to ",
                                  limits::kSlotsPerWorkerMax, " are allowed"));
}

absl::Status TakeProgress(api::Progress& progress, SortedFrame& sorted) {
  auto token = TaskToken::Parse(progress.token());
  if (!token.has_value()) return CheckToken(progress.token());
  if (progress.offset() < 0) {
    return StreamError("INVALID_MESSAGE", "Progress: negative offset");
  }
  sorted.progress.push_back(StreamedText{*token, progress.offset(),
                                         std::move(*progress.mutable_text())});
  return absl::OkStatus();
}

// Checks and cleans what is for the shard.
absl::Status Clean(WorkerMessage& message) {
  switch (message.kind_case()) {
    case WorkerMessage::kCredit:
      return CheckCredit(message.credit());
    case WorkerMessage::kTaskAccepted:
      return CheckToken(message.task_accepted().token());
    case WorkerMessage::kHeartbeat:
      return CleanHeartbeat(*message.mutable_heartbeat());
    case WorkerMessage::kCompleted:
      return CleanCompleted(message);
    case WorkerMessage::kFailed:
      return CleanFailed(*message.mutable_failed());
    case WorkerMessage::kLeaving:
      return absl::OkStatus();
    default:
      return StreamError("UNKNOWN_MESSAGE",
                         "a message of a kind that this server does not know");
  }
}

}  // namespace

absl::Status StreamDoor::Take(api::ConnectRequest frame, SortedFrame& sorted) {
  for (WorkerMessage& message : *frame.mutable_messages()) {
    RETURN_IF_ERROR(TakeMessage(std::move(message), sorted));
  }
  return absl::OkStatus();
}

absl::Status StreamDoor::TakeMessage(WorkerMessage message,
                                     SortedFrame& sorted) {
  if (message.has_fragment()) {
    return TakeFragment(std::move(*message.mutable_fragment()), sorted);
  }
  if (message.has_hello()) {
    return TakeHello(std::move(*message.mutable_hello()), sorted);
  }
  if (!greeted_) {
    return StreamError("HELLO_EXPECTED",
                       "the first message on a stream must be Hello");
  }
  if (message.has_beat()) return absl::OkStatus();
  if (message.has_progress()) {
    return TakeProgress(*message.mutable_progress(), sorted);
  }
  RETURN_IF_ERROR(Clean(message));
  sorted.messages.push_back(std::move(message));
  return absl::OkStatus();
}

absl::Status StreamDoor::TakeFragment(api::Fragment fragment,
                                      SortedFrame& sorted) {
  ASSIGN_OR_RETURN(auto whole, assembler_.Take(std::move(fragment)));
  if (!whole.has_value()) return absl::OkStatus();
  WorkerMessage message;
  if (!message.ParseFromString(*whole)) {
    return StreamError("INVALID_FRAGMENT", "the pieces make no message");
  }
  if (message.has_fragment()) {
    return StreamError("INVALID_FRAGMENT", "a piece within pieces");
  }
  return TakeMessage(std::move(message), sorted);
}

absl::Status StreamDoor::TakeHello(api::Hello hello, SortedFrame& sorted) {
  if (greeted_) {
    return StreamError("INVALID_HELLO", "a second Hello on one stream");
  }
  RETURN_IF_ERROR(CheckHello(hello));
  greeted_ = true;
  sorted.hello = std::move(hello);
  return absl::OkStatus();
}

}  // namespace anabranch::rpc
