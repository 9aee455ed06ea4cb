#include "orchestrator/rpc/run_notifier.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace anabranch::rpc {
namespace {

// Bounds a wait, so that conversion to chrono cannot overflow.
constexpr absl::Duration kWaitMax = absl::Hours(1);

}  // namespace

RunNotifier::RunNotifier(Clock& clock) : clock_(clock) {
  thread_ = std::thread([this] { Loop(); });
}

RunNotifier::~RunNotifier() { Stop(); }

uint64_t RunNotifier::Subscribe(Uid uid, Callback callback) {
  std::unique_lock<std::mutex> lock(mutex_);
  uint64_t id = next_id_++;
  if (stopping_) {
    lock.unlock();
    callback(Wake{.stopping = true});
    return id;
  }
  Subscriber& subscriber = subscribers_[id];
  subscriber.uid = uid;
  subscriber.callback = std::make_shared<Callback>(std::move(callback));
  by_run_.emplace(uid, id);
  return id;
}

void RunNotifier::Unsubscribe(uint64_t subscription) {
  // Destroyed outside the lock: it may own what waited.
  std::shared_ptr<Callback> callback;
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = subscribers_.find(subscription);
  if (it == subscribers_.end()) return;
  auto [begin, end] = by_run_.equal_range(it->second.uid);
  auto entry = std::find_if(
      begin, end, [&](const auto& e) { return e.second == subscription; });
  if (entry != end) by_run_.erase(entry);
  callback = std::move(it->second.callback);
  subscribers_.erase(it);
}

void RunNotifier::RunChanged(Uid uid) { WakeRun(uid, Wake{.changed = true}); }

void RunNotifier::ProgressArrived(Uid uid) {
  WakeRun(uid, Wake{.progress = true});
}

void RunNotifier::WakeRun(Uid uid, Wake wake) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto [begin, end] = by_run_.equal_range(uid);
  for (auto it = begin; it != end; ++it) {
    Queue(it->second, subscribers_.at(it->second), wake);
  }
}

void RunNotifier::Queue(uint64_t id, Subscriber& subscriber, Wake wake) {
  subscriber.pending.changed |= wake.changed;
  subscriber.pending.progress |= wake.progress;
  subscriber.pending.stopping |= wake.stopping;
  if (subscriber.queued) return;
  subscriber.queued = true;
  ready_.push_back(id);
  if (ready_.size() == 1) work_.notify_one();
}

void RunNotifier::RunSoon(std::function<void()> task) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (stopping_) {
    lock.unlock();
    task();
    return;
  }
  tasks_.push_back(std::move(task));
  if (tasks_.size() == 1) work_.notify_one();
}

uint64_t RunNotifier::RunAfter(absl::Duration delay,
                               std::function<void()> task) {
  absl::Duration due = clock_.Steady() + std::max(delay, absl::ZeroDuration());
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t id = next_id_++;
  if (stopping_) return id;
  auto it = timers_.emplace(TimerKey(due, id), std::move(task)).first;
  timer_times_.emplace(id, due);
  if (it == timers_.begin()) work_.notify_one();
  return id;
}

void RunNotifier::CancelTimer(uint64_t timer) {
  std::function<void()> task;
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = timer_times_.find(timer);
  if (it == timer_times_.end()) return;
  auto entry = timers_.find(TimerKey(it->second, timer));
  if (entry != timers_.end()) {
    task = std::move(entry->second);
    timers_.erase(entry);
  }
  timer_times_.erase(it);
}

void RunNotifier::Loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    RunReady(lock);
    if (stopping_ && ready_.empty() && tasks_.empty()) return;
    if (RunDueTimer(lock) || !ready_.empty() || !tasks_.empty()) continue;
    absl::Duration wait = kWaitMax;
    if (!timers_.empty()) {
      wait = std::min(wait, timers_.begin()->first.first - clock_.Steady());
    }
    if (wait > absl::ZeroDuration()) {
      work_.wait_for(lock, absl::ToChronoMicroseconds(wait) +
                               std::chrono::microseconds(1));
    }
  }
}

void RunNotifier::RunReady(std::unique_lock<std::mutex>& lock) {
  while (!tasks_.empty()) {
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
  while (!ready_.empty()) {
    auto it = subscribers_.find(ready_.front());
    ready_.pop_front();
    if (it == subscribers_.end()) continue;
    Wake wake = std::exchange(it->second.pending, Wake());
    it->second.queued = false;
    std::shared_ptr<Callback> callback = it->second.callback;
    lock.unlock();
    (*callback)(wake);
    callback.reset();
    lock.lock();
  }
}

bool RunNotifier::RunDueTimer(std::unique_lock<std::mutex>& lock) {
  if (timers_.empty() || timers_.begin()->first.first > clock_.Steady()) {
    return false;
  }
  auto entry = timers_.begin();
  std::function<void()> task = std::move(entry->second);
  timer_times_.erase(entry->first.second);
  timers_.erase(entry);
  lock.unlock();
  task();
  task = nullptr;
  lock.lock();
  return true;
}

void RunNotifier::Stop() {
  std::call_once(stopped_, [this] {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
      for (auto& [id, subscriber] : subscribers_) {
        Queue(id, subscriber, Wake{.stopping = true});
      }
      work_.notify_one();
    }
    thread_.join();
    // What never ran may own reactors: let go outside the lock.
    timers_.clear();
  });
}

}  // namespace anabranch::rpc
