#include "fake_claude/conversation.h"

#include <algorithm>
#include <vector>

namespace anabranch::fake_claude {
namespace {

nlohmann::json Canonical(const Json& value) {
  if (value.is_object()) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [key, member] : value.items()) {
      if (key == "cache_control" || member.is_null()) continue;
      object[key] = Canonical(member);
    }
    return object;
  }
  if (value.is_array()) {
    nlohmann::json array = nlohmann::json::array();
    for (const Json& member : value) array.push_back(Canonical(member));
    return array;
  }
  return nlohmann::json(value);
}

void AppendText(const Json& content, std::string* text) {
  for (const Json& block : BlocksOf(content)) {
    const std::string type = StringOf(block, "type");
    if (type == "text") {
      if (!text->empty()) *text += '\n';
      *text += StringOf(block, "text");
    } else if (type == "tool_result" && block.contains("content")) {
      AppendText(block["content"], text);
    }
  }
}

}  // namespace

Json BlocksOf(const Json& content) {
  if (content.is_string()) {
    return Json::array({{{"type", "text"}, {"text", content}}});
  }
  return content.is_array() ? content : Json::array();
}

std::string CanonicalText(const Json& value) {
  return Canonical(value).dump(-1, ' ', false,
                               nlohmann::json::error_handler_t::replace);
}

PrefixHash::PrefixHash(const Json& body) {
  if (body.contains("system")) {
    for (const Json& block : BlocksOf(body["system"])) {
      Mix("system", CanonicalText(block));
    }
  }
  if (body.contains("tools") && body["tools"].is_array()) {
    for (const Json& tool : body["tools"]) Mix("tool", CanonicalText(tool));
  }
}

void PrefixHash::Add(std::string_view role, const Json& block) {
  Turn(role);
  Mix("block", CanonicalText(block));
}

void PrefixHash::Turn(std::string_view role) {
  if (role_ == role) return;
  role_ = role;
  Mix("role", role);
}

void PrefixHash::Mix(std::string_view kind, std::string_view text) {
  std::string input = value_;
  input += kind;
  input += '\0';
  input += text;
  value_ = Sha256(input);
  bytes_ += static_cast<int64_t>(text.size());
}

std::string LastUserText(const Json& body) {
  if (!body.contains("messages") || !body["messages"].is_array()) return "";
  const Json& messages = body["messages"];
  size_t end = messages.size();
  while (end > 0 && StringOf(messages[end - 1], "role") != "user") --end;
  size_t begin = end;
  while (begin > 0 && StringOf(messages[begin - 1], "role") == "user") --begin;
  std::string text;
  for (size_t i = begin; i < end; ++i) {
    if (messages[i].contains("content")) {
      AppendText(messages[i]["content"], &text);
    }
  }
  return text;
}

std::string SystemText(const Json& body) {
  std::string text;
  if (body.contains("system")) AppendText(body["system"], &text);
  return text;
}

}  // namespace anabranch::fake_claude
