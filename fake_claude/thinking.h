// Thinking signatures: minted by this server, bound to a text and, for the
// models that do so, to all that came before.
//
// A signature is base64 over
//   'a' 'b' 1 | model id | 0 | SHA-256 of the prefix, 16 bytes |
//   SHA-256 of the thinking text, 8 bytes | authentication code, 16 bytes
// so that a restarted server still knows its own.
#pragma once

#include <string>

#include "fake_claude/api_error.h"
#include "fake_claude/conversation.h"
#include "fake_claude/request.h"

namespace anabranch::fake_claude {

// The beta that allows `thinking.block_binding`.
inline constexpr char kBindingBeta[] = "thinking-binding-controls-2026-08-01";

// `prefix`: the hash of all before the block.
std::string MintSignature(const Model& model, const std::string& prefix,
                          const std::string& thinking);

// What the model reads of a request.
struct Reading {
  Refusal refusal;
  PrefixHash prefix;  // of the whole request, as the model reads it
  Json transformations = Json::array();  // input_transformations
};

// Checks every thinking block. One of another model cannot be read and is
// dropped silently. One whose prefix changed is refused, or dropped and
// reported when the request says so. A signature that was never minted here,
// or minted for another text, is refused.
Reading ReadThinking(const ApiRequest& request);

}  // namespace anabranch::fake_claude
