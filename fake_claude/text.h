// Bytes and texts: hashes, base64, and JSON written one way only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace anabranch::fake_claude {

// Key order is part of what this server promises.
using Json = nlohmann::ordered_json;

// 32 raw bytes.
std::string Sha256(std::string_view bytes);
std::string Hex(std::string_view bytes);
std::string Base64(std::string_view bytes);
// False when `text` is not base64.
bool FromBase64(std::string_view text, std::string* bytes);

// A deterministic stream of numbers derived from a text.
class HashStream {
 public:
  explicit HashStream(std::string_view seed);
  uint64_t Next();
  // Uniform in [0, bound); bound > 0.
  size_t Below(size_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

// `size` characters of the alphabet that Claude's ids use.
std::string IdText(HashStream& hash, size_t size);

// Compact JSON, UTF-8 as it is, but U+2028 and U+2029 escaped: a reader that
// decodes and encodes again gives other bytes. Invalid UTF-8 is replaced.
std::string ToJsonText(const Json& value);
// The inside of a JSON string: ToJsonText without the quotes. Escaping the
// pieces of a text gives the pieces of the escaped text.
std::string EscapedText(std::string_view text);

// Parses a JSON text; nothing, and a reason, when it is malformed or nested
// deeper than is safe to walk.
bool ParseJson(std::string_view text, Json* value, std::string* error);

// Splits a text into what this server counts as tokens: a word with the space
// after it, long words in parts. Never inside a UTF-8 sequence.
std::vector<std::string_view> Tokens(std::string_view text);

// The first `characters` of a text, on one line, never inside a UTF-8
// sequence.
std::string Snippet(std::string_view text, size_t characters);

// Whether `text` matches a pattern in which each * stands for any characters.
bool GlobMatches(std::string_view pattern, std::string_view text);

// The member's string, or "" when it is absent or no string.
std::string StringOf(const Json& object, const char* key);

}  // namespace anabranch::fake_claude
