#include "claude/api_error.h"

#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "claude/json.h"
#include "claude/utf8.h"

namespace anabranch::claude {
namespace {

constexpr size_t kMessageBytesMax = 4096;

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

// The API's type for a status whose body does not say.
std::string_view TypeOfStatus(int status) {
  switch (status) {
    case 400:
      return "invalid_request_error";
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 409:
      return "conflict_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 529:
      return "overloaded_error";
    default:
      if (status >= 500) return "api_error";
      if (status >= 400) return "invalid_request_error";
      return kUnexpectedStatus;
  }
}

bool IsRetryableStatus(int status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

bool IsRetryableType(std::string_view type) {
  for (const std::string_view no :
       {"invalid_request_error", "authentication_error", "billing_error",
        "permission_error", "not_found_error", "request_too_large"}) {
    if (type == no) return false;
  }
  return true;
}

bool IsSpendLimitCode(std::string_view code) {
  return code == "contract_spend_limit_reached" ||
         code == "enforced_spend_limit_reached" ||
         code == "ramp_limit_exceeded";
}

// A cap on money is not lifted by waiting a little. Its 429 has a code of its
// own or, for the tier's cap, no retry-after and a message about spending.
bool IsSpendLimit(const ApiError& error, const ErrorHeaders& headers) {
  if (error.http_status != 429 && error.http_status != 200) return false;
  if (IsSpendLimitCode(error.error_code)) return true;
  if (!headers.retry_after.empty() || !headers.retry_after_ms.empty()) {
    return false;
  }
  const std::string text = absl::AsciiStrToLower(error.message);
  for (const char* words :
       {"spend limit", "spend cap", "spending limit", "spending cap",
        "monthly limit", "usage limit", "credit balance"}) {
    if (absl::StrContains(text, words)) return true;
  }
  return false;
}

void Bound(ApiError& error) {
  if (!IsValidUtf8(error.message)) {
    error.message = ReplaceInvalidUtf8(error.message);
  }
  error.message = std::string(Utf8Prefix(error.message, kMessageBytesMax));
}

void ApplySpendLimit(ApiError& error, const ErrorHeaders& headers) {
  if (!IsSpendLimit(error, headers)) return;
  error.type = kSpendLimit;
  error.retryable = false;
  error.retry_delay.reset();
}

// Fills type, message, error_code and request_id from an error body; false when
// it is none.
bool ReadBody(std::string_view body, ApiError& error) {
  const auto object = JsonObject::Parse(body);
  if (!object.ok()) return false;
  const auto inner = JsonObject::Parse(object->Get("error"));
  if (!inner.ok()) return false;
  const std::string type = inner->GetString("type");
  if (!type.empty()) error.type = type;
  error.message = inner->GetString("message");
  const auto details = JsonObject::Parse(inner->Get("details"));
  if (details.ok()) error.error_code = details->GetString("error_code");
  if (error.request_id.empty()) {
    error.request_id = object->GetString("request_id");
  }
  return true;
}

// What a body that is no error JSON says at its front, tags and all.
std::string Excerpt(std::string_view body) {
  constexpr size_t kExcerptBytes = 200;
  std::string text = ReplaceInvalidUtf8(body.substr(0, kExcerptBytes));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

std::optional<absl::Duration> Sensible(double milliseconds) {
  constexpr double kMax = 2147483647.0;
  if (!(milliseconds > 0) || milliseconds > kMax) return std::nullopt;
  return absl::Microseconds(
      static_cast<int64_t>(std::ceil(milliseconds * 1000)));
}

// The three forms of RFC 9110, section 5.6.7.
std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y"}) {
    absl::Time time;
    if (absl::ParseTime(format, Absl(text), &time, nullptr)) return time;
  }
  return std::nullopt;
}

}  // namespace

void ErrorHeaders::Note(std::string_view name, std::string_view value) {
  const std::array<std::pair<const char*, std::string*>, 4> known = {{
      {"request-id", &request_id},
      {"retry-after", &retry_after},
      {"retry-after-ms", &retry_after_ms},
      {"x-should-retry", &should_retry},
  }};
  for (const auto& [wanted, field] : known) {
    if (!absl::EqualsIgnoreCase(Absl(name), wanted)) continue;
    *field = std::string(absl::StripAsciiWhitespace(Absl(value)));
  }
}

std::optional<absl::Duration> RetryDelay(const ErrorHeaders& headers,
                                         absl::Time now) {
  double number = 0;
  if (absl::SimpleAtod(headers.retry_after_ms, &number)) {
    if (const auto delay = Sensible(number)) return delay;
  }
  if (headers.retry_after.empty()) return std::nullopt;
  if (absl::SimpleAtod(headers.retry_after, &number)) {
    return Sensible(number * 1000);
  }
  const auto date = ParseHttpDate(headers.retry_after);
  if (!date) return std::nullopt;
  return Sensible(absl::ToDoubleMilliseconds(*date - now));
}

ApiError ClassifyResponse(int http_status, const ErrorHeaders& headers,
                          std::string_view body, absl::Time now) {
  ApiError error;
  error.http_status = http_status;
  error.type = TypeOfStatus(http_status);
  error.request_id = headers.request_id;
  error.retryable = IsRetryableStatus(http_status);
  if (!ReadBody(body, error)) {
    error.message = absl::StrCat("HTTP status ", http_status);
    if (!body.empty()) absl::StrAppend(&error.message, ": ", Excerpt(body));
  }
  if (headers.should_retry == "true") error.retryable = true;
  if (headers.should_retry == "false") error.retryable = false;
  if (error.retryable) error.retry_delay = RetryDelay(headers, now);
  ApplySpendLimit(error, headers);
  Bound(error);
  return error;
}

ApiError ClassifyStreamError(const StreamError& stream_error,
                             const ErrorHeaders& headers, absl::Time now) {
  const std::string api_type =
      stream_error.type.empty() ? "api_error" : stream_error.type;
  ApiError error;
  error.http_status = 200;
  error.type = absl::StrCat(Absl(kStreamErrorPrefix), api_type);
  error.message = stream_error.message;
  error.error_code = stream_error.error_code;
  error.request_id =
      headers.request_id.empty() ? stream_error.request_id : headers.request_id;
  error.retryable = IsRetryableType(api_type);
  if (error.retryable) error.retry_delay = RetryDelay(headers, now);
  if (api_type == "rate_limit_error") ApplySpendLimit(error, headers);
  Bound(error);
  return error;
}

ApiError TransportError(std::string_view type, std::string_view message,
                        const ErrorHeaders& headers) {
  ApiError error;
  error.type = type;
  error.message = message;
  error.request_id = headers.request_id;
  error.retryable = true;
  Bound(error);
  return error;
}

}  // namespace anabranch::claude
