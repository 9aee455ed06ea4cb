#include "orchestrator/rpc/long_poll.h"

#include <algorithm>
#include <chrono>

namespace anabranch::rpc {
namespace {

constexpr absl::Duration kPollMax = absl::Hours(1);
constexpr absl::Duration kMarginMax = absl::Seconds(1);

}  // namespace

void LongPoll::Begin(Backend& backend, Uid uid, absl::Duration timeout,
                     std::function<grpc::Status(WaitEnd)> answer) {
  auto wait = std::make_shared<RunWait>(
      backend.notifier, backend.reads, uid,
      [this, answer = std::move(answer)](WaitEnd end) { Finish(answer(end)); });
  bool cancelled = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    wait_ = wait;
    cancelled = cancelled_;
  }
  // From here on the reactor may be gone at any time.
  if (cancelled) {
    wait->Cancel();
  } else {
    wait->Start(timeout);
  }
}

void LongPoll::OnCancel() {
  std::shared_ptr<RunWait> wait;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    cancelled_ = true;
    wait = wait_;
  }
  if (wait != nullptr) wait->Cancel();
}

absl::Duration PollTimeout(const grpc::CallbackServerContext& context,
                           absl::Duration wanted) {
  wanted = std::clamp(wanted, absl::ZeroDuration(), kPollMax);
  auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return wanted;
  absl::Duration left =
      absl::FromChrono(deadline - std::chrono::system_clock::now());
  absl::Duration margin = std::min(kMarginMax, left / 5);
  return std::clamp(left - margin, absl::ZeroDuration(), wanted);
}

}  // namespace anabranch::rpc
