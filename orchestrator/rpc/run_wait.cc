#include "orchestrator/rpc/run_wait.h"

#include <utility>

#include "orchestrator/rpc/waiting.h"

namespace anabranch::rpc {

void RunWait::Start(absl::Duration timeout) {
  auto self = shared_from_this();
  uint64_t subscription = notifier_.Subscribe(uid_, [self](Wake wake) {
    if (wake.changed) self->Check();
    if (wake.stopping) self->End(WaitEnd::kStopping);
  });
  uint64_t timer =
      notifier_.RunAfter(timeout, [self] { self->End(WaitEnd::kTimeUp); });
  bool ended = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended = ended_;
    if (!ended) {
      subscription_ = subscription;
      timer_ = timer;
    }
  }
  if (ended) {
    notifier_.Unsubscribe(subscription);
    notifier_.CancelTimer(timer);
    return;
  }
  // After subscribing, so that no change falls in between.
  Check();
  if (timeout <= absl::ZeroDuration()) End(WaitEnd::kTimeUp);
}

void RunWait::Check() {
  auto run = reads_.ReadStatus(uid_);
  // What cannot be read cannot be waited for: the answer will say why.
  if (!run.ok() || IsClosed(run->state())) End(WaitEnd::kClosed);
}

void RunWait::End(WaitEnd end) {
  std::function<void(WaitEnd)> done;
  std::optional<uint64_t> subscription;
  std::optional<uint64_t> timer;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    ended_ = true;
    done = std::move(done_);
    subscription = subscription_;
    timer = timer_;
  }
  if (subscription.has_value()) notifier_.Unsubscribe(*subscription);
  if (timer.has_value()) notifier_.CancelTimer(*timer);
  done(end);
}

}  // namespace anabranch::rpc
