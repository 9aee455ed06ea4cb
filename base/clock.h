// Time as an input. Nothing in the project reads a system clock but RealClock.
#pragma once

#include "absl/time/time.h"

namespace anabranch {

// Threads: safe to call from any.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock: may jump. For what people read and for deadlines that must
  // survive a restart.
  virtual absl::Time Now() = 0;

  // Steady clock, as the time since an arbitrary origin: never jumps. For
  // timers of this process's life.
  virtual absl::Duration Steady() = 0;
};

class RealClock : public Clock {
 public:
  absl::Time Now() override;
  absl::Duration Steady() override;
};

// A clock that moves only when told to. Threads: one.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::FromUnixSeconds(1700000000))
      : now_(start) {}

  absl::Time Now() override { return now_; }
  absl::Duration Steady() override { return steady_; }

  // Moves both clocks on.
  void Advance(absl::Duration by) {
    now_ += by;
    steady_ += by;
  }

  // Moves the wall clock alone, as an operator or NTP does.
  void JumpWall(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_;
  absl::Duration steady_;
};

}  // namespace anabranch
