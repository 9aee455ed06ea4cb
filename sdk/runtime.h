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
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "sdk/answers.h"
#include "sdk/scope_state.h"

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
  // Never in a query, whose frames are gone by then.
  void Wait(std::coroutine_handle<> waiter);
  // Calls `listener` when resolved, at once if it is already. One that a query
  // leaves behind is dropped.
  void Listen(std::function<void()> listener);

  Runtime* runtime() const { return runtime_; }

  // The number of the command that this future stands for; 0 for none.
  int64_t seq = 0;
  // Of a child: closes with its id when it exists; a FutureState<std::string>.
  std::shared_ptr<FutureStateBase> started;

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
  using ScopePtr = std::shared_ptr<ScopeState>;

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
  // Inert: being destroyed, closed, or answering a query.
  bool inert() const { return evicting_ || closed_ || querying_; }
  bool querying() const { return querying_; }
  // Within a catch block: the exception is the flow's.
  void KeepException();

  // --- commands ---
  // Numbers the command and queues it; 0 and nothing when inert.
  int64_t Ask(anabranch::v1::Command command);
  // Asks for `command` and returns the future that its event resolves. In a
  // cancelled scope it asks for nothing and the future has failed; inert, the
  // future stays open: nobody will look at it.
  PayloadFuture Start(anabranch::v1::Command command, const ScopePtr& scope);
  // What the next command will be numbered.
  int64_t next_seq() const { return last_seq_ + 1; }
  std::deque<anabranch::v1::Command>& commands() { return commands_; }
  // Resolves the activity, timer, child or refused command `seq`, if it is
  // open.
  void CompleteOpen(int64_t seq, Payload value);
  void FailOpen(int64_t seq, anabranch::v1::Failure failure);
  // The child `seq` exists.
  void ChildExists(int64_t seq, const std::string& run_id);
  // Asks for the cancellation of an open activity, timer or child. The future
  // fails at once where nobody's answer is waited for. No effect on anything
  // else, nor a second time.
  void CancelOpen(int64_t seq);

  // --- scopes ---
  // Cancelled with the run.
  const ScopePtr& root_scope() const { return root_scope_; }
  // Cancels what is open in `scope` and below: commands in order of number,
  // then receives, then those who wait for the cancellation itself.
  void CancelScope(ScopeState& scope, const std::string& why);
  // Closes when `scope` is cancelled.
  PayloadFuture WaitForCancel(const ScopePtr& scope);

  // --- signals ---
  void AddSignal(const anabranch::v1::SignalReceived& signal);
  PayloadFuture Receive(const std::string& name, const ScopePtr& scope);
  const std::list<anabranch::v1::SignalReceived>& unread_signals() const {
    return unread_;
  }

  // --- markers ---
  // The recorded marker that the next command must be, if it has that name.
  const Payload* RecordedMarker(std::string_view name) const;
  void RecordMarker(std::string name, Payload value);

  // --- queries ---
  // Runs `handler` so that nothing it does to the runtime lasts.
  absl::StatusOr<Payload> Query(const AnswerFunction& handler,
                                const Payload& input);
  const std::shared_ptr<AnswerTable>& answers() const { return answers_; }

  // --- state that the instance sets ---
  absl::Time now;
  bool replaying = false;
  bool cancel_requested = false;
  uint64_t random_state = 0;
  // Set once the flow let an exception out: the first one, as it says the most.
  std::string exception;
  // More resumptions or commands than an activation may have.
  bool stuck = false;
  bool continue_as_new_suggested = false;
  // Of the activation in hand, by number.
  std::map<int64_t, anabranch::v1::MarkerRecorded> recorded_markers;
  std::vector<std::string> log_lines;
  // The first answer of each patch: it holds.
  std::map<std::string, bool, std::less<>> patches;

  // The run's closing command has been asked for: later ones are dropped.
  void Close() { closed_ = true; }
  // The run is closed: commands that were not taken are void.
  void Finish();
  void BeginActivation();

 private:
  // What an open future stands for, and what cancelling it does:
  //
  //   kind                  CancelOpen asks for  and the future
  //   kActivity             CancelActivity       fails at once
  //   kActivity, waits      CancelActivity       closes with its event
  //   kTimer                CancelTimer          fails at once
  //   kChild                CancelChild          closes with its event
  //   kContinueAsNew        nothing              stays
  enum class Kind { kActivity, kTimer, kChild, kContinueAsNew };
  struct OpenCommand {
    PayloadFuture state;
    ScopePtr scope;
    Kind kind = Kind::kActivity;
    // Its own event closes it, also after a cancellation was asked for.
    bool waits = false;
    bool cancel_requested = false;
  };
  struct OpenReceive {
    PayloadFuture state;
    ScopePtr scope;
  };

  static OpenCommand OpenFor(const anabranch::v1::Command& command);
  // Takes `seq` off the open ones; null when it is none.
  PayloadFuture TakeOpen(int64_t seq);
  void FailReceive(const ScopeState::ReceiveKey& key, const std::string& why);
  void DestroyFramesFrom(size_t kept);

  Frames frames_;
  std::deque<std::coroutine_handle<>> ready_;
  std::deque<anabranch::v1::Command> commands_;
  std::map<int64_t, OpenCommand> open_;
  std::list<anabranch::v1::SignalReceived> unread_;
  // By name, then in the order of asking.
  std::map<std::string, std::map<int64_t, OpenReceive>> receives_;
  std::map<int64_t, PayloadFuture> cancel_waiters_;
  ScopePtr root_scope_ = std::make_shared<ScopeState>();
  std::shared_ptr<AnswerTable> answers_ = std::make_shared<AnswerTable>();
  int64_t last_seq_ = 0;
  // Of receives and cancel waiters.
  int64_t last_number_ = 0;
  int steps_ = 0;
  bool evicting_ = false;
  bool closed_ = false;
  bool querying_ = false;
};

}  // namespace anabranch::sdk
