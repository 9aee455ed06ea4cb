#include "sdk/runtime.h"

#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "sdk/failure.h"

namespace anabranch::sdk {

using anabranch::v1::Command;
using anabranch::v1::Failure;
using anabranch::v1::SignalReceived;

void FutureStateBase::Fail(Failure failure) {
  if (done_) return;
  failure_ = std::move(failure);
  Resolved();
}

void FutureStateBase::Listen(std::function<void()> listener) {
  if (done_) {
    listener();
  } else {
    listeners_.push_back(std::move(listener));
  }
}

void FutureStateBase::Resolved() {
  done_ = true;
  for (std::coroutine_handle<> waiter : std::exchange(waiters_, {})) {
    runtime_->MakeReady(waiter);
  }
  for (auto& listener : std::exchange(listeners_, {})) listener();
}

Runtime::~Runtime() { DestroyFrames(); }

Runtime::Frames::iterator Runtime::AddFrame(std::coroutine_handle<> frame) {
  return frames_.insert(frames_.end(), frame);
}

void Runtime::DestroyFrames() {
  evicting_ = true;
  ready_.clear();
  // A promise takes its frame off the list when it is destroyed.
  while (!frames_.empty()) frames_.back().destroy();
}

void Runtime::MakeReady(std::coroutine_handle<> waiter) {
  if (!evicting_) ready_.push_back(waiter);
}

void Runtime::BeginActivation() { steps_ = 0; }

void Runtime::RunReady() {
  while (!ready_.empty() && !stuck && exception.empty()) {
    if (++steps_ > limits::kActivationCommandsMax) {
      stuck = true;
      return;
    }
    std::coroutine_handle<> next = ready_.front();
    ready_.pop_front();
    next.resume();
  }
}

int64_t Runtime::Ask(Command command) {
  if (inert() || stuck) return 0;
  command.set_seq(++last_seq_);
  commands_.push_back(std::move(command));
  if (commands_.size() > limits::kActivationCommandsMax) stuck = true;
  return last_seq_;
}

void Runtime::Open(int64_t seq, PayloadFuture state) {
  state->seq = seq;
  bool is_timer = !commands_.empty() && commands_.back().has_start_timer();
  open_[seq] = OpenCommand{std::move(state), is_timer};
}

void Runtime::CompleteOpen(int64_t seq, Payload value) {
  auto it = open_.find(seq);
  if (it == open_.end()) return;
  PayloadFuture state = std::move(it->second.state);
  open_.erase(it);
  state->Complete(std::move(value));
}

void Runtime::FailOpen(int64_t seq, Failure failure) {
  auto it = open_.find(seq);
  if (it == open_.end()) return;
  PayloadFuture state = std::move(it->second.state);
  open_.erase(it);
  state->Fail(std::move(failure));
}

void Runtime::CancelOpen(int64_t seq) {
  auto it = open_.find(seq);
  if (it == open_.end() || inert()) return;
  Command command;
  if (it->second.is_timer) {
    command.mutable_cancel_timer()->set_timer_seq(seq);
  } else {
    command.mutable_cancel_activity()->set_activity_seq(seq);
  }
  Ask(std::move(command));
  FailOpen(seq, MakeFailure(kFailureCancelled, "cancelled by the flow"));
}

void Runtime::CancelAll() {
  std::vector<int64_t> seqs;
  seqs.reserve(open_.size());
  for (const auto& [seq, open] : open_) seqs.push_back(seq);
  for (int64_t seq : seqs) CancelOpen(seq);
  for (auto& [name, queue] : std::exchange(receivers_, {})) {
    for (PayloadFuture& receiver : queue) {
      receiver->Fail(MakeFailure(kFailureCancelled,
                                 "cancellation of the run was requested"));
    }
  }
}

void Runtime::AddSignal(const SignalReceived& signal) {
  auto it = receivers_.find(signal.name());
  if (it == receivers_.end()) {
    unread_.push_back(signal);
    return;
  }
  PayloadFuture receiver = std::move(it->second.front());
  it->second.pop_front();
  if (it->second.empty()) receivers_.erase(it);
  receiver->Complete(signal.input());
}

Runtime::PayloadFuture Runtime::Receive(const std::string& name) {
  auto state = std::make_shared<FutureState<Payload>>(this);
  for (auto it = unread_.begin(); it != unread_.end(); ++it) {
    if (it->name() != name) continue;
    state->Complete(it->input());
    unread_.erase(it);
    return state;
  }
  if (cancel_requested) {
    state->Fail(MakeFailure(kFailureCancelled,
                            "cancellation of the run was requested"));
  } else {
    receivers_[name].push_back(state);
  }
  return state;
}

}  // namespace anabranch::sdk
