#include "orchestrator/rpc/run_wait.h"

#include <utility>

#include "orchestrator/rpc/waiting.h"

namespace anabranch::rpc {

uint64_t RunWait::Subscribe(Uid uid) {
  return notifier_.Subscribe(uid, [self = shared_from_this()](Wake wake) {
    if (wake.changed) self->Check();
    if (wake.stopping) self->End(WaitEnd::kStopping);
  });
}

void RunWait::Start(absl::Duration timeout) {
  auto self = shared_from_this();
  uint64_t subscription = Subscribe(uid_);
  uint64_t timer =
      notifier_.RunAfter(timeout, [self] { self->End(WaitEnd::kTimeUp); });
  bool ended = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended = ended_;
    if (!ended) {
      subscription_ = subscription;
      timer_ = timer;
      started_ = true;
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
  while (true) {
    Uid uid;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      // Start checks once more when it has subscribed.
      if (!started_ || ended_) return;
      uid = uid_;
    }
    auto run = reads_.ReadStatus(uid);
    // What cannot be read cannot be waited for: the answer will say why.
    if (!run.ok() || IsClosed(run->state())) return End(WaitEnd::kClosed);
    if (run->state() != anabranch::v1::RUN_STATE_CONTINUED_AS_NEW) return;
    if (!Follow(uid, *run)) return End(WaitEnd::kClosed);
  }
}

bool RunWait::Follow(Uid ended, const anabranch::v1::Run& run) {
  auto current = reads_.Find({run.namespace_(), run.run_id()});
  if (!current.ok() || *current == ended) return false;
  // Before its status is read, so that no change falls in between.
  uint64_t subscription = Subscribe(*current);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!ended_ && subscription_.has_value() && uid_ == ended) {
      std::swap(subscription, *subscription_);
      uid_ = *current;
    }
  }
  notifier_.Unsubscribe(subscription);
  return true;
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
