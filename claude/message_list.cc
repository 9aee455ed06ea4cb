#include "claude/message_list.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"

namespace anabranch::claude {
namespace {

// Nothing but white space between the quotes, escaped or not.
bool IsBlank(std::string_view string_token) {
  const std::string text = Unescape(StringBody(string_token));
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ContentBlocks(
    std::string_view content) {
  std::vector<std::string> blocks;
  if (KindOf(content) == JsonKind::kString) {
    if (IsBlank(content)) return blocks;
    JsonWriter writer;
    writer.BeginObject().Key("type").String("text");
    writer.Key("text").Raw(content).EndObject();
    blocks.push_back(writer.Take());
    return blocks;
  }
  const auto elements = JsonElements(content);
  if (!elements.ok()) {
    return absl::InvalidArgumentError(
        "content must be a text or an array of blocks");
  }
  for (const std::string_view raw : *elements) {
    const auto block = JsonObject::Parse(raw);
    const std::string type = block.ok() ? block->GetString("type") : "";
    if (type.empty()) {
      return absl::InvalidArgumentError(
          "content holds what is no block with a type");
    }
    if (type == "text" && IsBlank(block->Get("text"))) continue;
    blocks.emplace_back(raw);
  }
  return blocks;
}

std::string JoinBlocks(const std::vector<std::string>& blocks) {
  JsonWriter writer;
  writer.BeginArray();
  for (const std::string& block : blocks) writer.Raw(block);
  writer.EndArray();
  return writer.Take();
}

absl::Status MessageList::Add(std::string_view message) {
  const auto object = JsonObject::Parse(message);
  if (!object.ok()) {
    return absl::InvalidArgumentError("a message must be an object");
  }
  return Add(object->GetString("role"), object->Get("content"));
}

absl::Status MessageList::Add(std::string_view role, std::string_view content) {
  if (role.empty()) return absl::InvalidArgumentError("role is required");
  ASSIGN_OR_RETURN(std::vector<std::string> blocks, ContentBlocks(content));
  if (blocks.empty()) return absl::OkStatus();
  const bool sealed = std::exchange(sealed_, false);
  const bool merges =
      !sealed && !messages_.empty() && messages_.back().role == role;
  if (!merges) {
    Message message;
    message.role = role;
    const auto elements = JsonElements(content);
    const bool whole = !elements.ok() || elements->size() == blocks.size();
    if (whole) message.content = content;
    message.blocks = std::move(blocks);
    messages_.push_back(std::move(message));
    return absl::OkStatus();
  }
  Message& last = messages_.back();
  for (std::string& block : blocks) last.blocks.push_back(std::move(block));
  last.content.clear();
  return absl::OkStatus();
}

std::string MessageList::Json() const {
  JsonWriter writer;
  writer.BeginArray();
  for (const Message& message : messages_) {
    writer.BeginObject().Key("role").String(message.role);
    writer.Key("content");
    writer.Raw(message.content.empty() ? JoinBlocks(message.blocks)
                                       : message.content);
    writer.EndObject();
  }
  writer.EndArray();
  return writer.Take();
}

}  // namespace anabranch::claude
