// Waiting for what another process does, where nothing can be waited on.
#pragma once

#include <poll.h>

#include <functional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace anabranch::support {

// Long enough for a machine under load; a condition that holds ends the wait.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// Asks until `condition` holds; false when it did not within `timeout`.
inline bool Await(const std::function<bool()>& condition,
                  absl::Duration timeout = kPatience) {
  constexpr int kPauseMs = 5;  // the load of asking, against the delay
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    poll(nullptr, 0, kPauseMs);
  }
  return true;
}

}  // namespace anabranch::support
