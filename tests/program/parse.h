// Text → program.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/program/ast.h"
#include "tests/program/words.h"

namespace anabranch::program {

// kInvalidArgument naming the line and what is wrong with it.
absl::StatusOr<Block> ParseProgram(std::string_view text);

// The same for lines that were split already.
absl::StatusOr<Block> ParseProgram(const std::vector<Line>& lines);

}  // namespace anabranch::program
