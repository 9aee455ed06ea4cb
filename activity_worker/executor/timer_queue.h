// Callbacks at given times, in the order of their times.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/time/time.h"

namespace anabranch::activity_worker {

using TimerId = uint64_t;  // 0 is none

// Threads: one. Times are steady.
class TimerQueue {
 public:
  using Callback = std::function<void()>;

  TimerId Schedule(absl::Duration at, Callback callback);

  // Harmless for 0 and for timers that have fired.
  void Cancel(TimerId id);

  // Calls what is due at `now`. A callback may schedule and cancel; what it
  // schedules runs in a later call.
  void RunDue(absl::Duration now);

  // Infinite when there is none.
  absl::Duration Next() const;

 private:
  using Key = std::pair<absl::Duration, TimerId>;

  std::map<Key, Callback> timers_;
  std::map<TimerId, absl::Duration> times_;
  TimerId next_id_ = 1;
};

}  // namespace anabranch::activity_worker
