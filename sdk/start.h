// Starting things in a scope: what FlowContext and Scope share. Internal to
// sdk/.
#pragma once

#include "absl/time/time.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

Future<Payload> StartIn(Runtime& runtime, const Runtime::ScopePtr& scope,
                        Activity activity);
Future<Payload> StartTimerIn(Runtime& runtime, const Runtime::ScopePtr& scope,
                             absl::Duration duration);
Future<Payload> StartChildIn(Runtime& runtime, const Runtime::ScopePtr& scope,
                             Child child);

}  // namespace anabranch::sdk
