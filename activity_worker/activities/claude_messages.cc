#include "activity_worker/activities/claude_messages.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "activity_worker/activities/api_failure.h"
#include "activity_worker/activities/payload_text.h"
#include "activity_worker/activities/status_failure.h"
#include "base/status_macros.h"
#include "claude/api_error.h"
#include "claude/assistant_message.h"
#include "claude/message_accumulator.h"
#include "claude/request.h"
#include "claude/sse.h"

namespace anabranch::activity_worker {
namespace {

// A task below this is turned into a request at once: the way to the helper
// thread and back would take longer.
constexpr size_t kInlineTaskBytesMax = 64 * 1024;
// Of a response that is no stream.
constexpr size_t kBodyBytesMax = 32 * 1024 * 1024;
// After the last event, for the response to end: the connection can then be
// used again.
constexpr absl::Duration kLinger = absl::Milliseconds(50);

constexpr char kCheckpoint[] = "checkpoint";

absl::StatusOr<std::string> BuildBody(const v1::Task& task) {
  ASSIGN_OR_RETURN(const std::string turn, PayloadText(task.input()));
  std::string checkpoint;
  if (task.attachments().contains(kCheckpoint)) {
    ASSIGN_OR_RETURN(checkpoint, AttachmentText(task, kCheckpoint));
  }
  return claude::BuildRequestBody(turn, checkpoint);
}

// What came back, read as it comes.
class ClaudeMessages : public Activity, private HttpObserver {
 public:
  ClaudeMessages(ActivityContext& context, const ApiEndpoint& endpoint,
                 Clock& clock, const ClaudeMessagesOptions& options)
      : context_(context),
        endpoint_(endpoint),
        clock_(clock),
        options_(options) {}

  void Start() override {
    const auto prepare = [this](const v1::Task& task) -> Continuation {
      // Of `this` only the address is used here: the activity may end first.
      auto body = std::make_shared<absl::StatusOr<std::string>>(  //
          BuildBody(task));
      return [this, body] { Send(std::move(*body)); };
    };
    if (context_.task().ByteSizeLong() <= kInlineTaskBytesMax) {
      prepare(context_.task())();
    } else {
      context_.Compute(prepare);
    }
  }

  std::string UsageJson() const override {
    return message_.started() ? message_.UsageRaw() : "";
  }

  // How far the reply has come. A next attempt begins anew: this is for people.
  std::optional<v1::Payload> HeartbeatDetails() const override {
    std::string json = absl::StrCat("{\"received_bytes\":", received_bytes_);
    const std::string usage = UsageJson();
    if (!usage.empty()) absl::StrAppend(&json, ",\"usage\":", usage);
    v1::Payload details;
    details.set_json_text(json + "}");
    return details;
  }

 private:
  void Send(absl::StatusOr<std::string> body) {
    if (!body.ok()) {
      context_.Finish(FailureOfStatus(body.status()));
      return;
    }
    const v1::Task& task = context_.task();
    HttpRequest request;
    request.url = endpoint_.messages_url();
    request.headers = endpoint_.Headers();
    request.headers.push_back(absl::StrCat(
        "anabranch-task: uid=", task.uid(), " seq=", task.seq(),
        " attempt=", task.attempt(), " session=", options_.session));
    request.body = *std::move(body);
    context_.Post(std::move(request), options_.limits, *this);
  }

  void OnStatus(int status) override { status_ = status; }

  void OnHeader(std::string_view name, std::string_view value) override {
    headers_.Note(name, value);
    const absl::string_view header(name.data(), name.size());
    if (absl::EqualsIgnoreCase(header, "content-type")) {
      streamed_ = absl::StartsWithIgnoreCase(
          absl::string_view(value.data(), value.size()), "text/event-stream");
    }
  }

  bool OnBody(std::string_view bytes) override {
    received_bytes_ += bytes.size();
    if (status_ == 200 && streamed_) return TakeStream(bytes);
    if (body_.size() + bytes.size() > kBodyBytesMax) {
      problem_ = absl::ResourceExhaustedError(absl::StrCat(
          "the response is larger than ", kBodyBytesMax, " bytes"));
      return false;
    }
    body_ += bytes;
    return true;
  }

  bool TakeStream(std::string_view bytes) {
    std::vector<claude::SseEvent> events;
    problem_ = sse_.Feed(bytes, events);
    if (problem_.ok()) problem_ = TakeEvents(events);
    context_.Progress(message_.TakeNewText());
    if (!problem_.ok()) return false;
    if (message_.state() != claude::MessageAccumulator::State::kOpen &&
        !std::exchange(lingering_, true)) {
      context_.After(kLinger, [this] { FinishStream(""); });
    }
    return true;
  }

  absl::Status TakeEvents(const std::vector<claude::SseEvent>& events) {
    for (const claude::SseEvent& event : events) {
      RETURN_IF_ERROR(message_.Feed(event));
    }
    return absl::OkStatus();
  }

  void OnDone(const HttpResult& result) override {
    if (!problem_.ok()) {
      FinishMalformed(std::string(problem_.message()));
    } else if (status_ == 0) {
      FinishWithoutResponse(result);
    } else if (status_ != 200) {
      Fail(claude::ClassifyResponse(status_, headers_, body_, clock_.Now()),
           body_);
    } else if (result.end == HttpEnd::kStalled && !lingering_) {
      FailTransport(claude::kStalledStream, result.message);
    } else if (streamed_) {
      EndStream(result);
    } else {
      FinishWhole(result);
    }
  }

  void EndStream(const HttpResult& result) {
    if (result.end == HttpEnd::kComplete) {
      std::vector<claude::SseEvent> events;
      problem_ = sse_.Finish(events);
      if (problem_.ok()) problem_ = TakeEvents(events);
      if (!problem_.ok()) {
        FinishMalformed(std::string(problem_.message()));
        return;
      }
    }
    FinishStream(result.message);
  }

  // With what the stream has told up to here. `how`: how it ended, if badly.
  void FinishStream(const std::string& how) {
    switch (message_.state()) {
      case claude::MessageAccumulator::State::kDone:
        FinishMessage(message_.Finish());
        break;
      case claude::MessageAccumulator::State::kError:
        Fail(claude::ClassifyStreamError(message_.error(), headers_,
                                         clock_.Now()),
             message_.error().raw);
        break;
      case claude::MessageAccumulator::State::kOpen:
        FailTransport(claude::kIncompleteStream,
                      how.empty()
                          ? "the stream ended before message_stop"
                          : "the stream broke off before message_stop: " + how);
        break;
    }
  }

  // A reply that was not streamed.
  void FinishWhole(const HttpResult& result) {
    if (result.end != HttpEnd::kComplete) {
      FailTransport(claude::kIncompleteStream,
                    "the response broke off: " + result.message);
      return;
    }
    FinishMessage(claude::ParseCompleteMessage(body_));
  }

  void FinishMessage(absl::StatusOr<claude::AssistantMessage> message) {
    if (!message.ok()) {
      FinishMalformed(std::string(message.status().message()));
      return;
    }
    Outcome outcome =
        JsonResult(claude::TurnResultJson(*message, headers_.request_id));
    outcome.usage_json = message->usage_raw;
    context_.Finish(std::move(outcome));
  }

  void FinishMalformed(const std::string& what) {
    FailTransport(claude::kMalformedStream,
                  "the response cannot be understood: " + what);
  }

  void FinishWithoutResponse(const HttpResult& result) {
    switch (result.end) {
      case HttpEnd::kTls:
        FailTransport(kTlsError, result.message);
        break;
      case HttpEnd::kNoResponse:
        FailTransport(kTimeout, result.message);
        break;
      default:
        FailTransport(claude::kConnectionError, result.message);
    }
  }

  void FailTransport(std::string_view type, std::string_view message) {
    Fail(claude::TransportError(type, message, headers_), "");
  }

  void Fail(const claude::ApiError& error, std::string_view response) {
    Outcome outcome = FailureOfApi(error, response, endpoint_);
    outcome.usage_json = UsageJson();
    context_.Finish(std::move(outcome));
  }

  ActivityContext& context_;
  const ApiEndpoint& endpoint_;
  Clock& clock_;
  const ClaudeMessagesOptions& options_;

  int status_ = 0;  // 0 before there is a response
  claude::ErrorHeaders headers_;
  bool streamed_ = false;
  size_t received_bytes_ = 0;
  std::string body_;  // of a response that is no stream
  claude::SseParser sse_;
  claude::MessageAccumulator message_;
  absl::Status problem_;    // why the response was not read to its end
  bool lingering_ = false;  // all events are there
};

}  // namespace

void RegisterClaudeMessages(ActivityRegistry& registry,
                            const ApiEndpoint& endpoint, Clock& clock,
                            ClaudeMessagesOptions options) {
  auto shared =
      std::make_shared<const ClaudeMessagesOptions>(std::move(options));
  registry.Register("claude.messages", [&endpoint, &clock,
                                        shared](ActivityContext& context) {
    return std::make_unique<ClaudeMessages>(context, endpoint, clock, *shared);
  });
}

}  // namespace anabranch::activity_worker
