// Answers made up from the request alone: the same request gives the same
// content whenever it comes, and every model gives another one.
#pragma once

#include <cstdint>
#include <string>

#include "fake_claude/answer.h"
#include "fake_claude/request.h"
#include "fake_claude/thinking.h"

namespace anabranch::fake_claude {

// What the request's text counts as.
int64_t InputTokens(const PrefixHash& prefix);

// A reply to an accepted request. Its message id is left empty.
Answer MakeAnswer(const ApiRequest& request, const Reading& reading);

// A reply with the given content blocks. Thinking blocks without a signature
// get one, tool uses without an id too, and the usage is counted.
Answer ScriptedAnswer(const ApiRequest& request, const Reading& reading,
                      const Json& script);

}  // namespace anabranch::fake_claude
