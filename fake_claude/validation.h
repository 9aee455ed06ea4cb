// What the API accepts in a request body, and its words for what it does not.
#pragma once

#include <functional>

#include "fake_claude/request.h"

namespace anabranch::fake_claude {

// Whether this server once ended a reply with exactly these blocks and
// pause_turn.
using WasPaused = std::function<bool(const Json& blocks)>;

// Checks the whole body but thinking signatures, and fills in the request's
// model and stream.
Refusal Validate(ApiRequest& request, const WasPaused& was_paused);

// Its parts.
Refusal CheckSampling(const ApiRequest& request);
Refusal CheckThinkingConfig(const ApiRequest& request);
Refusal CheckTools(const ApiRequest& request);
Refusal CheckMessages(const ApiRequest& request);
// tool_use and tool_result belong together, one after the other.
Refusal CheckToolPairs(const Json& messages);
Refusal CheckEnding(const ApiRequest& request, const WasPaused& was_paused);

}  // namespace anabranch::fake_claude
