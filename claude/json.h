// Reads JSON as slices of its own text, so that what is kept is kept byte for
// byte. A typed tree would lose what Claude content may hold: lone surrogates
// ("\ud83d"), integers beyond 64 bits, unknown members, their order.
//
// Every function is pure and checks its whole argument against RFC 8259 and
// UTF-8 before it returns a slice: a slice can be spliced into other JSON as it
// stands. Slices live as long as the text that they came from.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anabranch::claude {

enum class JsonKind { kObject, kArray, kString, kNumber, kBool, kNull, kNone };

// What a value is, by its first byte; kNone for an empty slice.
JsonKind KindOf(std::string_view value);

// OK when `text` is exactly one JSON value, whitespace around it allowed,
// nested at most 512 deep; else InvalidArgument with the byte offset of the
// fault.
absl::Status ValidateJson(std::string_view text);

struct JsonMember {
  std::string_view key;    // still escaped, without its quotes
  std::string_view value;  // trimmed
};

// One object's members in their order. Under any thread; a value type.
class JsonObject {
 public:
  // InvalidArgument when `text` is no JSON or no object.
  static absl::StatusOr<JsonObject> Parse(std::string_view text);
  // Its slices would dangle.
  template <std::same_as<std::string> Temporary>
  static absl::StatusOr<JsonObject> Parse(Temporary&& text) = delete;

  // The value's slice, of the last member of that name; empty when absent.
  std::string_view Get(std::string_view key) const;
  // Unescaped; empty when absent or no string.
  std::string GetString(std::string_view key) const;
  std::optional<int64_t> GetInt(std::string_view key) const;
  // False when absent or no boolean.
  bool GetBool(std::string_view key) const;
  // Present and not null.
  bool Has(std::string_view key) const;

  const std::vector<JsonMember>& members() const { return members_; }

 private:
  std::vector<JsonMember> members_;
};

// The elements of an array. InvalidArgument when `text` is no JSON or no array.
absl::StatusOr<std::vector<std::string_view>> JsonElements(
    std::string_view text);
template <std::same_as<std::string> Temporary>
absl::StatusOr<std::vector<std::string_view>> JsonElements(Temporary&& text) =
    delete;

// What a lone surrogate escape, which has no UTF-8 form, becomes.
enum class LoneSurrogate {
  kReplace,  // U+FFFD
  kKeep,     // its six escape characters: the result is itself JSON text
};

// Unescapes the inside of a string token. `body` must come from a checked
// slice.
std::string Unescape(std::string_view body,
                     LoneSurrogate lone = LoneSurrogate::kReplace);

// A string token's text between its quotes, still escaped; empty for other
// values.
std::string_view StringBody(std::string_view value);

// The unescaped string; nullopt when `value` is no string.
std::optional<std::string> AsString(std::string_view value);

// Nullopt when `value` is no integer that fits.
std::optional<int64_t> AsInt(std::string_view value);

// `text` with the bytes of `slice`, which must lie inside it, exchanged.
std::string Splice(std::string_view text, std::string_view slice,
                   std::string_view replacement);

// The object's text with member `key` set to `value`, spliced in place or, when
// it was absent, appended.
std::string SetMember(std::string_view object_text, std::string_view key,
                      std::string_view value);

}  // namespace anabranch::claude
