// Scope: a group of activities, timers, children and receives that is cancelled
// together.
//
//   Future<Payload> Fetch(FlowContext& ctx, Scope scope, Payload url) {
//     auto page = co_await scope.Start({.type = "fetch", .input = url});
//     ...
//   }
//
//   Scope scope(ctx);                    // below the run's own scope
//   auto page = Fetch(ctx, scope, url);
//   auto late = co_await AnyOf(page, ctx.StartTimer(absl::Seconds(5)));
//   if (*late == 1) scope.Cancel();      // also scopes made below it
//
// A flow names its scope: pass it by value to the coroutines that belong to it.
// Clean-up that must happen after a cancellation runs in a shielded scope:
//
//   Scope cleanup = Scope::Shielded(ctx);
//   (co_await cleanup.Start({.type = "release"})).IgnoreError();
#pragma once

#include <memory>
#include <string_view>

#include "absl/time/time.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

// A cheap handle; copies stand for the same scope, and one that was moved from
// does, too. Letting go of the last one cancels nothing. Under its flow's role;
// not to be used after the flow.
class Scope {
 public:
  // Below the run's own scope: cancelled when somebody cancels the run.
  explicit Scope(FlowContext& context);
  // Below `parent`.
  Scope(FlowContext& context, const Scope& parent);
  // Below nothing: only its own Cancel cancels it, not the run's cancellation.
  static Scope Shielded(FlowContext& context);
  // Moving copies: there is no scope that stands for nothing.
  Scope(const Scope&) = default;
  Scope& operator=(const Scope&) = default;
  ~Scope() = default;

  // As in FlowContext, but belonging to this scope. Once it is cancelled they
  // fail at once with `cancelled`.
  Future<Payload> Start(Activity activity) const;
  Future<Payload> StartTimer(absl::Duration duration) const;
  Future<Payload> StartChild(Child child) const;
  Future<Payload> ReceiveSignal(std::string_view name) const;

  // Cancels all that is open in it and below it, as FlowContext::Cancel does,
  // in the order of starting. Nothing the second time.
  void Cancel() const;

  bool cancelled() const { return state_->cancelled(); }
  // Closes when the scope is cancelled.
  Future<Payload> Cancelled() const;

 private:
  Scope(Runtime& runtime, std::shared_ptr<ScopeState> state)
      : runtime_(&runtime), state_(std::move(state)) {}

  Runtime* runtime_;
  std::shared_ptr<ScopeState> state_;
};

}  // namespace anabranch::sdk
