// The rules for messages and their blocks.
#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fake_claude/conversation.h"
#include "fake_claude/validation.h"

namespace anabranch::fake_claude {
namespace {

constexpr size_t kMessagesMax = 100'000;

constexpr std::string_view kUserTypes[] = {
    "container_upload", "document", "image",
    "search_result",    "text",     "tool_result",
};
constexpr std::string_view kAssistantTypes[] = {
    "compaction",      "document", "fallback", "redacted_thinking", "text",
    "server_tool_use", "thinking", "tool_use", "mcp_tool_use",
};
constexpr std::string_view kSystemTypes[] = {"text"};

// A block in a message, and where.
struct Place {
  const Json& block;
  const std::string& role;
  std::string path;  // messages.3.content.0
};

bool IsKnown(std::string_view role, const std::string& type) {
  const auto among = [&](std::span<const std::string_view> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (role == "system") return among(kSystemTypes);
  if (role == "user") return among(kUserTypes);
  // Results of the server's tools stand in the assistant's turn.
  return among(kAssistantTypes) || type.ends_with("_tool_result");
}

ApiError UnknownType(const Place& place, const std::string& type) {
  const std::span<const std::string_view> types =
      place.role == "user"     ? std::span<const std::string_view>(kUserTypes)
      : place.role == "system" ? std::span<const std::string_view>(kSystemTypes)
                               : kAssistantTypes;
  std::string names;
  for (const std::string_view name : types) {
    if (!names.empty()) names += ", ";
    names += "'";
    names += name;
    names += "'";
  }
  return Invalid(absl::StrCat(
      place.path, ": Input tag '", type,
      "' found using 'type' does not match any of the expected tags: ", names));
}

Refusal NeedsString(const Place& place, const std::string& type,
                    const char* key) {
  if (!place.block.contains(key)) {
    return Invalid(
        absl::StrCat(place.path, ".", type, ".", key, ": Field required"));
  }
  if (!place.block[key].is_string()) {
    return Invalid(absl::StrCat(place.path, ".", type, ".", key,
                                ": Input should be a valid string"));
  }
  return std::nullopt;
}

Refusal CheckText(const ApiRequest& request, const Place& place) {
  if (Refusal refusal = NeedsString(place, "text", "text")) return refusal;
  const std::string text = StringOf(place.block, "text");
  if (text.empty()) {
    return Invalid("messages: text content blocks must be non-empty");
  }
  if (absl::StripAsciiWhitespace(text).empty()) {
    return Invalid(
        "messages: text content blocks must contain non-whitespace text");
  }
  if (request.version == Version::k2026_10_21 && place.role == "user" &&
      place.block.contains("citations") && !place.block["citations"].empty()) {
    return Invalid(absl::StrCat(place.path,
                                ".text.citations: Extra inputs are not "
                                "permitted"));
  }
  return std::nullopt;
}

Refusal CheckToolUse(const Place& place, const std::string& type) {
  for (const char* key : {"id", "name"}) {
    if (Refusal refusal = NeedsString(place, type, key)) return refusal;
  }
  const std::string id = StringOf(place.block, "id");
  const bool plain =
      !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
               c == '-';
      });
  if (!plain) {
    return Invalid(
        absl::StrCat(place.path, ".", type,
                     ".id: String should match pattern '^[a-zA-Z0-9_-]+$'"));
  }
  if (!place.block.contains("input")) {
    return Invalid(
        absl::StrCat(place.path, ".", type, ".input: Field required"));
  }
  if (!place.block["input"].is_object()) {
    return Invalid(absl::StrCat(place.path, ".", type,
                                ".input: Input should be a valid dictionary"));
  }
  return std::nullopt;
}

Refusal CheckToolResult(const ApiRequest& request, const Place& place) {
  if (Refusal refusal = NeedsString(place, "tool_result", "tool_use_id")) {
    return refusal;
  }
  if (!place.block.contains("content")) return std::nullopt;
  const Json& content = place.block["content"];
  if (content.is_string() || content.is_null()) return std::nullopt;
  if (!content.is_array()) {
    return Invalid(place.path +
                   ".tool_result.content: Input should be a valid list");
  }
  for (size_t i = 0; i < content.size(); ++i) {
    const Place inner{content[i], place.role,
                      absl::StrCat(place.path, ".tool_result.content.", i)};
    if (StringOf(content[i], "type") != "text") continue;
    if (Refusal refusal = CheckText(request, inner)) return refusal;
  }
  return std::nullopt;
}

Refusal CheckBlock(const ApiRequest& request, const Place& place) {
  if (!place.block.is_object()) {
    return Invalid(place.path + ": Input should be a valid dictionary");
  }
  const std::string type = StringOf(place.block, "type");
  if (type.empty()) return Invalid(place.path + ".type: Field required");
  if (!IsKnown(place.role, type)) return UnknownType(place, type);
  if (type == "text") return CheckText(request, place);
  if (type == "thinking") {
    Refusal refusal = NeedsString(place, type, "thinking");
    return refusal ? refusal : NeedsString(place, type, "signature");
  }
  if (type == "redacted_thinking") return NeedsString(place, type, "data");
  if (type == "tool_use" || type == "server_tool_use") {
    return CheckToolUse(place, type);
  }
  if (type == "tool_result") return CheckToolResult(request, place);
  if (type == "document" && place.role == "assistant" &&
      request.version == Version::k2026_10_21) {
    return UnknownType(place, type);
  }
  if ((type == "image" || type == "document") &&
      !place.block.contains("source")) {
    return Invalid(
        absl::StrCat(place.path, ".", type, ".source: Field required"));
  }
  return std::nullopt;
}

Refusal CheckContent(const ApiRequest& request, size_t index) {
  const Json& messages = request.body["messages"];
  const Json& message = messages[index];
  const std::string path = absl::StrCat("messages.", index);
  const std::string role = StringOf(message, "role");
  if (!message.contains("content")) {
    return Invalid(path + ".content: Field required");
  }
  const Json& content = message["content"];
  if (!content.is_string() && !content.is_array()) {
    return Invalid(path + ".content: Input should be a valid list");
  }
  const bool last_of_assistant =
      index + 1 == messages.size() && role == "assistant";
  if (content.empty() ||
      (content.is_string() && content.get<std::string>().empty())) {
    if (last_of_assistant) return std::nullopt;
    return Invalid(path +
                   ": all messages must have non-empty content except for the "
                   "optional final assistant message");
  }
  const Json blocks = BlocksOf(content);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Place place{blocks[i], role, absl::StrCat(path, ".content.", i)};
    if (Refusal refusal = CheckBlock(request, place)) return refusal;
  }
  return std::nullopt;
}

Refusal CheckRole(const Json& message, size_t index) {
  const std::string path = absl::StrCat("messages.", index);
  if (!message.is_object()) {
    return Invalid(path + ": Input should be a valid dictionary");
  }
  if (!message.contains("role")) {
    return Invalid(path + ".role: Field required");
  }
  const std::string role = StringOf(message, "role");
  if (role != "user" && role != "assistant" && role != "system") {
    return Invalid(path +
                   ".role: Input should be 'user', 'assistant' or 'system'");
  }
  if (index == 0 && role == "assistant") {
    return Invalid("messages: first message must use the \"user\" role");
  }
  return std::nullopt;
}

// A turn: neighbouring messages of one role, as the model sees them.
struct Turn {
  std::string role;
  size_t last_message = 0;
  std::vector<std::pair<Json, std::string>> blocks;  // with their paths
};

std::vector<Turn> TurnsOf(const Json& messages) {
  std::vector<Turn> turns;
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string role = StringOf(messages[i], "role");
    // What the system says in between parts nobody's turn.
    if (role == "system") continue;
    if (turns.empty() || turns.back().role != role) {
      turns.push_back({role, i, {}});
    }
    turns.back().last_message = i;
    const Json blocks = BlocksOf(messages[i]["content"]);
    for (size_t j = 0; j < blocks.size(); ++j) {
      turns.back().blocks.emplace_back(
          blocks[j], absl::StrCat("messages.", i, ".content.", j));
    }
  }
  return turns;
}

std::vector<std::string> ToolUses(const Turn& turn) {
  std::vector<std::string> ids;
  if (turn.role != "assistant") return ids;
  for (const auto& [block, path] : turn.blocks) {
    if (StringOf(block, "type") == "tool_use") {
      ids.push_back(StringOf(block, "id"));
    }
  }
  return ids;
}

// Checks the results in a turn against the calls before it, and removes the
// answered ones from `open`.
Refusal MatchResults(const Turn& turn, std::vector<std::string>* open) {
  std::set<std::string> answered;
  bool leading = true;
  for (const auto& [block, path] : turn.blocks) {
    if (StringOf(block, "type") != "tool_result") {
      leading = false;
      continue;
    }
    const std::string id = StringOf(block, "tool_use_id");
    if (answered.contains(id)) {
      return Invalid(absl::StrCat(
          path,
          ": each tool_use must have a single result. Found multiple "
          "`tool_result` blocks with id: ",
          id));
    }
    const auto it = std::find(open->begin(), open->end(), id);
    if (it == open->end()) {
      return Invalid(absl::StrCat(
          path,
          ": unexpected `tool_use_id` found in `tool_result` blocks: ", id,
          ". Each `tool_result` block must have a corresponding `tool_use` "
          "block in the previous message."));
    }
    // Results behind other blocks do not answer.
    if (!leading) continue;
    answered.insert(id);
    open->erase(it);
  }
  return std::nullopt;
}

ApiError Unanswered(size_t message, const std::vector<std::string>& ids) {
  return Invalid(absl::StrCat(
      "messages.", message,
      ": `tool_use` ids were found without `tool_result` blocks immediately "
      "after: ",
      absl::StrJoin(ids, ", "),
      ". Each `tool_use` block must have a corresponding `tool_result` block "
      "in the next message."));
}

}  // namespace

Refusal CheckMessages(const ApiRequest& request) {
  const Json& body = request.body;
  if (!body.contains("messages")) return Invalid("messages: Field required");
  const Json& messages = body["messages"];
  if (!messages.is_array()) {
    return Invalid("messages: Input should be a valid list");
  }
  if (messages.empty()) {
    return Invalid("messages: at least one message is required");
  }
  if (messages.size() > kMessagesMax) {
    return Invalid(absl::StrCat("messages: at most ", kMessagesMax,
                                " messages are allowed"));
  }
  for (size_t i = 0; i < messages.size(); ++i) {
    if (Refusal refusal = CheckRole(messages[i], i)) return refusal;
    if (Refusal refusal = CheckContent(request, i)) return refusal;
  }
  return std::nullopt;
}

Refusal CheckToolPairs(const Json& messages) {
  std::vector<std::string> open;
  size_t asked_in = 0;
  for (const Turn& turn : TurnsOf(messages)) {
    if (turn.role == "user") {
      if (Refusal refusal = MatchResults(turn, &open)) return refusal;
    }
    if (!open.empty()) return Unanswered(asked_in, open);
    open = ToolUses(turn);
    asked_in = turn.last_message;
  }
  if (!open.empty()) return Unanswered(asked_in, open);
  return std::nullopt;
}

}  // namespace anabranch::fake_claude
