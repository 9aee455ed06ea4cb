// The activities conversation.load, conversation.checkpoint and
// conversation.compare without the worker around them: inputs, attachments and
// results are JSON texts. What the flow fork_compare sends and reads.
//
// Errors are InvalidArgument or FailedPrecondition and stay what they are
// however often they are tried.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anabranch::claude {

// `transcript`: the attachment `conversation`, a transcript's bytes.
// `input`: {"fork_at_step":N,"leaf"?:uuid}. The result is small:
//   {"session_id","version","leaf","torn","steps":n,
//    "fork":{"step":N,"kind","needs_message"},"default_model"?}
absl::StatusOr<std::string> LoadConversation(std::string_view transcript,
                                             std::string_view input);

// The same arguments. The result is BuildCheckpoint()'s.
absl::StatusOr<std::string> CheckpointConversation(std::string_view transcript,
                                                   std::string_view input);

// `checkpoint`: the attachment of that name. `input`: {"branches":[results]}.
// The result is CompareBranches()'s.
absl::StatusOr<std::string> CompareConversation(std::string_view checkpoint,
                                                std::string_view input);

}  // namespace anabranch::claude
