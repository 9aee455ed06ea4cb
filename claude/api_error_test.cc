#include "claude/api_error.h"

#include <string>

#include "claude/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(784111777);

std::string Body(const std::string& type, const std::string& details = "null",
                 const std::string& message = "words") {
  return R"({"type":"error","error":{"type":")" + type + R"(","message":")" +
         message + R"(","details":)" + details +
         R"(},"request_id":"req_body"})";
}

ApiError Classify(int status, const std::string& body,
                  const ErrorHeaders& headers = {}) {
  return ClassifyResponse(status, headers, body, kNow);
}

TEST(ClassifyResponse, FollowsTheTableOfStatuses) {
  const struct {
    int status;
    const char* type;
    bool retryable;
  } rows[] = {
      {400, "invalid_request_error", false},
      {401, "authentication_error", false},
      {402, "billing_error", false},
      {403, "permission_error", false},
      {404, "not_found_error", false},
      {408, "timeout_error", true},
      {409, "conflict_error", true},
      {413, "request_too_large", false},
      {422, "invalid_request_error", false},
      {429, "rate_limit_error", true},
      {500, "api_error", true},
      {502, "api_error", true},
      {503, "api_error", true},
      {504, "timeout_error", true},
      {529, "overloaded_error", true},
      {302, "unexpected_status", false},
  };
  for (const auto& row : rows) {
    const ApiError html = Classify(row.status, "<html>\n<h1>Bad</h1>");
    EXPECT_EQ(html.type, row.type) << row.status;
    EXPECT_EQ(html.retryable, row.retryable) << row.status;
    EXPECT_THAT(html.message, HasSubstr("Bad"));
    EXPECT_THAT(html.message, HasSubstr(std::to_string(row.status)));
    EXPECT_EQ(html.retry_delay, std::nullopt);
  }
}

TEST(ClassifyResponse, TakesTheBodysWords) {
  const ApiError error =
      Classify(400, Body("novel_error", R"({"error_code":"c1"})", "model: x"));
  EXPECT_EQ(error.type, "novel_error");
  EXPECT_EQ(error.message, "model: x");
  EXPECT_EQ(error.error_code, "c1");
  EXPECT_EQ(error.request_id, "req_body");
  EXPECT_EQ(error.http_status, 400);
  EXPECT_FALSE(error.retryable);
}

TEST(ClassifyResponse, PrefersTheRequestIdOfTheHeader) {
  ErrorHeaders headers;
  headers.Note("Request-Id", " req_header ");
  EXPECT_EQ(Classify(500, Body("api_error"), headers).request_id, "req_header");
}

TEST(ClassifyResponse, ObeysShouldRetry) {
  ErrorHeaders headers;
  headers.Note("X-Should-Retry", "true");
  EXPECT_TRUE(Classify(400, Body("invalid_request_error"), headers).retryable);
  headers.Note("X-Should-Retry", "false");
  EXPECT_FALSE(Classify(529, Body("overloaded_error"), headers).retryable);
}

TEST(ClassifyResponse, ParksOnASpendLimit) {
  ErrorHeaders headers;
  headers.Note("x-should-retry", "true");
  headers.Note("retry-after", "3");
  for (const char* code :
       {"contract_spend_limit_reached", "enforced_spend_limit_reached",
        "ramp_limit_exceeded"}) {
    const ApiError error =
        Classify(429,
                 Body("rate_limit_error",
                      R"({"error_code":")" + std::string(code) + R"("})"),
                 headers);
    EXPECT_EQ(error.type, "spend_limit");
    EXPECT_EQ(error.error_code, code);
    EXPECT_FALSE(error.retryable);
    EXPECT_EQ(error.retry_delay, std::nullopt);
  }
}

TEST(ClassifyResponse, KnowsATierCapByItsWords) {
  const std::string body = Body("rate_limit_error", "null",
                                "You have reached your monthly Spend Limit");
  EXPECT_EQ(Classify(429, body).type, "spend_limit");
  ErrorHeaders headers;
  headers.Note("retry-after", "3");
  EXPECT_EQ(Classify(429, body, headers).type, "rate_limit_error");
  EXPECT_TRUE(Classify(429, Body("rate_limit_error")).retryable);
}

TEST(ClassifyResponse, BoundsTheMessage) {
  const ApiError error =
      Classify(400, Body("e", "null", std::string(10000, 'x')));
  EXPECT_EQ(error.message.size(), 4096u);
  EXPECT_TRUE(IsValidUtf8(Classify(502, "\xFF\xFE").message));
}

TEST(RetryDelay, ReadsEveryForm) {
  const auto delay = [](const char* after, const char* after_ms) {
    ErrorHeaders headers;
    headers.Note("Retry-After", after);
    headers.Note("Retry-After-Ms", after_ms);
    return RetryDelay(headers, kNow);
  };
  EXPECT_EQ(delay("7", ""), absl::Seconds(7));
  EXPECT_EQ(delay("1.5", ""), absl::Milliseconds(1500));
  EXPECT_EQ(delay("7", "250"), absl::Milliseconds(250));
  EXPECT_EQ(delay("7", "junk"), absl::Seconds(7));
  EXPECT_EQ(delay("86400", ""), absl::Hours(24));
  EXPECT_EQ(delay("Sun, 06 Nov 1994 08:49:47 GMT", ""), absl::Seconds(10));
  EXPECT_EQ(delay("Sunday, 06-Nov-94 08:49:47 GMT", ""), absl::Seconds(10));
  EXPECT_EQ(delay("Sun Nov  6 08:49:47 1994", ""), absl::Seconds(10));
  for (const char* bad : {"", "0", "-1", "soon", "nan", "inf", "2147484",
                          "Sun, 06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(delay(bad, ""), std::nullopt) << bad;
  }
}

TEST(ClassifyResponse, CarriesTheDelayOfARetryableError) {
  ErrorHeaders headers;
  headers.Note("retry-after", "90");
  EXPECT_EQ(Classify(529, Body("overloaded_error"), headers).retry_delay,
            absl::Seconds(90));
  EXPECT_EQ(Classify(400, Body("e"), headers).retry_delay, std::nullopt);
}

TEST(ClassifyStreamError, HasATypeOfItsOwn) {
  StreamError stream_error;
  stream_error.type = "overloaded_error";
  stream_error.message = "Overloaded";
  stream_error.request_id = "req_1";
  ApiError error = ClassifyStreamError(stream_error, {}, kNow);
  EXPECT_EQ(error.type, "stream_error.overloaded_error");
  EXPECT_EQ(error.message, "Overloaded");
  EXPECT_EQ(error.request_id, "req_1");
  EXPECT_TRUE(error.retryable);
  stream_error.type = "invalid_request_error";
  EXPECT_FALSE(ClassifyStreamError(stream_error, {}, kNow).retryable);
  stream_error.type = "rate_limit_error";
  stream_error.error_code = "ramp_limit_exceeded";
  error = ClassifyStreamError(stream_error, {}, kNow);
  EXPECT_EQ(error.type, "spend_limit");
  EXPECT_FALSE(error.retryable);
}

TEST(TransportError, IsWorthAnotherTry) {
  ErrorHeaders headers;
  headers.Note("request-id", "req_1");
  const ApiError error =
      TransportError(kIncompleteStream, "ended early", headers);
  EXPECT_EQ(error.type, "incomplete_stream");
  EXPECT_EQ(error.request_id, "req_1");
  EXPECT_TRUE(error.retryable);
}

}  // namespace
}  // namespace anabranch::claude
