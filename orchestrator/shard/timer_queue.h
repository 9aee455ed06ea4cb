// TimerQueue: what is due when, by the steady clock.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/ids.h"

namespace anabranch::shard {

enum class TimerKind {
  // A flow's own timer.
  kFlowTimer,
  // An activity's next attempt becomes ready.
  kBackoff,
  // An attempt's start_to_close_timeout.
  kAttemptDeadline,
  // An activity's schedule_to_close_timeout.
  kCloseDeadline,
  // The run's own; its seq is 0.
  kRunDeadline,
  // An activity's schedule_to_start_timeout.
  kStartDeadline,
  // A running attempt's heartbeat_timeout.
  kHeartbeatDeadline,
  // What heartbeats left is to be recorded: it may be done once a second.
  kHeartbeatRecord,
};

struct TimerKey {
  ActivityId id;
  TimerKind kind = TimerKind::kFlowTimer;
  auto operator<=>(const TimerKey&) const = default;
};

// Under its shard's role. Order: (deadline, uid, seq, kind), so that equal
// deadlines fire in one order everywhere.
class TimerQueue {
 public:
  // Arms, or arms anew.
  void Arm(const TimerKey& key, absl::Duration deadline);
  bool IsArmed(const TimerKey& key) const { return deadlines_.contains(key); }
  // No effect when it is not armed.
  void Disarm(const TimerKey& key);
  // Disarms everything of one activity.
  void DisarmActivity(ActivityId id);
  // Disarms everything of one run; returns what was armed.
  std::vector<TimerKey> DisarmAll(Uid uid);
  // The first timer whose deadline is not after `now`, taken off.
  std::optional<TimerKey> PopDue(absl::Duration now);
  // The next deadline.
  std::optional<absl::Duration> Next() const;

 private:
  std::set<std::pair<absl::Duration, TimerKey>> order_;
  std::map<TimerKey, absl::Duration> deadlines_;
};

}  // namespace anabranch::shard
