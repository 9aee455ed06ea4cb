// The syntax of ids that callers choose: runs, flows, signals, conversations.
#pragma once

#include <string_view>

namespace anabranch {

// [A-Za-z0-9][A-Za-z0-9._:-]{0,127}
bool IsIdSyntax(std::string_view value);

// The same in words, for error messages.
inline constexpr char kIdSyntaxText[] =
    "1 to 128 letters, digits, '.', '_', ':' or '-', the first a letter or "
    "digit";

}  // namespace anabranch
