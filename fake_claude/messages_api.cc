#include "fake_claude/messages_api.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fake_claude/answers.h"
#include "fake_claude/http_server.h"
#include "fake_claude/validation.h"

namespace anabranch::fake_claude {
namespace {

constexpr size_t kRequestBytesMax = 32u << 20;

// Far more than a client asks twice about; beyond, the oldest knowledge goes.
constexpr size_t kRememberedMax = 100'000;

void SetRateLimits(Clock& clock, httplib::Response& response) {
  const std::string reset =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", clock.Now() + absl::Seconds(1),
                       absl::UTCTimeZone());
  const auto set = [&](const std::string& what, int limit, int remaining) {
    const std::string name = absl::StrCat("anthropic-ratelimit-", what, "-");
    response.set_header(name + "limit", std::to_string(limit));
    response.set_header(name + "remaining", std::to_string(remaining));
    response.set_header(name + "reset", reset);
  };
  set("requests", 4'000, 3'999);
  set("input-tokens", 2'000'000, 1'990'000);
  set("output-tokens", 400'000, 399'000);
  set("tokens", 2'400'000, 2'389'000);
}

void SendFault(const Fault& fault, const std::string& request_id,
               httplib::Response& response) {
  SendError(fault.error, request_id, response);
  if (!fault.retry_after.empty()) {
    response.set_header("retry-after", fault.retry_after);
  }
  if (!fault.retry_after_ms.empty()) {
    response.set_header("retry-after-ms", fault.retry_after_ms);
  }
  if (!fault.should_retry.empty()) {
    response.set_header("x-should-retry", fault.should_retry);
  }
  if (!fault.raw_body.empty()) {
    response.set_content(fault.raw_body, "text/html");
  }
}

CallView ViewOf(const ApiRequest& request, const CallInfo& info) {
  CallView view;
  view.user_text = LastUserText(request.body);
  view.system_text = SystemText(request.body);
  view.model = StringOf(request.body, "model");
  if (info.task) {
    view.task_uid = info.task->uid;
    view.attempt = static_cast<int64_t>(info.task->attempt);
  }
  return view;
}

}  // namespace

void SetCommonHeaders(const std::string& request_id,
                      httplib::Response& response) {
  response.set_header("request-id", request_id);
  response.set_header("anthropic-organization-id",
                      "00000000-0000-4000-8000-00000000fa4e");
}

void SendError(const ApiError& error, const std::string& request_id,
               httplib::Response& response) {
  response.status = error.status;
  response.set_content(ErrorBody(error, request_id), "application/json");
}

RequestHeaders HeadersOf(const httplib::Request& request) {
  RequestHeaders headers;
  headers.has_api_key = request.has_header("x-api-key");
  headers.api_key = request.get_header_value("x-api-key");
  headers.has_authorization = request.has_header("authorization");
  headers.authorization = request.get_header_value("authorization");
  headers.version = request.get_header_value("anthropic-version");
  const size_t betas = request.get_header_value_count("anthropic-beta");
  for (size_t i = 0; i < betas; ++i) {
    headers.beta += request.get_header_value("anthropic-beta", i) + ",";
  }
  return headers;
}

Refusal MessagesApi::Read(const httplib::Request& http, ApiRequest* request,
                          CallInfo* info) {
  info->request_sha256 = Hex(Sha256(http.body));
  info->task = ParseTaskHeader(http.get_header_value("anabranch-task"));
  const RequestHeaders headers = HeadersOf(http);
  if (Refusal refusal = CheckAuth(headers, context_.required_key)) {
    return refusal;
  }
  if (Refusal refusal = CheckVersion(headers, &request->version)) {
    return refusal;
  }
  if (http.body.size() > kRequestBytesMax) {
    ApiError error;
    error.status = 413;
    error.message = "Request exceeds the maximum size";
    return error;
  }
  std::string reason;
  if (!ParseJson(http.body, &request->body, &reason)) {
    return Invalid(
        absl::StrCat("The request body is not valid JSON: ", reason));
  }
  request->beta = headers.beta;
  info->model = StringOf(request->body, "model");
  const Refusal refusal = Validate(
      *request, [this](const Json& blocks) { return WasPaused(blocks); });
  info->stream = request->stream;
  return refusal;
}

void MessagesApi::Messages(const httplib::Request& http,
                           httplib::Response& response) {
  CallInfo info;
  info.request_id = context_.next_request_id();
  SetCommonHeaders(info.request_id, response);
  ApiRequest request;
  Refusal refusal = Read(http, &request, &info);
  if (!refusal) {
    const Reading reading = ReadThinking(request);
    refusal = reading.refusal;
    if (!refusal) return Answer(http, request, reading, info, response);
  }
  context_.ledger.Refused(info, refusal->status);
  SendError(*refusal, info.request_id, response);
}

void MessagesApi::CountTokens(const httplib::Request& http,
                              httplib::Response& response) {
  CallInfo info;
  info.request_id = context_.next_request_id();
  SetCommonHeaders(info.request_id, response);
  ApiRequest request;
  request.count_only = true;
  Refusal refusal = Read(http, &request, &info);
  if (!refusal) {
    const Reading reading = ReadThinking(request);
    refusal = reading.refusal;
    if (!refusal) {
      response.set_content(
          ToJsonText(Json{{"input_tokens", InputTokens(reading.prefix)}}),
          "application/json");
      return;
    }
  }
  SendError(*refusal, info.request_id, response);
}

void MessagesApi::Answer(const httplib::Request& http,
                         const ApiRequest& request, const Reading& reading,
                         const CallInfo& info, httplib::Response& response) {
  Call call;
  call.decision = context_.behaviour.Decide(ViewOf(request, info));
  SetRateLimits(context_.clock, response);
  const std::optional<Fault>& fault = call.decision.fault;
  if (fault && fault->kind == FaultKind::kStatus) {
    context_.ledger.Refused(info, fault->error.status);
    SendFault(*fault, info.request_id, response);
    return;
  }
  call.answer = call.decision.answer.is_null()
                    ? MakeAnswer(request, reading)
                    : ScriptedAnswer(request, reading, call.decision.answer);
  call.answer.message_id = MessageId(request, reading);
  if (call.answer.stop_reason == "pause_turn") {
    RememberPaused(call.answer.content);
  }
  call.socket = HttpServer::SocketOf(http);
  call.request_id = info.request_id;
  call.number = context_.ledger.Begin(info);
  Send(std::make_shared<Reply>(std::move(call), context_.clock, context_.ledger,
                               context_.stopping),
       request.stream, response);
}

void MessagesApi::Send(std::shared_ptr<Reply> reply, bool stream,
                       httplib::Response& response) {
  const bool taken = reply->Hang();
  if (taken && stream) {
    response.set_chunked_content_provider(
        "text/event-stream; charset=utf-8",
        [reply](size_t, httplib::DataSink& sink) {
          return reply->Stream(sink);
        });
    response.set_header("cache-control", "no-cache");
    return;
  }
  std::string body = MessageBody(reply->call().answer);
  const bool whole = taken && reply->Generate();
  const std::optional<Fault>& fault = reply->call().decision.fault;
  if (whole && fault && fault->kind == FaultKind::kErrorEvent) {
    reply->End(absl::StrCat("error:", fault->error.status));
    SendError(fault->error, reply->call().request_id, response);
    return;
  }
  if (whole) {
    reply->End(kFinished);
    response.set_content(body, "application/json");
    return;
  }
  // Half a body, and the connection closed.
  response.set_content_provider(
      body.size(), "application/json",
      [body](size_t, size_t, httplib::DataSink& sink) {
        sink.write(body.data(), body.size() / 2);
        return false;
      });
}

std::string MessagesApi::MessageId(const ApiRequest& request,
                                   const Reading& reading) {
  std::string key = reading.prefix.Value();
  key += request.model->id;
  int times = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (asked_.size() >= kRememberedMax) asked_.erase(asked_.begin());
    times = ++asked_[key];
  }
  HashStream hash(absl::StrCat(key, " message ", times));
  return "msg_01" + IdText(hash, 22);
}

bool MessagesApi::WasPaused(const Json& blocks) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return paused_.contains(Sha256(CanonicalText(blocks)));
}

void MessagesApi::RememberPaused(const Json& blocks) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (paused_.size() >= kRememberedMax) paused_.erase(paused_.begin());
  paused_.insert(Sha256(CanonicalText(blocks)));
}

}  // namespace anabranch::fake_claude
