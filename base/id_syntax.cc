#include "base/id_syntax.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "base/limits.h"

namespace anabranch {

static_assert(limits::kIdBytesMax == 128, "kIdSyntaxText says 128");

bool IsIdSyntax(std::string_view value) {
  if (value.empty() || value.size() > limits::kIdBytesMax) return false;
  if (!absl::ascii_isalnum(static_cast<unsigned char>(value.front()))) {
    return false;
  }
  return std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == ':' ||
           c == '-';
  });
}

}  // namespace anabranch
