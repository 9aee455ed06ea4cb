// What a failed call means: its type, whether trying again can help, and when.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "claude/message_accumulator.h"

namespace anabranch::claude {

// Failure types of our own, beside the API's ("rate_limit_error", …).
// kSpendLimit and kUnexpectedStatus are not worth another try, an error event
// is if its own type is, the rest always.
inline constexpr std::string_view kSpendLimit = "spend_limit";
inline constexpr std::string_view kUnexpectedStatus = "unexpected_status";
inline constexpr std::string_view kConnectionError = "connection_error";
// The stream ended before message_stop.
inline constexpr std::string_view kIncompleteStream = "incomplete_stream";
// No byte within the idle limit.
inline constexpr std::string_view kStalledStream = "stalled_stream";
// A reply or an event that is no valid JSON or out of order.
inline constexpr std::string_view kMalformedStream = "malformed_stream";
// Followed by the API's own type: "stream_error.overloaded_error".
inline constexpr std::string_view kStreamErrorPrefix = "stream_error.";

// The response headers that matter, by their values; empty when absent.
struct ErrorHeaders {
  std::string request_id;      // request-id
  std::string retry_after;     // retry-after: seconds or an HTTP date
  std::string retry_after_ms;  // retry-after-ms
  std::string should_retry;    // x-should-retry: true | false

  // Notes the header if it is one of these; the name in any case.
  void Note(std::string_view name, std::string_view value);
};

struct ApiError {
  std::string type;
  std::string message;     // valid UTF-8, at most 4 KiB
  std::string error_code;  // error.details.error_code; may be empty
  std::string request_id;  // may be empty
  int http_status = 0;     // 0 when there was no response
  bool retryable = false;
  // Not before that much later; absent when the server did not say.
  std::optional<absl::Duration> retry_delay;
};

// A response with another status than 200. `now` is the clock's time when it
// came, for retry-after as a date. Bodies that are no JSON go by the status.
ApiError ClassifyResponse(int http_status, const ErrorHeaders& headers,
                          std::string_view body, absl::Time now);

// An error event inside a 200 stream.
ApiError ClassifyStreamError(const StreamError& error,
                             const ErrorHeaders& headers, absl::Time now);

// A failure of our own types, always retryable: kConnectionError,
// kIncompleteStream, kStalledStream, kMalformedStream.
ApiError TransportError(std::string_view type, std::string_view message,
                        const ErrorHeaders& headers);

// The server's wish: retry-after-ms, else retry-after; nullopt when absent,
// malformed, not positive or beyond 2^31-1 ms.
std::optional<absl::Duration> RetryDelay(const ErrorHeaders& headers,
                                         absl::Time now);

}  // namespace anabranch::claude
