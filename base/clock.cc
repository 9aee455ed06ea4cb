#include "base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace anabranch {

absl::Time RealClock::Now() { return absl::Now(); }

absl::Duration RealClock::Steady() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace anabranch
