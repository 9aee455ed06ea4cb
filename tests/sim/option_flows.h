// Flows that use what activities can be asked for: every timeout, parking,
// cancellation, heartbeats, queues; and what their inputs say.
#pragma once

#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"

namespace anabranch::sim {

// Activities side by side, each with options of its own, and a timer that
// gives up those that are still open:
//
//   {"acts": [ACT…], "give_up_ms": 0 for never}
//
// An ACT is what its worker reads (ledger.h) and, all of them optional:
// attempts, close_ms, total_ms, start_ms, silent_ms (the four timeouts), park,
// cancel ("wait" or "abandon"), queue, priority, key.
//
// Result: {"ended": ["value" or the type of its failure, …]}.
sdk::Future<sdk::Payload> Acts(sdk::FlowContext& ctx, sdk::FlowInput input);

// Coroutines that wait for one and the same future go on in the order in which
// they came. {"waiters": n}; result: {"order": [numbers of the waiters]}.
sdk::Future<sdk::Payload> Shared(sdk::FlowContext& ctx, sdk::FlowInput input);

// Waits for signal `go`, whose value is its result, or for being cancelled.
sdk::Future<sdk::Payload> Grouped(sdk::FlowContext& ctx, sdk::FlowInput input);

}  // namespace anabranch::sim
