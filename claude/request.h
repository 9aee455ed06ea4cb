// Builds the body of POST /v1/messages for one turn.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anabranch::claude {

inline constexpr int kDefaultMaxTokens = 4096;

// `turn` is the input of claude.messages, a JSON object:
//   model            default: the checkpoint's default_model
//   max_tokens       default: kDefaultMaxTokens
//   system           string or text blocks; absent or null: the checkpoint's;
//                    "" or []: none
//   tools            absent or null: the checkpoint's; []: none
//   tool_choice      default with a checkpoint, when tools are sent:
//                    {"type":"none"}: nothing can run them yet
//   messages         [{"role","content"}…], what follows the checkpoint;
//                    contents are spliced as they stand
//   replace_message  a text, or content blocks, in place of the prompt that
//                    the checkpoint ends with
//   stream           default true
//   checkpoint       ignored here: where the checkpoint came from
//   anything else    copied unchanged, in its order, null left out
// `checkpoint` is the text that BuildCheckpoint() made, or empty.
//
// Empty text blocks and emptied messages are left out, neighbours of one role
// merged. The same arguments always give the same bytes: prompt caches and
// thinking signatures depend on it.
//
// InvalidArgument names the field; FailedPrecondition when replace_message has
// no prompt to replace.
absl::StatusOr<std::string> BuildRequestBody(std::string_view turn,
                                             std::string_view checkpoint);

}  // namespace anabranch::claude
