// An absl::Status as an activity's failure.
#pragma once

#include "absl/status/status.h"
#include "activity_worker/core/outcome.h"

namespace anabranch::activity_worker {

// Wrong input is not retried: kInvalidInput for InvalidArgument and NotFound,
// "failed_precondition" for that; anything else is "internal", retryable.
// `status` must be an error.
Outcome FailureOfStatus(const absl::Status& status);

}  // namespace anabranch::activity_worker
