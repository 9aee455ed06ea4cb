#include "orchestrator/shard/timer_queue.h"

namespace anabranch::shard {

void TimerQueue::Arm(const TimerKey& key, absl::Duration deadline) {
  Disarm(key);
  deadlines_[key] = deadline;
  order_.emplace(deadline, key);
}

void TimerQueue::Disarm(const TimerKey& key) {
  auto it = deadlines_.find(key);
  if (it == deadlines_.end()) return;
  order_.erase({it->second, key});
  deadlines_.erase(it);
}

void TimerQueue::DisarmActivity(ActivityId id) {
  auto it = deadlines_.upper_bound({id, TimerKind::kFlowTimer});
  while (it != deadlines_.end() && it->first.id == id) {
    order_.erase({it->second, it->first});
    it = deadlines_.erase(it);
  }
}

std::vector<TimerKey> TimerQueue::DisarmAll(Uid uid) {
  std::vector<TimerKey> armed;
  auto it = deadlines_.lower_bound({{uid, 0}, TimerKind::kFlowTimer});
  while (it != deadlines_.end() && it->first.id.uid == uid) {
    armed.push_back(it->first);
    order_.erase({it->second, it->first});
    it = deadlines_.erase(it);
  }
  return armed;
}

std::optional<TimerKey> TimerQueue::PopDue(absl::Duration now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  TimerKey key = order_.begin()->second;
  Disarm(key);
  return key;
}

std::optional<absl::Duration> TimerQueue::Next() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

}  // namespace anabranch::shard
