#include "orchestrator/core/retry.h"

#include <algorithm>
#include <cmath>

#include "base/proto_time.h"

namespace anabranch::core {

bool GlobMatches(std::string_view glob, std::string_view text) {
  size_t g = 0, t = 0;
  size_t star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

absl::Duration RetryDelay(const api::RetryPolicy& policy, int tries, double u,
                          std::optional<absl::Duration> worker_delay) {
  absl::Duration maximum = FromProto(policy.maximum_interval());
  // Doubles, bounded before they become a duration: coefficient^tries may
  // overflow.
  double seconds = absl::ToDoubleSeconds(FromProto(policy.initial_interval())) *
                   std::pow(policy.backoff_coefficient(), tries - 1);
  seconds = std::min(seconds, absl::ToDoubleSeconds(maximum));
  absl::Duration delay =
      absl::Seconds(seconds * (1 - policy.jitter_factor() * u));
  delay = std::clamp(delay, absl::ZeroDuration(), maximum);
  return worker_delay.has_value() ? std::max(delay, *worker_delay) : delay;
}

bool MayRetry(const api::RetryPolicy& policy, const api::Failure& failure) {
  if (!failure.retryable()) return false;
  for (const auto& glob : policy.non_retryable_types()) {
    if (GlobMatches(glob, failure.type())) return false;
  }
  if (policy.retryable_types().empty()) return true;
  for (const auto& glob : policy.retryable_types()) {
    if (GlobMatches(glob, failure.type())) return true;
  }
  return false;
}

}  // namespace anabranch::core
