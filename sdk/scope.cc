#include "sdk/scope.h"

#include <string>
#include <utility>

#include "sdk/start.h"

namespace anabranch::sdk {

Scope::Scope(FlowContext& context)
    : runtime_(&RuntimeOf(context)),
      state_(std::make_shared<ScopeState>(runtime_->root_scope())) {}

Scope::Scope(FlowContext& context, const Scope& parent)
    : runtime_(&RuntimeOf(context)),
      state_(std::make_shared<ScopeState>(parent.state_)) {}

Scope Scope::Shielded(FlowContext& context) {
  return {RuntimeOf(context), std::make_shared<ScopeState>()};
}

Future<Payload> Scope::Start(Activity activity) const {
  return StartIn(*runtime_, state_, std::move(activity));
}

Future<Payload> Scope::StartTimer(absl::Duration duration) const {
  return StartTimerIn(*runtime_, state_, duration);
}

Future<Payload> Scope::StartChild(Child child) const {
  return StartChildIn(*runtime_, state_, std::move(child));
}

Future<Payload> Scope::ReceiveSignal(std::string_view name) const {
  return Future<Payload>(runtime_->Receive(std::string(name), state_));
}

void Scope::Cancel() const {
  runtime_->CancelScope(*state_, "its scope was cancelled");
}

Future<Payload> Scope::Cancelled() const {
  return Future<Payload>(runtime_->WaitForCancel(state_));
}

}  // namespace anabranch::sdk
