#include "sdk/failure.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"

namespace anabranch::sdk {
namespace {

using anabranch::v1::Failure;

constexpr char kFailureUrl[] = "type.googleapis.com/anabranch.v1.Failure";

absl::StatusCode CodeOf(const Failure& failure) {
  if (failure.type() == kFailureCancelled) return absl::StatusCode::kCancelled;
  if (failure.type() == kFailureTimeout) {
    return absl::StatusCode::kDeadlineExceeded;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace

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
