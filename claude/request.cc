#include "claude/request.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "claude/message_list.h"

namespace anabranch::claude {
namespace {

absl::Status Invalid(absl::string_view field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

// The two arguments, taken apart; slices of them.
struct Input {
  JsonObject turn;
  std::optional<JsonObject> checkpoint;

  // The turn's member, else the checkpoint's `fallback`; empty when neither.
  std::string_view Pick(std::string_view key, std::string_view fallback) const {
    if (turn.Has(key)) return turn.Get(key);
    if (checkpoint && checkpoint->Has(fallback)) {
      return checkpoint->Get(fallback);
    }
    return {};
  }
};

absl::StatusOr<Input> ParseInput(std::string_view turn,
                                 std::string_view checkpoint) {
  Input input;
  auto turn_object = JsonObject::Parse(turn);
  if (!turn_object.ok()) return Invalid("turn", turn_object.status().message());
  input.turn = *std::move(turn_object);
  if (checkpoint.empty()) return input;
  auto object = JsonObject::Parse(checkpoint);
  if (!object.ok()) return Invalid("checkpoint", object.status().message());
  input.checkpoint = *std::move(object);
  return input;
}

// Empty: none is sent.
bool IsNone(std::string_view value) {
  if (value.empty() || value == "null") return true;
  if (KindOf(value) == JsonKind::kString) return StringBody(value).empty();
  const auto elements = JsonElements(value);
  return elements.ok() && elements->empty();
}

absl::Status WriteModel(const Input& input, JsonWriter& writer) {
  const std::string_view model = input.Pick("model", "default_model");
  if (StringBody(model).empty()) return Invalid("model", "is required");
  writer.Key("model").Raw(model);
  return absl::OkStatus();
}

absl::Status WriteMaxTokens(const Input& input, JsonWriter& writer) {
  if (!input.turn.Has("max_tokens")) {
    writer.Key("max_tokens").Int(kDefaultMaxTokens);
    return absl::OkStatus();
  }
  const auto max_tokens = input.turn.GetInt("max_tokens");
  if (!max_tokens || *max_tokens < 0) {
    return Invalid("max_tokens", "must be an integer of at least 0");
  }
  writer.Key("max_tokens").Int(*max_tokens);
  return absl::OkStatus();
}

absl::Status WriteSystem(const Input& input, JsonWriter& writer) {
  const std::string_view system = input.Pick("system", "system");
  if (IsNone(system)) return absl::OkStatus();
  const JsonKind kind = KindOf(system);
  if (kind != JsonKind::kString && kind != JsonKind::kArray) {
    return Invalid("system", "must be a text or an array of text blocks");
  }
  writer.Key("system").Raw(system);
  return absl::OkStatus();
}

absl::Status WriteTools(const Input& input, JsonWriter& writer) {
  const std::string_view tools = input.Pick("tools", "tools");
  const bool sent = !IsNone(tools);
  if (sent) {
    if (KindOf(tools) != JsonKind::kArray) {
      return Invalid("tools", "must be an array");
    }
    writer.Key("tools").Raw(tools);
  }
  if (input.turn.Has("tool_choice")) {
    writer.Key("tool_choice").Raw(input.turn.Get("tool_choice"));
  } else if (sent && input.checkpoint) {
    writer.Key("tool_choice").Raw(R"({"type":"none"})");
  }
  return absl::OkStatus();
}

absl::Status AddAll(std::string_view name, std::string_view array,
                    MessageList& messages) {
  const auto elements = JsonElements(array);
  if (!elements.ok()) {
    return Invalid(absl::string_view(name.data(), name.size()),
                   "must be an array of messages");
  }
  for (size_t i = 0; i < elements->size(); ++i) {
    const absl::Status added = messages.Add((*elements)[i]);
    if (added.ok()) continue;
    return Invalid(
        absl::StrCat(absl::string_view(name.data(), name.size()), "[", i, "]"),
        added.message());
  }
  return absl::OkStatus();
}

// The checkpoint's messages, its last prompt exchanged when the turn says so.
absl::Status AddCheckpoint(const Input& input, MessageList& messages) {
  const bool replaces = input.turn.Has("replace_message");
  const bool ends_in_prompt =
      input.checkpoint && input.checkpoint->GetString("last") == "prompt";
  if (replaces && !ends_in_prompt) {
    return absl::FailedPreconditionError(
        "replace_message: the checkpoint does not end with a prompt");
  }
  if (!input.checkpoint) return absl::OkStatus();
  const std::string_view kept = input.checkpoint->Get("messages");
  if (!replaces) return AddAll("checkpoint.messages", kept, messages);
  const auto elements = JsonElements(kept);
  if (!elements.ok() || elements->empty()) {
    return Invalid("checkpoint.messages", "must hold messages");
  }
  for (size_t i = 0; i + 1 < elements->size(); ++i) {
    const absl::Status added = messages.Add((*elements)[i]);
    if (!added.ok()) return Invalid("checkpoint.messages", added.message());
  }
  const std::string_view replacement = input.turn.Get("replace_message");
  if (const auto blocks = ContentBlocks(replacement);
      blocks.ok() && blocks->empty()) {
    return Invalid("replace_message", "must not be empty");
  }
  const absl::Status added = messages.Add("user", replacement);
  if (!added.ok()) return Invalid("replace_message", added.message());
  return absl::OkStatus();
}

bool IsOwnField(const JsonMember& member) {
  for (const std::string_view own :
       {"model", "max_tokens", "system", "tools", "tool_choice", "messages",
        "replace_message", "stream", "checkpoint"}) {
    if (member.key == own) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> BuildRequestBody(std::string_view turn,
                                             std::string_view checkpoint) {
  ASSIGN_OR_RETURN(const Input input, ParseInput(turn, checkpoint));
  MessageList messages;
  RETURN_IF_ERROR(AddCheckpoint(input, messages));
  if (input.turn.Has("messages")) {
    RETURN_IF_ERROR(AddAll("messages", input.turn.Get("messages"), messages));
  }
  if (messages.empty()) {
    return Invalid("messages", "there is nothing to send");
  }
  JsonWriter writer;
  writer.BeginObject();
  RETURN_IF_ERROR(WriteModel(input, writer));
  RETURN_IF_ERROR(WriteMaxTokens(input, writer));
  writer.Key("stream").Bool(!input.turn.Has("stream") ||
                            input.turn.GetBool("stream"));
  RETURN_IF_ERROR(WriteSystem(input, writer));
  RETURN_IF_ERROR(WriteTools(input, writer));
  for (const JsonMember& member : input.turn.members()) {
    if (IsOwnField(member) || member.value == "null") continue;
    writer.Key(Unescape(member.key)).Raw(member.value);
  }
  writer.Key("messages").Raw(messages.Json());
  writer.EndObject();
  return writer.Take();
}

}  // namespace anabranch::claude
