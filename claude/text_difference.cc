#include "claude/text_difference.h"

#include <algorithm>

namespace anabranch::claude {
namespace {

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Bytes that both start with, ending at a character's start.
size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t both = std::min(a.size(), b.size());
  size_t i = 0;
  while (i < both && a[i] == b[i]) ++i;
  const auto inside = [i](std::string_view s) {
    return i < s.size() && IsContinuation(s[i]);
  };
  if (inside(a) || inside(b)) {
    while (i > 0 && IsContinuation(a[i - 1])) --i;
    if (i > 0) --i;
  }
  return i;
}

TextDifference Locate(int64_t turn, std::string_view prefix) {
  TextDifference at{turn, 1, 1, 0};
  for (const char c : prefix) {
    if (IsContinuation(c)) continue;
    ++at.offset;
    ++at.column;
    if (c == '\n') {
      ++at.line;
      at.column = 1;
    }
  }
  return at;
}

}  // namespace

std::optional<TextDifference> FirstDifference(
    const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const size_t both = std::min(a.size(), b.size());
  for (size_t i = 0; i < both; ++i) {
    if (a[i] == b[i]) continue;
    const size_t same = CommonPrefix(a[i], b[i]);
    return Locate(static_cast<int64_t>(i) + 1,
                  std::string_view(a[i]).substr(0, same));
  }
  if (a.size() == b.size()) return std::nullopt;
  return Locate(static_cast<int64_t>(both) + 1, "");
}

}  // namespace anabranch::claude
