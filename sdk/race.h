// Several ways to one goal: the first that closes, the first that succeeds.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anabranch/v1/payload.pb.h"
#include "sdk/failure.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"
#include "sdk/runtime.h"
#include "sdk/scope.h"

namespace anabranch::sdk {

// One way: starts something in the scope that it is given. May be a coroutine
// `Future<T> Name(FlowContext&, Scope)`, or a plain lambda that calls one; a
// lambda with captures must not be a coroutine itself.
template <typename T>
using RaceBranch = std::function<Future<T>(FlowContext&, Scope)>;

// Starts all branches, each in a scope of its own below `parent`, and closes as
// the first that closes does, completed or failed. The scopes of all others are
// cancelled then, in the order of the branches. Of no branches: fails at once.
//
//   auto page = co_await Race<Payload>(ctx, Scope(ctx), {
//       [url](FlowContext& ctx, Scope scope) { return Fetch(ctx, scope, url);
//       },
//       [](FlowContext&, Scope scope) {
//         return scope.StartTimer(absl::Seconds(5));
//       }});
template <typename T>
Future<T> Race(FlowContext& context, const Scope& parent,
               const std::vector<RaceBranch<T>>& branches) {
  if (branches.empty()) {
    return FailedFuture<T>(
        MakeFailure(kFailureMisuse, "a race of nothing would never end"));
  }
  auto state = std::make_shared<FutureState<T>>(&RuntimeOf(context));
  auto scopes = std::make_shared<std::vector<Scope>>();
  std::vector<Future<T>> futures;
  for (const RaceBranch<T>& branch : branches) {
    scopes->emplace_back(context, parent);
    futures.push_back(branch(context, scopes->back()));
  }
  for (size_t i = 0; i < futures.size(); ++i) {
    const FutureState<T>* one = futures[i].state().get();
    futures[i].state()->Listen([state, scopes, one, i] {
      if (state->done()) return;
      if (one->failed()) {
        state->Fail(one->failure());
      } else {
        state->Complete(one->value());
      }
      for (size_t other = 0; other < scopes->size(); ++other) {
        if (other != i) (*scopes)[other].Cancel();
      }
    });
  }
  return Future<T>(state);
}

// What all of them have failed with: their type when it is the same, else
// `all_failed`; retryable when one of them is.
anabranch::v1::Failure AggregateFailures(
    const std::vector<anabranch::v1::Failure>& failures);

// Closes with the first that completes; fails with AggregateFailures when all
// have failed. The others run on. Of no futures: fails at once.
template <typename T>
Future<T> FirstSuccess(const std::vector<Future<T>>& futures) {
  if (futures.empty()) {
    return FailedFuture<T>(
        MakeFailure(kFailureMisuse, "FirstSuccess of nothing has none"));
  }
  auto state = std::make_shared<FutureState<T>>(RuntimeOfAny(futures));
  auto failures =
      std::make_shared<std::vector<anabranch::v1::Failure>>(futures.size());
  auto left = std::make_shared<size_t>(futures.size());
  for (size_t i = 0; i < futures.size(); ++i) {
    const FutureState<T>* one = futures[i].state().get();
    futures[i].state()->Listen([state, failures, left, one, i] {
      if (!one->failed()) {
        state->Complete(one->value());
        return;
      }
      (*failures)[i] = one->failure();
      if (--*left == 0) state->Fail(AggregateFailures(*failures));
    });
  }
  return Future<T>(state);
}

}  // namespace anabranch::sdk
