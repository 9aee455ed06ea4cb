// The activity claude.messages: one turn is one POST to the Messages API.
#pragma once

#include <string>
#include <vector>

#include "activity_worker/activities/api_endpoint.h"
#include "activity_worker/executor/activity_registry.h"
#include "base/clock.h"

namespace anabranch::activity_worker {

// Failure types beside those in claude/api_error.h and core/outcome.h.
inline constexpr std::string_view kTlsError = "tls_error";

struct ClaudeMessagesOptions {
  std::string session = "";  // sent along with the task's identity
  HttpLimits limits = {};
};

// Input and result: claude/request.h, claude/assistant_message.h. An
// attachment `checkpoint` is what the turn goes on from. The text goes up as
// progress while it streams. One attempt is one call and is never repeated
// here: a failure says whether and when that makes sense.
//
// Endpoint and clock must outlive the registry.
void RegisterClaudeMessages(ActivityRegistry& registry,
                            const ApiEndpoint& endpoint, Clock& clock,
                            ClaudeMessagesOptions options);

}  // namespace anabranch::activity_worker
