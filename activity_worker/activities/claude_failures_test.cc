// What goes wrong with a call, and what becomes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/time/clock.h"
#include "activity_worker/activities/claude_messages.h"
#include "activity_worker/activities/claude_messages_fixture.h"

namespace anabranch::activity_worker {
namespace {

using testing::ClaudeCaller;
using ::testing::HasSubstr;
using testing::HttpChunk;
using testing::HttpHead;
using ::testing::Not;
using testing::ScriptReply;
using testing::ScriptRequest;
using testing::ScriptServer;
using testing::WholeReply;

// A stream that begins well and ends as given.
ScriptReply Broken(ScriptReply::End end, const std::string& last = "") {
  ScriptReply reply;
  reply.pieces = {testing::StreamHead(),
                  HttpChunk(testing::MessageStart() + testing::BlockStart()),
                  HttpChunk(testing::Delta("Hello"))};
  if (!last.empty()) reply.pieces.push_back(last);
  reply.end = end;
  return reply;
}

Outcome CallOnce(const ScriptReply& reply, HttpLimits limits = {}) {
  ScriptServer server([&](const ScriptRequest&) { return reply; });
  ClaudeCaller caller({.base_url = server.Url()}, limits);
  Outcome outcome = caller.Call();
  EXPECT_FALSE(outcome.result.has_value());
  EXPECT_EQ(server.Requests().size(), 1u);
  return outcome;
}

std::string ErrorBody(const std::string& type, const std::string& code = "") {
  return R"({"type":"error","error":{"type":")" + type +
         R"(","message":"No.","details":)" +
         (code.empty() ? "null" : R"({"error_code":")" + code + "\"}") +
         R"(},"request_id":"req_9"})";
}

TEST(ClaudeFailures, ACutStreamIsIncompleteAndTellsItsUsage) {
  const Outcome outcome = CallOnce(Broken(ScriptReply::End::kClose));
  EXPECT_EQ(outcome.failure.type(), "incomplete_stream");
  EXPECT_TRUE(outcome.failure.retryable());
  EXPECT_THAT(outcome.usage_json, HasSubstr("\"input_tokens\":11"));
  EXPECT_THAT(outcome.failure.details().json_text(), HasSubstr("req_1"));
}

TEST(ClaudeFailures, ACleanEndWithoutMessageStopIsIncomplete) {
  const Outcome outcome = CallOnce(Broken(
      ScriptReply::End::kKeep, HttpChunk(testing::MessageEnd()) + "0\r\n\r\n"));
  EXPECT_EQ(outcome.failure.type(), "incomplete_stream");
  EXPECT_TRUE(outcome.failure.retryable());
  EXPECT_THAT(outcome.usage_json, HasSubstr("\"output_tokens\":15"));
}

TEST(ClaudeFailures, AnErrorEventFailsTheCall) {
  const Outcome outcome = CallOnce(
      Broken(ScriptReply::End::kKeep,
             HttpChunk(testing::Event("error", ErrorBody("overloaded_error"))) +
                 "0\r\n\r\n"));
  EXPECT_EQ(outcome.failure.type(), "stream_error.overloaded_error");
  EXPECT_TRUE(outcome.failure.retryable());
  EXPECT_THAT(outcome.usage_json, HasSubstr("\"input_tokens\":11"));
}

TEST(ClaudeFailures, ASilentStreamIsStalled) {
  const Outcome outcome = CallOnce(
      Broken(ScriptReply::End::kHold),
      {.first_byte = absl::Seconds(600), .idle = absl::Milliseconds(50)});
  EXPECT_EQ(outcome.failure.type(), "stalled_stream");
  EXPECT_TRUE(outcome.failure.retryable());
}

TEST(ClaudeFailures, ASilentServerTimesOut) {
  ScriptReply reply;
  reply.end = ScriptReply::End::kHold;
  const Outcome outcome = CallOnce(reply, {.first_byte = absl::Milliseconds(50),
                                           .idle = absl::Seconds(120)});
  EXPECT_EQ(outcome.failure.type(), "timeout");
  EXPECT_TRUE(outcome.failure.retryable());
}

TEST(ClaudeFailures, NonsenseInAStreamIsMalformed) {
  const Outcome outcome = CallOnce(
      Broken(ScriptReply::End::kKeep,
             HttpChunk("event: content_block_delta\ndata: {nonsense\n\n")));
  EXPECT_EQ(outcome.failure.type(), "malformed_stream");
}

TEST(ClaudeFailures, RateLimitsSayWhenToTryAgain) {
  Outcome outcome =
      CallOnce(WholeReply("429 Too Many Requests",
                          "content-type: application/json\r\nretry-after: 9\r\n"
                          "retry-after-ms: 1500\r\n",
                          ErrorBody("rate_limit_error")));
  EXPECT_EQ(outcome.failure.type(), "rate_limit_error");
  EXPECT_TRUE(outcome.failure.retryable());
  EXPECT_EQ(outcome.next_delay, absl::Milliseconds(1500));
  EXPECT_THAT(outcome.failure.details().json_text(),
              HasSubstr("\"http_status\":429"));

  outcome = CallOnce(WholeReply("429 Too Many Requests", "Retry-After: 7\r\n",
                                ErrorBody("rate_limit_error")));
  EXPECT_EQ(outcome.next_delay, absl::Seconds(7));

  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                       absl::Now() + absl::Hours(1), absl::UTCTimeZone());
  outcome = CallOnce(WholeReply("429 Too Many Requests",
                                "retry-after: " + date + "\r\n",
                                ErrorBody("rate_limit_error")));
  ASSERT_TRUE(outcome.next_delay.has_value());
  EXPECT_GT(*outcome.next_delay, absl::Minutes(50));
  EXPECT_LE(*outcome.next_delay, absl::Hours(1));
}

TEST(ClaudeFailures, ASpendLimitIsNotTriedAgain) {
  const Outcome outcome = CallOnce(WholeReply(
      "429 Too Many Requests", "",
      ErrorBody("rate_limit_error", "enforced_spend_limit_reached")));
  EXPECT_FALSE(outcome.failure.retryable());
  EXPECT_THAT(outcome.failure.details().json_text(),
              HasSubstr("enforced_spend_limit_reached"));
}

TEST(ClaudeFailures, AProxysPageGoesByItsStatus) {
  const Outcome outcome =
      CallOnce(WholeReply("502 Bad Gateway", "content-type: text/html\r\n",
                          "<html><body>Bad gateway</body></html>"));
  EXPECT_TRUE(outcome.failure.retryable());
  EXPECT_FALSE(outcome.failure.type().empty());
  EXPECT_THAT(outcome.failure.details().json_text(),
              HasSubstr("\"http_status\":502"));
}

TEST(ClaudeFailures, ABadRequestIsNotTriedAgain) {
  const Outcome outcome = CallOnce(
      WholeReply("400 Bad Request", "", ErrorBody("invalid_request_error")));
  EXPECT_EQ(outcome.failure.type(), "invalid_request_error");
  EXPECT_FALSE(outcome.failure.retryable());
}

TEST(ClaudeFailures, RedirectsAreNotFollowed) {
  const Outcome outcome = CallOnce(
      WholeReply("307 Temporary Redirect", "location: /elsewhere\r\n", ""));
  EXPECT_FALSE(outcome.failure.retryable());
}

TEST(ClaudeFailures, NobodyListens) {
  std::string url;
  {
    const ScriptServer server(
        [](const ScriptRequest&) { return ScriptReply{}; });
    url = server.Url();
  }
  ClaudeCaller caller({.base_url = url});
  const Outcome outcome = caller.Call();
  EXPECT_EQ(outcome.failure.type(), "connection_error");
  EXPECT_TRUE(outcome.failure.retryable());
}

TEST(ClaudeFailures, AServerWithoutTlsGetsNoKey) {
  ScriptServer server([](const ScriptRequest&) { return ScriptReply{}; },
                      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  ClaudeCaller caller(
      {.api_key = "sk-secret", .base_url = "https" + server.Url().substr(4)});
  const Outcome outcome = caller.Call();
  EXPECT_EQ(outcome.failure.type(), "tls_error");
  EXPECT_TRUE(outcome.failure.retryable());
  EXPECT_TRUE(server.Requests().empty());
}

TEST(ClaudeFailures, TheKeyIsTakenOutOfWhatTheServerEchoes) {
  ScriptServer server([](const ScriptRequest&) {
    return WholeReply("401 Unauthorized", "",
                      R"({"type":"error","error":{"type":)"
                      R"("authentication_error","message":)"
                      R"("invalid x-api-key sk-secret"}})");
  });
  ClaudeCaller caller({.api_key = "sk-secret", .base_url = server.Url()});
  const Outcome outcome = caller.Call();
  EXPECT_EQ(outcome.failure.type(), "authentication_error");
  EXPECT_FALSE(outcome.failure.retryable());
  EXPECT_THAT(outcome.failure.DebugString(), Not(HasSubstr("sk-secret")));
  EXPECT_THAT(server.Requests().at(0).head,
              HasSubstr("x-api-key: sk-secret\r\n"));
}

TEST(ClaudeFailures, CancellingReportsTheUsageSoFar) {
  ScriptServer server(
      [](const ScriptRequest&) { return Broken(ScriptReply::End::kHold); });
  ClaudeCaller caller({.base_url = server.Url()});
  const TaskId id = caller.Begin();
  caller.outcomes().WaitForProgress(id, 5);
  caller.Stop(id);
  const Outcome outcome = caller.outcomes().Wait(id);
  EXPECT_EQ(outcome.failure.type(), "cancelled");
  EXPECT_EQ(outcome.failure.message(), "not needed");
  EXPECT_THAT(outcome.usage_json, HasSubstr("\"input_tokens\":11"));
}

TEST(ClaudeFailures, TheTasksTimeoutEndsTheCall) {
  ScriptServer server(
      [](const ScriptRequest&) { return Broken(ScriptReply::End::kHold); });
  ClaudeCaller caller({.base_url = server.Url()});
  const TaskId id = caller.Begin(testing::kTurn, absl::Milliseconds(50));
  EXPECT_EQ(caller.outcomes().Wait(id).failure.type(), "timeout");
}

TEST(ClaudeFailures, WrongInputMakesNoCall) {
  ScriptServer server([](const ScriptRequest&) { return ScriptReply{}; });
  ClaudeCaller caller({.base_url = server.Url()});
  const Outcome outcome = caller.Call("[1]");
  EXPECT_EQ(outcome.failure.type(), "invalid_input");
  EXPECT_FALSE(outcome.failure.retryable());
  EXPECT_TRUE(server.Requests().empty());
}

}  // namespace
}  // namespace anabranch::activity_worker
