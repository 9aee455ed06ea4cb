// A failed call to the Messages API as an activity's failure.
#pragma once

#include <string_view>

#include "activity_worker/activities/api_endpoint.h"
#include "activity_worker/core/outcome.h"
#include "claude/api_error.h"

namespace anabranch::activity_worker {

// `response` is what the API sent, shown in the details when it is small JSON.
// Nothing in the outcome contains the endpoint's key.
Outcome FailureOfApi(const claude::ApiError& error, std::string_view response,
                     const ApiEndpoint& endpoint);

}  // namespace anabranch::activity_worker
