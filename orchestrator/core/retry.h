// When a failed attempt is tried again. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "anabranch/v1/activity.pb.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::core {

namespace api = anabranch::v1;

// `*` matches any run of characters, `?` any one; the whole text must match.
bool GlobMatches(std::string_view glob, std::string_view text);

// interval(tries) × (1 − jitter × u), and never below `worker_delay`.
// `tries` ≥ 1 have been made; u in [0, 1).
absl::Duration RetryDelay(const api::RetryPolicy& policy, int tries, double u,
                          std::optional<absl::Duration> worker_delay);

// True when the policy and the failure itself allow another attempt; counts
// of attempts are not looked at.
bool MayRetry(const api::RetryPolicy& policy, const api::Failure& failure);

}  // namespace anabranch::core
