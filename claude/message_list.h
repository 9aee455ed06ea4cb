// The messages of a request, as the API takes them: no empty text blocks, no
// emptied messages, neighbours of one role merged. Contents are slices, never
// re-serialised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anabranch::claude {

// The blocks of a content value as raw objects: a string becomes one text
// block. Text blocks without anything but white space, which the API refuses,
// are left out. InvalidArgument when `content` is neither text nor an array of
// objects that have a type.
absl::StatusOr<std::vector<std::string>> ContentBlocks(
    std::string_view content);

// "[b1,b2]".
std::string JoinBlocks(const std::vector<std::string>& blocks);

// A value type; not thread-safe.
class MessageList {
 public:
  // `message`: {"role","content"}; other members are dropped.
  absl::Status Add(std::string_view message);
  absl::Status Add(std::string_view role, std::string_view content);
  // What follows is not merged into what is there, even if the roles agree.
  void Seal() { sealed_ = true; }

  bool empty() const { return messages_.empty(); }
  // A JSON array.
  std::string Json() const;

 private:
  struct Message {
    std::string role;
    std::string content;  // raw, as it came; empty: join the blocks
    std::vector<std::string> blocks;
  };

  std::vector<Message> messages_;
  bool sealed_ = false;
};

}  // namespace anabranch::claude
