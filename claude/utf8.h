// UTF-8 as JSON needs it: strict, without surrogates and overlong forms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace anabranch::claude {

// Bytes of the valid character at the front of `text`; 0 when there is none.
size_t Utf8Length(std::string_view text);

bool IsValidUtf8(std::string_view text);

// Invalid bytes replaced by U+FFFD each.
std::string ReplaceInvalidUtf8(std::string_view text);

// Appends `code`, at most U+10FFFF and no surrogate.
void AppendUtf8(std::string& out, uint32_t code);

// The longest prefix of valid `text` within `bytes_max` bytes that cuts no
// character.
std::string_view Utf8Prefix(std::string_view text, size_t bytes_max);

}  // namespace anabranch::claude
