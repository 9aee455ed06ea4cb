#include "sdk/failure.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"

namespace anabranch::sdk {
namespace {

using anabranch::v1::Failure;
using anabranch::v1::RetryState;
using anabranch::v1::TimeoutType;

constexpr char kFailureUrl[] = "type.googleapis.com/anabranch.v1.Failure";

absl::StatusCode CodeOf(const Failure& failure) {
  if (failure.type() == kFailureCancelled) return absl::StatusCode::kCancelled;
  if (failure.type() == kFailureTimeout) {
    return absl::StatusCode::kDeadlineExceeded;
  }
  return absl::StatusCode::kUnknown;
}

// The value's name as people write it: without its enum's prefix.
std::string NameOf(TimeoutType type) {
  return anabranch::v1::TimeoutType_Name(type).substr(sizeof("TIMEOUT_TYPE_") -
                                                      1);
}
std::string NameOf(RetryState state) {
  return anabranch::v1::RetryState_Name(state).substr(sizeof("RETRY_STATE_") -
                                                      1);
}

std::string RetryJson(RetryState state) {
  return "\"retry_state\":\"" + NameOf(state) + "\"}";
}
std::string TimeoutJson(TimeoutType type) {
  return "{\"timeout\":\"" + NameOf(type) + "\",";
}

const char* TimeoutMessage(TimeoutType type) {
  switch (type) {
    case anabranch::v1::TIMEOUT_TYPE_START_TO_CLOSE:
      return "an attempt exceeded start_to_close_timeout";
    case anabranch::v1::TIMEOUT_TYPE_SCHEDULE_TO_START:
      return "no worker took the activity within schedule_to_start_timeout";
    case anabranch::v1::TIMEOUT_TYPE_HEARTBEAT:
      return "an attempt sent no heartbeat for heartbeat_timeout";
    default:
      return "the activity exceeded schedule_to_close_timeout";
  }
}

}  // namespace

Failure FailureOfActivity(const anabranch::v1::ActivityFailed& failed) {
  Failure failure = failed.failure();
  if (!failure.has_details() &&
      failed.retry_state() != anabranch::v1::RETRY_STATE_UNSPECIFIED) {
    failure.mutable_details()->set_json_text("{" +
                                             RetryJson(failed.retry_state()));
  }
  return failure;
}

Failure FailureOfActivity(const anabranch::v1::ActivityTimedOut& timed_out) {
  Failure failure =
      MakeFailure(kFailureTimeout, TimeoutMessage(timed_out.timeout_type()));
  failure.mutable_details()->set_json_text(
      TimeoutJson(timed_out.timeout_type()) +
      RetryJson(timed_out.retry_state()));
  return failure;
}

TimeoutType TimeoutOf(const Failure& failure) {
  for (int i = anabranch::v1::TimeoutType_MAX; i > 0; --i) {
    auto type = static_cast<TimeoutType>(i);
    if (failure.type() == kFailureTimeout &&
        failure.details().json_text().starts_with(TimeoutJson(type))) {
      return type;
    }
  }
  return anabranch::v1::TIMEOUT_TYPE_UNSPECIFIED;
}

RetryState RetryStateOf(const Failure& failure) {
  for (int i = anabranch::v1::RetryState_MAX; i > 0; --i) {
    auto state = static_cast<RetryState>(i);
    if (failure.details().json_text().ends_with(RetryJson(state))) {
      return state;
    }
  }
  return anabranch::v1::RETRY_STATE_UNSPECIFIED;
}

Failure MakeFailure(std::string_view type, std::string_view message,
                    bool retryable) {
  Failure failure;
  failure.set_type(std::string(type));
  failure.set_message(std::string(message));
  failure.set_retryable(retryable);
  return failure;
}

absl::Status StatusFromFailure(const Failure& failure) {
  absl::Status status(CodeOf(failure),
                      failure.type() + ": " + failure.message());
  const std::string bytes = failure.SerializeAsString();
  status.SetPayload(kFailureUrl, absl::Cord(absl::string_view(bytes)));
  return status;
}

Failure FailureOf(const absl::Status& status) {
  Failure failure;
  auto payload = status.GetPayload(kFailureUrl);
  if (payload.has_value() && failure.ParseFromString(std::string(*payload))) {
    return failure;
  }
  std::string type =
      status.code() == absl::StatusCode::kCancelled
          ? kFailureCancelled
          : absl::AsciiStrToLower(absl::StatusCodeToString(status.code()));
  return MakeFailure(type, std::string(status.message()));
}

}  // namespace anabranch::sdk
