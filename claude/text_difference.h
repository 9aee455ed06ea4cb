// Where two conversations' texts part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anabranch::claude {

// turn, line and column count from 1, offset (characters, not bytes, into the
// turn's text) from 0.
struct TextDifference {
  int64_t turn = 0;
  int64_t line = 0;
  int64_t column = 0;
  int64_t offset = 0;
};

// One text per turn. The shorter list parts where it ends. Nullopt when they
// are the same.
std::optional<TextDifference> FirstDifference(
    const std::vector<std::string>& a, const std::vector<std::string>& b);

}  // namespace anabranch::claude
