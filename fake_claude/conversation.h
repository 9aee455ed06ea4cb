// What a request says, in the one form in which two requests are compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fake_claude/text.h"

namespace anabranch::fake_claude {

// The blocks of a message's or of the system's content, whose string form
// means one text block.
Json BlocksOf(const Json& content);

// A block's canonical text: keys sorted, without cache_control and nulls.
std::string CanonicalText(const Json& value);

// A hash over all that was said so far: system and tools, then block by block.
// Neighbouring messages of one role count as one, as in the API.
class PrefixHash {
 public:
  // With `body`'s system and tools.
  explicit PrefixHash(const Json& body);

  void Add(std::string_view role, const Json& block);
  // Says whose turn it is when its first block is yet to come.
  void Turn(std::string_view role);

  const std::string& Value() const { return value_; }  // 32 raw bytes
  // The canonical size of all that was added.
  int64_t Bytes() const { return bytes_; }

 private:
  void Mix(std::string_view kind, std::string_view text);

  std::string value_;
  std::string role_;
  int64_t bytes_ = 0;
};

// The texts of the last user turn: text blocks and tool results.
std::string LastUserText(const Json& body);
std::string SystemText(const Json& body);

}  // namespace anabranch::fake_claude
