// Runtime: one live flow's coroutines, commands and open futures.
//
// Internal to sdk/: flow authors see FlowContext, the engine FlowInstance.
// Threads: one at a time; no locks. Pinned: coroutine frames point to it.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#error "g++ 12 miscompiles co_await expressions: build with clang 19"
#endif

namespace anabranch::sdk {

class Runtime;

// A future's state without its value. Resolved at most once.
class FutureStateBase {
 public:
  explicit FutureStateBase(Runtime* runtime) : runtime_(runtime) {}
  virtual ~FutureStateBase() = default;
  FutureStateBase(const FutureStateBase&) = delete;
  FutureStateBase& operator=(const FutureStateBase&) = delete;

  bool done() const { return done_; }
  bool failed() const { return done_ && failure_.has_value(); }
  // Only when failed().
  const anabranch::v1::Failure& failure() const { return *failure_; }

  void Fail(anabranch::v1::Failure failure);

  // Resumes `waiter` in the order of waiting, after the resolver returns.
  void Wait(std::coroutine_handle<> waiter) { waiters_.push_back(waiter); }
  // Calls `listener` when resolved, at once if it is already.
  void Listen(std::function<void()> listener);

  Runtime* runtime() const { return runtime_; }

  // The number of the command that this future stands for; 0 for none.
  int64_t seq = 0;

 protected:
  // The value is in place: wakes those who wait.
  void Resolved();

 private:
  Runtime* runtime_;
  bool done_ = false;
  std::optional<anabranch::v1::Failure> failure_;
  std::vector<std::coroutine_handle<>> waiters_;
  std::vector<std::function<void()>> listeners_;
};

template <typename T>
class FutureState : public FutureStateBase {
 public:
  using FutureStateBase::FutureStateBase;

  void Complete(T value) {
    if (done()) return;
    value_ = std::move(value);
    Resolved();
  }
  // Only when done() and not failed().
  const T& value() const { return *value_; }

 private:
  std::optional<T> value_;
};

class Runtime {
 public:
  using Payload = anabranch::v1::Payload;
  using PayloadFuture = std::shared_ptr<FutureState<Payload>>;

  Runtime() = default;
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // --- coroutine frames ---
  using Frames = std::list<std::coroutine_handle<>>;
  Frames::iterator AddFrame(std::coroutine_handle<> frame);
  void RemoveFrame(Frames::iterator frame) { frames_.erase(frame); }
  // Destroys all frames, youngest first; from then on the runtime is inert.
  void DestroyFrames();

  void MakeReady(std::coroutine_handle<> waiter);
  // Resumes until nothing is ready or the flow is stuck.
  void RunReady();
  // Inert: being destroyed, or the run is closed.
  bool inert() const { return evicting_ || closed_; }

  // --- commands ---
  // Numbers the command and queues it; nothing when inert.
  int64_t Ask(anabranch::v1::Command command);
  // What the next command will be numbered.
  int64_t next_seq() const { return last_seq_ + 1; }
  // Registers `state` as what event `seq` resolves.
  void Open(int64_t seq, PayloadFuture state);
  std::deque<anabranch::v1::Command>& commands() { return commands_; }
  // Resolves the activity, timer or refused command `seq`, if it is open.
  void CompleteOpen(int64_t seq, Payload value);
  void FailOpen(int64_t seq, anabranch::v1::Failure failure);
  // Asks for the cancellation of an open activity or timer and fails its
  // future; no effect on anything else.
  void CancelOpen(int64_t seq);
  // CancelOpen for all in order of seq; pending receives fail too.
  void CancelAll();

  // --- signals ---
  void AddSignal(const anabranch::v1::SignalReceived& signal);
  PayloadFuture Receive(const std::string& name);
  const std::list<anabranch::v1::SignalReceived>& unread_signals() const {
    return unread_;
  }

  // --- state that the instance sets ---
  absl::Time now;
  bool replaying = false;
  bool cancel_requested = false;
  uint64_t random_state = 0;
  // Set once a coroutine let an exception out.
  std::string exception;
  // More resumptions or commands than an activation may have.
  bool stuck = false;
  std::map<int64_t, Payload> recorded_markers;
  std::vector<std::string> log_lines;
  std::vector<std::shared_ptr<FutureState<Payload>>> cancel_waiters;

  // The run's closing command has been asked for: later ones are dropped.
  void Close() { closed_ = true; }
  void BeginActivation();

 private:
  struct OpenCommand {
    PayloadFuture state;
    bool is_timer = false;
  };

  Frames frames_;
  std::deque<std::coroutine_handle<>> ready_;
  std::deque<anabranch::v1::Command> commands_;
  std::map<int64_t, OpenCommand> open_;
  std::list<anabranch::v1::SignalReceived> unread_;
  std::map<std::string, std::deque<PayloadFuture>> receivers_;
  int64_t last_seq_ = 0;
  int steps_ = 0;
  bool evicting_ = false;
  bool closed_ = false;
};

}  // namespace anabranch::sdk
