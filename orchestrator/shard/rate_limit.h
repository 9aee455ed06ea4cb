// RateLimit: how many per second, and how many at once after a quiet time.
#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace anabranch::shard {

// A token bucket, kept as the time at which it will be full again (the generic
// cell rate algorithm): whole durations, so that what is allowed at a time is
// exactly what NextAllowed named. A value type; starts full.
class RateLimit {
 public:
  // No limit.
  RateLimit() = default;
  // `per_second` > 0; `burst` 0 means max(1, per_second).
  RateLimit(double per_second, int burst)
      : interval_(absl::Seconds(1) / per_second),
        depth_((burst > 0 ? burst : std::max(1.0, per_second)) - 1) {}

  bool limited() const { return interval_ > absl::ZeroDuration(); }

  // When the next one may go; in the past when it may now.
  absl::Duration NextAllowed() const { return full_at_ - interval_ * depth_; }
  bool Allows(absl::Duration now) const {
    return !limited() || NextAllowed() <= now;
  }

  void Take(absl::Duration now) {
    full_at_ = std::max(full_at_, now) + interval_;
  }
  // What was taken was not used.
  void GiveBack() { full_at_ -= interval_; }

  // Goes on from another limit: a change must not be a way around it.
  void Continue(const RateLimit& before, absl::Duration now) {
    if (!before.limited()) return;
    full_at_ = std::min(before.full_at_, now + interval_ * (depth_ + 1));
  }

 private:
  absl::Duration interval_ = absl::ZeroDuration();
  double depth_ = 0;
  absl::Duration full_at_ = -absl::InfiniteDuration();
};

}  // namespace anabranch::shard
