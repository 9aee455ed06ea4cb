// claude_chat: one durable model call.
#pragma once

#include "sdk/flow_registry.h"

namespace anabranch::flows {

// One activity claude.messages; a prompt in, the reply's text out.
sdk::FlowDefinition ClaudeChat();

}  // namespace anabranch::flows
