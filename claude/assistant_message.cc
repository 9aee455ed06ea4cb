#include "claude/assistant_message.h"

#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"

namespace anabranch::claude {
namespace {

// The member's bytes, `null` when it is absent.
std::string RawOrNull(const JsonObject& object, std::string_view key) {
  const std::string_view value = object.Get(key);
  return value.empty() ? "null" : std::string(value);
}

}  // namespace

std::string ContentText(std::string_view content_raw) {
  if (const auto text = AsString(content_raw)) return *text;
  const auto blocks = JsonElements(content_raw);
  if (!blocks.ok()) return "";
  std::string text;
  bool parted = false;
  for (const std::string_view raw : *blocks) {
    const auto block = JsonObject::Parse(raw);
    if (!block.ok() || block->GetString("type") != "text") {
      parted = true;
      continue;
    }
    const std::string part = block->GetString("text");
    if (part.empty()) continue;
    if (parted && !text.empty()) text.push_back('\n');
    parted = false;
    text.append(part);
  }
  return text;
}

absl::StatusOr<AssistantMessage> ParseCompleteMessage(std::string_view json) {
  ASSIGN_OR_RETURN(const JsonObject object, JsonObject::Parse(json));
  const std::string_view content = object.Get("content");
  if (object.GetString("type") != "message" ||
      KindOf(content) != JsonKind::kArray) {
    return absl::InvalidArgumentError(
        "the reply is no message: it has no content blocks");
  }
  AssistantMessage message;
  message.id = object.GetString("id");
  message.model = object.GetString("model");
  message.content_raw = std::string(content);
  message.stop_reason = object.GetString("stop_reason");
  message.stop_sequence_raw = RawOrNull(object, "stop_sequence");
  message.stop_details_raw = RawOrNull(object, "stop_details");
  message.container_raw = RawOrNull(object, "container");
  message.usage_raw = RawOrNull(object, "usage");
  message.text = ContentText(content);
  return message;
}

std::string TurnResultJson(const AssistantMessage& message,
                           std::string_view request_id) {
  JsonWriter writer;
  const auto string_or_null = [&writer](std::string_view text) {
    if (text.empty()) {
      writer.Null();
    } else {
      writer.String(text);
    }
  };
  writer.BeginObject();
  writer.Key("content").Raw(message.content_raw);
  writer.Key("stop_reason");
  string_or_null(message.stop_reason);
  writer.Key("stop_sequence").Raw(message.stop_sequence_raw);
  writer.Key("stop_details").Raw(message.stop_details_raw);
  writer.Key("model").String(message.model);
  writer.Key("id").String(message.id);
  writer.Key("request_id");
  string_or_null(request_id);
  writer.Key("usage").Raw(message.usage_raw);
  writer.Key("text").String(message.text);
  if (message.container_raw != "null") {
    writer.Key("container").Raw(message.container_raw);
  }
  if (!message.cut_tool_input.empty()) {
    writer.Key("cut_tool_input").String(message.cut_tool_input);
  }
  writer.EndObject();
  return writer.Take();
}

}  // namespace anabranch::claude
