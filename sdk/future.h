// Future<T>: something that a flow waits for, and the coroutine type of flows.
//
//   Future<Payload> Greet(FlowContext& ctx, FlowInput input) {
//     Future<Payload> a = ctx.Start({.type = "echo", .input = input.payload});
//     absl::StatusOr<Payload> result = co_await a;   // suspends the flow
//     if (!result.ok()) co_return result.status();
//     co_return *result;
//   }
//
// A function that returns Future<T>, takes FlowContext& first and uses co_await
// or co_return is a coroutine that starts at once and runs to its first wait;
// several run side by side. Pass all other parameters by value: references
// dangle once the caller goes on. Lambdas with captures must not be coroutines.
//
// Threads: one at a time, the flow's. Futures are cheap handles; dropping one
// does not stop what it stands for.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sdk/failure.h"
#include "sdk/misuse.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

class FlowContext;
Runtime& RuntimeOf(FlowContext& context);

// Nothing to tell but that it happened.
struct Unit {};

// Value or failure of a closed future.
template <typename T>
absl::StatusOr<T> ResultOf(const FutureState<T>& state) {
  if (state.failed()) return StatusFromFailure(state.failure());
  return state.value();
}

template <typename T>
class Future {
 public:
  class promise_type;

  // Stands for nothing, as one that was moved from does: whoever awaits it or
  // asks it anything but valid() blocks its run.
  Future() = default;
  explicit Future(std::shared_ptr<FutureState<T>> state)
      : state_(std::move(state)) {}

  // Stands for something.
  bool valid() const { return state_ != nullptr; }

  // Closed, either way.
  bool IsDone() const { return state()->done(); }
  // Closed with a value.
  bool IsCompleted() const { return IsDone() && !state_->failed(); }
  // Closed without one.
  bool IsFailed() const { return state()->failed(); }

  // These three block the run when they are asked at another time.

  // Only when IsFailed().
  const anabranch::v1::Failure& error() const {
    if (!IsFailed()) {
      ThrowMisuse(
          "error() of a Future that has not failed: ask IsFailed() first");
    }
    return state_->failure();
  }
  // Only when IsCompleted().
  const T& value() const {
    if (!IsCompleted()) {
      ThrowMisuse(
          "value() of a Future that has not completed: co_await it, or ask "
          "IsCompleted() first");
    }
    return state_->value();
  }
  // Value or failure; only when IsDone().
  absl::StatusOr<T> result() const {
    if (!IsDone()) {
      ThrowMisuse(
          "result() of a Future that is not done: co_await it, or ask "
          "IsDone() first");
    }
    return ResultOf(*state_);
  }

  const std::shared_ptr<FutureState<T>>& state() const {
    if (state_ == nullptr) ThrowEmptyFuture();
    return state_;
  }

  bool await_ready() const { return IsDone(); }
  void await_suspend(std::coroutine_handle<> waiter) { state_->Wait(waiter); }
  absl::StatusOr<T> await_resume() const { return result(); }

 private:
  std::shared_ptr<FutureState<T>> state_;
};

template <typename T>
class Future<T>::promise_type {
 public:
  template <typename... Args>
  explicit promise_type(FlowContext& context, Args&&...)
      : runtime_(RuntimeOf(context)),
        state_(std::make_shared<FutureState<T>>(&runtime_)),
        frame_(runtime_.AddFrame(
            std::coroutine_handle<promise_type>::from_promise(*this))) {}
  ~promise_type() { runtime_.RemoveFrame(frame_); }
  promise_type(const promise_type&) = delete;
  promise_type& operator=(const promise_type&) = delete;

  Future<T> get_return_object() { return Future<T>(state_); }
  std::suspend_never initial_suspend() const noexcept { return {}; }
  std::suspend_never final_suspend() const noexcept { return {}; }

  void return_value(absl::StatusOr<T> result) {
    if (result.ok()) {
      state_->Complete(*std::move(result));
    } else {
      state_->Fail(FailureOf(result.status()));
    }
  }

  void unhandled_exception() { runtime_.KeepException(); }

  // Nothing but our own futures can be awaited in a flow.
  template <typename U>
  Future<U> await_transform(Future<U> future) const {
    return future;
  }

 private:
  Runtime& runtime_;
  std::shared_ptr<FutureState<T>> state_;
  Runtime::Frames::iterator frame_;
};

// One that has failed already; belongs to no runtime, and needs none.
template <typename T>
Future<T> FailedFuture(anabranch::v1::Failure failure) {
  auto state = std::make_shared<FutureState<T>>(nullptr);
  state->Fail(std::move(failure));
  return Future<T>(state);
}

// A listener must not own the future that it listens to: the two would keep
// each other alive when the flow is evicted before it closes. While it is
// called its future is alive, so a plain pointer does.

// Of the first future that belongs to one; null when all are closed already
// and belong to none.
template <typename T>
Runtime* RuntimeOfAny(const std::vector<Future<T>>& futures) {
  for (const Future<T>& future : futures) {
    if (future.state()->runtime() != nullptr) return future.state()->runtime();
  }
  return nullptr;
}

// Closes when all are closed; never fails.
template <typename T>
Future<std::vector<absl::StatusOr<T>>> Settled(std::vector<Future<T>> futures) {
  using Results = std::vector<absl::StatusOr<T>>;
  auto state = std::make_shared<FutureState<Results>>(RuntimeOfAny(futures));
  auto results = std::make_shared<Results>(futures.size());
  auto left = std::make_shared<size_t>(futures.size());
  if (futures.empty()) state->Complete({});
  for (size_t i = 0; i < futures.size(); ++i) {
    const FutureState<T>* one = futures[i].state().get();
    futures[i].state()->Listen([state, results, left, one, i] {
      (*results)[i] = ResultOf(*one);
      if (--*left == 0) state->Complete(std::move(*results));
    });
  }
  return Future<Results>(state);
}

// Closes with all values when all have completed, or fails with the first
// failure.
template <typename T>
Future<std::vector<T>> AllOf(std::vector<Future<T>> futures) {
  auto state =
      std::make_shared<FutureState<std::vector<T>>>(RuntimeOfAny(futures));
  auto values = std::make_shared<std::vector<std::optional<T>>>(futures.size());
  auto left = std::make_shared<size_t>(futures.size());
  auto finish = [state, values] {
    std::vector<T> all;
    all.reserve(values->size());
    for (std::optional<T>& value : *values) all.push_back(*std::move(value));
    state->Complete(std::move(all));
  };
  if (futures.empty()) finish();
  for (size_t i = 0; i < futures.size(); ++i) {
    const FutureState<T>* one = futures[i].state().get();
    futures[i].state()->Listen([state, values, left, finish, one, i] {
      if (one->failed()) {
        state->Fail(one->failure());
        return;
      }
      (*values)[i] = one->value();
      if (--*left == 0) finish();
    });
  }
  return Future<std::vector<T>>(state);
}

// Closes with the index of the first that closes, completed or failed. The
// others run on. At least one.
template <typename... Ts>
Future<size_t> AnyOf(const Future<Ts>&... futures) {
  static_assert(sizeof...(Ts) > 0, "AnyOf of nothing would never close");
  std::vector<FutureStateBase*> states = {futures.state().get()...};
  auto state = std::make_shared<FutureState<size_t>>(states.front()->runtime());
  for (size_t i = 0; i < states.size(); ++i) {
    states[i]->Listen([state, i] { state->Complete(i); });
  }
  return Future<size_t>(state);
}

// The same over a list; fails at once when it is empty.
template <typename T>
Future<size_t> AnyOf(const std::vector<Future<T>>& futures) {
  if (futures.empty()) {
    return FailedFuture<size_t>(
        MakeFailure(kFailureMisuse, "AnyOf of nothing would never close"));
  }
  auto state = std::make_shared<FutureState<size_t>>(RuntimeOfAny(futures));
  for (size_t i = 0; i < futures.size(); ++i) {
    futures[i].state()->Listen([state, i] { state->Complete(i); });
  }
  return Future<size_t>(state);
}

}  // namespace anabranch::sdk
