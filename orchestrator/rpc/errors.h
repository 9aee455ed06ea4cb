// Errors that callers of the API see: what happened, to which id, what to do.
// Each carries google.rpc.ErrorInfo with a stable reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/error_details.h"
#include "orchestrator/log/store.h"
#include "orchestrator/shard/not_found.h"

namespace anabranch::rpc {

// Ids in these have been checked.
using shard::BatchNotFound;
using shard::ConversationNotFound;
using shard::RunNotFound;
// The same of a flow that anybody may have named anything.
absl::Status FlowNotFound(std::string_view flow,
                          const std::vector<std::string>& known);
// kNotFound, GENERATION_NOT_FOUND; `newest` is the run's current one.
absl::Status GenerationNotFound(const log::RunName& name, int32_t generation,
                                int32_t newest);
// kNotFound, LEAF_NOT_FOUND.
absl::Status LeafNotFound(std::string_view conversation_id,
                          std::string_view leaf, std::string_view problem);
// kNotFound, PAYLOAD_NOT_FOUND.
absl::Status PayloadNotFound(std::string_view sha256);

// kInvalidArgument, PAYLOAD_TOO_LARGE, with the limit and the size in bytes.
absl::Status PayloadTooLarge(std::string_view field, int64_t size_bytes,
                             int64_t limit_bytes);
// kResourceExhausted, ANSWER_TOO_LARGE: a flow's answer to a query, in bytes.
absl::Status AnswerTooLarge(std::string_view query, int64_t size_bytes);
// kInvalidArgument, INVALID_JSON; `problem` says where and what.
absl::Status InvalidJson(std::string_view field, std::string_view problem);
// kInvalidArgument, INVALID_UTF8; `offset` of the first bad byte.
absl::Status InvalidUtf8(std::string_view field, int64_t offset);
// kInvalidArgument, INVALID_TRANSCRIPT.
absl::Status InvalidTranscript(std::string_view problem);
// kInvalidArgument, INVALID_PAGE_TOKEN.
absl::Status InvalidPageToken();
// kInvalidArgument, INVALID_CURSOR.
absl::Status InvalidCursor(std::string_view cursor, std::string_view problem);

// kUnavailable, DRAINING, with a delay after which to try again.
absl::Status Draining();
// kDataLoss, STORE_DAMAGED: a record that another one names is missing.
absl::Status StoreDamaged(std::string_view what);

// kInvalidArgument: a worker broke the stream's protocol. `reason` is stable:
// HELLO_EXPECTED, INVALID_HELLO, UNKNOWN_MESSAGE, INVALID_MESSAGE,
// INVALID_TOKEN, INVALID_CREDIT, INVALID_FRAGMENT, MESSAGE_TOO_LARGE.
absl::Status StreamError(std::string_view reason, std::string_view problem);

// `status` with a reason, when it has none: `reason` and the same message.
absl::Status WithReason(const absl::Status& status, std::string_view reason);

// Checks `value` against [A-Za-z0-9][A-Za-z0-9._:-]{0,127}; INVALID_FIELD.
absl::Status CheckId(std::string_view field, std::string_view value);

// `value` cut to `bytes_max` bytes between characters, for messages.
std::string Shortened(std::string_view value, size_t bytes_max = 80);

}  // namespace anabranch::rpc
