// How a task ended.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::activity_worker {

// Failure types of the worker itself; those of an activity are its own.
inline constexpr std::string_view kCancelled = "cancelled";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kWorkerLeaving = "worker_leaving";
inline constexpr std::string_view kUnknownActivity = "unknown_activity_type";
inline constexpr std::string_view kInvalidInput = "invalid_input";

// A result or a failure, and what the attempt used.
struct Outcome {
  std::optional<v1::Payload> result;  // absent: `failure` says why
  v1::Failure failure;
  // The worker's own delay before the next attempt.
  std::optional<absl::Duration> next_delay;
  // Raw JSON in the API's words; may be empty, with a failure too.
  std::string usage_json;
};

// A result that is JSON text, kept byte for byte.
Outcome JsonResult(std::string json_text);

// `type` and `message` must be valid UTF-8.
Outcome FailureOf(std::string_view type, std::string_view message,
                  bool retryable);

}  // namespace anabranch::activity_worker
