// RunNotifier: wakes what waits for a run.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/ids.h"

namespace anabranch::rpc {

// What happened since the last call; several at once are possible.
struct Wake {
  // History, an activity or the state changed.
  bool changed = false;
  // Streamed output arrived.
  bool progress = false;
  // The server is going down: the last call.
  bool stopping = false;
};

// Callbacks run on the notifier's own thread, so that neither the shard nor
// gRPC's threads pay for reading and writing out what was waited for. They
// must not block for long.
// Threads: any. The clock outlives it.
class RunNotifier {
 public:
  using Callback = std::function<void(Wake)>;

  explicit RunNotifier(Clock& clock);
  ~RunNotifier();
  RunNotifier(const RunNotifier&) = delete;
  RunNotifier& operator=(const RunNotifier&) = delete;

  // Calls `callback` for each change of the run from now on. Changes that come
  // while a call is due are one call. After Stop it is called once at once.
  uint64_t Subscribe(Uid uid, Callback callback);
  // A call under way is not waited for.
  void Unsubscribe(uint64_t subscription);

  void RunChanged(Uid uid);
  void ProgressArrived(Uid uid);

  // Runs `task` soon; after Stop at once, on the calling thread.
  void RunSoon(std::function<void()> task);
  // Runs `task` after `delay`, unless cancelled; after Stop never.
  uint64_t RunAfter(absl::Duration delay, std::function<void()> task);
  void CancelTimer(uint64_t timer);

  // Tells every subscriber that it is the end, and ends the thread.
  // Idempotent.
  void Stop();

 private:
  struct Subscriber {
    Uid uid;
    std::shared_ptr<Callback> callback;
    Wake pending;
    bool queued = false;
  };
  using TimerKey = std::pair<absl::Duration, uint64_t>;

  void WakeRun(Uid uid, Wake wake);
  void Queue(uint64_t id, Subscriber& subscriber, Wake wake);
  void Loop();
  bool RunDueTimer(std::unique_lock<std::mutex>& lock);
  void RunReady(std::unique_lock<std::mutex>& lock);

  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable work_;
  bool stopping_ = false;
  uint64_t next_id_ = 1;
  std::unordered_map<uint64_t, Subscriber> subscribers_;
  std::multimap<Uid, uint64_t> by_run_;
  std::deque<uint64_t> ready_;
  std::deque<std::function<void()>> tasks_;
  std::map<TimerKey, std::function<void()>> timers_;
  std::unordered_map<uint64_t, absl::Duration> timer_times_;
  std::once_flag stopped_;
  std::thread thread_;
};

}  // namespace anabranch::rpc
