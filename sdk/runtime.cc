#include "sdk/runtime.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anabranch/v1/activity.pb.h"
#include "base/limits.h"
#include "sdk/failure.h"
#include "sdk/misuse.h"

namespace anabranch::sdk {

using anabranch::v1::Command;
using anabranch::v1::Failure;
using anabranch::v1::Payload;
using anabranch::v1::SignalReceived;

void FutureStateBase::Fail(Failure failure) {
  if (done_) return;
  failure_ = std::move(failure);
  Resolved();
}

void FutureStateBase::Wait(std::coroutine_handle<> waiter) {
  if (!runtime_->querying()) waiters_.push_back(waiter);
}

void FutureStateBase::Listen(std::function<void()> listener) {
  if (done_) {
    listener();
  } else if (!runtime_->querying()) {
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
  DestroyFramesFrom(0);
}

void Runtime::DestroyFramesFrom(size_t kept) {
  // A promise takes its frame off the list when it is destroyed.
  while (frames_.size() > kept) frames_.back().destroy();
}

void Runtime::MakeReady(std::coroutine_handle<> waiter) {
  if (!evicting_) ready_.push_back(waiter);
}

void Runtime::Finish() {
  Close();
  commands_.clear();
  ready_.clear();
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

void Runtime::KeepException() {
  std::string text = CurrentException();
  if (exception.empty()) exception = std::move(text);
}

int64_t Runtime::Ask(Command command) {
  if (inert() || stuck) return 0;
  command.set_seq(++last_seq_);
  commands_.push_back(std::move(command));
  if (commands_.size() > limits::kActivationCommandsMax) stuck = true;
  return last_seq_;
}

Runtime::OpenCommand Runtime::OpenFor(const Command& command) {
  OpenCommand open;
  switch (command.kind_case()) {
    case Command::kStartTimer:
      open.kind = Kind::kTimer;
      break;
    case Command::kStartChild:
      open.kind = Kind::kChild;
      open.waits = true;
      break;
    case Command::kContinueAsNew:
      open.kind = Kind::kContinueAsNew;
      break;
    default:
      open.waits = command.schedule_activity().options().cancellation() ==
                   anabranch::v1::CANCELLATION_TYPE_WAIT_COMPLETED;
      break;
  }
  return open;
}

Runtime::PayloadFuture Runtime::Start(Command command, const ScopePtr& scope) {
  auto state = std::make_shared<FutureState<Payload>>(this);
  OpenCommand open = OpenFor(command);
  if (open.kind == Kind::kChild) {
    state->started = std::make_shared<FutureState<std::string>>(this);
  }
  if (scope->cancelled()) {
    Failure failure = MakeFailure(kFailureCancelled, scope->why());
    if (state->started != nullptr) state->started->Fail(failure);
    state->Fail(std::move(failure));
    return state;
  }
  int64_t seq = Ask(std::move(command));
  if (seq == 0) return state;
  state->seq = seq;
  open.state = state;
  open.scope = scope;
  scope->open_commands.insert(seq);
  open_[seq] = std::move(open);
  return state;
}

Runtime::PayloadFuture Runtime::TakeOpen(int64_t seq) {
  auto it = open_.find(seq);
  if (it == open_.end()) return nullptr;
  OpenCommand open = std::move(it->second);
  open_.erase(it);
  open.scope->open_commands.erase(seq);
  return std::move(open.state);
}

void Runtime::CompleteOpen(int64_t seq, Payload value) {
  if (auto state = TakeOpen(seq)) state->Complete(std::move(value));
}

void Runtime::FailOpen(int64_t seq, Failure failure) {
  auto state = TakeOpen(seq);
  if (state == nullptr) return;
  // A child that never existed will not.
  if (state->started != nullptr) state->started->Fail(failure);
  state->Fail(std::move(failure));
}

void Runtime::ChildExists(int64_t seq, const std::string& run_id) {
  auto it = open_.find(seq);
  if (it == open_.end() || it->second.state->started == nullptr) return;
  static_cast<FutureState<std::string>&>(*it->second.state->started)
      .Complete(run_id);
}

void Runtime::CancelOpen(int64_t seq) {
  auto it = open_.find(seq);
  if (it == open_.end() || inert()) return;
  OpenCommand& open = it->second;
  if (open.kind == Kind::kContinueAsNew || open.cancel_requested) return;
  open.cancel_requested = true;
  Command command;
  if (open.kind == Kind::kTimer) {
    command.mutable_cancel_timer()->set_timer_seq(seq);
  } else if (open.kind == Kind::kChild) {
    command.mutable_cancel_child()->set_child_seq(seq);
  } else {
    command.mutable_cancel_activity()->set_activity_seq(seq);
  }
  Ask(std::move(command));
  if (open.waits) return;
  FailOpen(seq, MakeFailure(kFailureCancelled, "cancelled by the flow"));
}

void Runtime::CancelScope(ScopeState& scope, const std::string& why) {
  if (inert()) return;
  // Failing a future can make its listeners cancel more: only copies here.
  std::set<int64_t> commands;
  std::set<ScopeState::ReceiveKey> receives;
  std::set<int64_t> waiters;
  for (ScopeState* node : scope.MarkCancelled(why)) {
    commands.insert(node->open_commands.begin(), node->open_commands.end());
    receives.merge(node->open_receives);
    waiters.merge(node->waiters);
  }
  for (int64_t seq : commands) CancelOpen(seq);
  for (const auto& key : receives) FailReceive(key, why);
  for (int64_t number : waiters) {
    auto waiter = cancel_waiters_.extract(number);
    if (!waiter.empty()) waiter.mapped()->Complete(Payload());
  }
}

Runtime::PayloadFuture Runtime::WaitForCancel(const ScopePtr& scope) {
  auto state = std::make_shared<FutureState<Payload>>(this);
  if (scope->cancelled()) {
    state->Complete(Payload());
  } else if (!inert()) {
    cancel_waiters_[++last_number_] = state;
    scope->waiters.insert(last_number_);
  }
  return state;
}

void Runtime::AddSignal(const SignalReceived& signal) {
  auto it = receives_.find(signal.name());
  if (it == receives_.end()) {
    unread_.push_back(signal);
    return;
  }
  auto first = it->second.begin();
  OpenReceive receive = std::move(first->second);
  receive.scope->open_receives.erase({signal.name(), first->first});
  it->second.erase(first);
  if (it->second.empty()) receives_.erase(it);
  receive.state->Complete(signal.input());
}

void Runtime::FailReceive(const ScopeState::ReceiveKey& key,
                          const std::string& why) {
  auto it = receives_.find(key.first);
  if (it == receives_.end()) return;
  auto receive = it->second.extract(key.second);
  if (it->second.empty()) receives_.erase(it);
  if (receive.empty()) return;
  receive.mapped().state->Fail(MakeFailure(kFailureCancelled, why));
}

Runtime::PayloadFuture Runtime::Receive(const std::string& name,
                                        const ScopePtr& scope) {
  auto state = std::make_shared<FutureState<Payload>>(this);
  if (inert()) return state;
  for (auto it = unread_.begin(); it != unread_.end(); ++it) {
    if (it->name() != name) continue;
    state->Complete(it->input());
    unread_.erase(it);
    return state;
  }
  if (scope->cancelled()) {
    state->Fail(MakeFailure(kFailureCancelled, scope->why()));
  } else {
    receives_[name][++last_number_] = {state, scope};
    scope->open_receives.insert({name, last_number_});
  }
  return state;
}

const Payload* Runtime::RecordedMarker(std::string_view name) const {
  auto it = recorded_markers.find(next_seq());
  if (it == recorded_markers.end() || it->second.name() != name) return nullptr;
  return &it->second.value();
}

void Runtime::RecordMarker(std::string name, Payload value) {
  Command command;
  command.mutable_record_marker()->set_name(std::move(name));
  *command.mutable_record_marker()->mutable_value() = std::move(value);
  Ask(std::move(command));
}

absl::StatusOr<Payload> Runtime::Query(const AnswerFunction& handler,
                                       const Payload& input) {
  const size_t frames = frames_.size();
  const size_t ready = ready_.size();
  const uint64_t random = random_state;
  const auto known_patches = patches;
  const std::string known_exception = exception;
  absl::StatusOr<Payload> answer = absl::UnknownError("");
  querying_ = true;
  try {
    answer = handler(input);
    // A coroutine that the handler began keeps its exception here.
    if (exception != known_exception) {
      answer =
          absl::UnknownError(absl::StrCat("the answer threw: ", exception));
    }
  } catch (...) {
    answer = absl::UnknownError(
        absl::StrCat("the answer threw: ", CurrentException()));
  }
  DestroyFramesFrom(frames);
  querying_ = false;
  ready_.resize(ready);
  random_state = random;
  patches = known_patches;
  exception = known_exception;
  return answer;
}

}  // namespace anabranch::sdk
