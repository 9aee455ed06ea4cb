// A value that fits a JSON Schema, well enough for a tool's input.
#pragma once

#include "fake_claude/text.h"

namespace anabranch::fake_claude {

// Objects get their required members, or all when none is required.
Json SampleOf(const Json& schema, HashStream& hash);

}  // namespace anabranch::fake_claude
