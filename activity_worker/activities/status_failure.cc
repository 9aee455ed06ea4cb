#include "activity_worker/activities/status_failure.h"

#include <string>

#include "base/check.h"

namespace anabranch::activity_worker {

Outcome FailureOfStatus(const absl::Status& status) {
  AB_CHECK(!status.ok());
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
      return FailureOf(kInvalidInput, message, /*retryable=*/false);
    case absl::StatusCode::kFailedPrecondition:
      return FailureOf("failed_precondition", message, /*retryable=*/false);
    default:
      return FailureOf("internal", message, /*retryable=*/true);
  }
}

}  // namespace anabranch::activity_worker
