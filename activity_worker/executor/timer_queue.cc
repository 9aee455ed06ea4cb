#include "activity_worker/executor/timer_queue.h"

namespace anabranch::activity_worker {

TimerId TimerQueue::Schedule(absl::Duration at, Callback callback) {
  const TimerId id = next_id_++;
  timers_.emplace(Key(at, id), std::move(callback));
  times_.emplace(id, at);
  return id;
}

void TimerQueue::Cancel(TimerId id) {
  const auto it = times_.find(id);
  if (it == times_.end()) return;
  timers_.erase(Key(it->second, id));
  times_.erase(it);
}

void TimerQueue::RunDue(absl::Duration now) {
  const TimerId end = next_id_;
  while (!timers_.empty()) {
    const auto it = timers_.begin();
    const auto [at, id] = it->first;
    if (at > now || id >= end) return;
    const Callback callback = std::move(it->second);
    timers_.erase(it);
    times_.erase(id);
    callback();
  }
}

absl::Duration TimerQueue::Next() const {
  return timers_.empty() ? absl::InfiniteDuration()
                         : timers_.begin()->first.first;
}

}  // namespace anabranch::activity_worker
