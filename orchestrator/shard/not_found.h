// What somebody asked for is not there: the same words, whether a shard or a
// read straight from the log finds that out. Each carries google.rpc.ErrorInfo
// with a stable reason.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "orchestrator/log/store.h"

namespace anabranch::shard {

// kNotFound, RUN_NOT_FOUND.
absl::Status RunNotFound(const log::RunName& name);
// kNotFound, BATCH_NOT_FOUND.
absl::Status BatchNotFound(std::string_view ns, std::string_view batch_id);
// kNotFound, FLOW_NOT_FOUND; names the first of the flows that there are.
absl::Status FlowNotFound(std::string_view flow,
                          const std::vector<std::string>& known);
// kNotFound, CONVERSATION_NOT_FOUND.
absl::Status ConversationNotFound(std::string_view ns, std::string_view id);

}  // namespace anabranch::shard
