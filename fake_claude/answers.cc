#include "fake_claude/answers.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "fake_claude/conversation.h"
#include "fake_claude/schema_sample.h"
#include "fake_claude/voices.h"

namespace anabranch::fake_claude {
namespace {

constexpr int64_t kBytesPerToken = 4;
// What the API adds to every request.
constexpr int64_t kTokensPerRequest = 7;
// An always-thinking model thinks visibly in this many of four answers.
constexpr size_t kThinkingOfFour = 3;

const Json& Member(const Json& object, const char* key) {
  static const Json& null = *new Json();
  if (!object.is_object()) return null;
  const auto it = object.find(key);
  return it == object.end() ? null : *it;
}

// How much of the request lies before its last cache_control, and for how
// long it is to be kept. Blocks are counted in the order of rendering.
struct CacheMark {
  int64_t bytes = 0;
  bool one_hour = false;
};

CacheMark LastCacheMark(const Json& body) {
  CacheMark mark;
  int64_t bytes = 0;
  const auto visit = [&](const Json& block) {
    bytes += static_cast<int64_t>(CanonicalText(block).size());
    const Json& control = Member(block, "cache_control");
    if (!control.is_object()) return;
    mark = {bytes, StringOf(control, "ttl") == "1h"};
  };
  if (Member(body, "tools").is_array()) {
    for (const Json& tool : body["tools"]) visit(tool);
  }
  for (const Json& block : BlocksOf(Member(body, "system"))) visit(block);
  for (const Json& message : body["messages"]) {
    for (const Json& block : BlocksOf(message["content"])) visit(block);
  }
  if (Member(body, "cache_control").is_object()) {
    mark = {bytes, StringOf(body["cache_control"], "ttl") == "1h"};
  }
  return mark;
}

Usage InputUsage(const ApiRequest& request, const Reading& reading) {
  Usage usage;
  const int64_t total = InputTokens(reading.prefix);
  const CacheMark mark = LastCacheMark(request.body);
  const int64_t cached = std::min(total, mark.bytes / kBytesPerToken);
  (mark.one_hour ? usage.cache_creation_1h : usage.cache_creation_5m) = cached;
  usage.input_tokens = total - cached;
  return usage;
}

int64_t CountTokens(const Json& block) {
  const std::string type = StringOf(block, "type");
  if (type == "thinking") {
    return static_cast<int64_t>(Tokens(StringOf(block, "thinking")).size());
  }
  if (type == "text") {
    return static_cast<int64_t>(Tokens(StringOf(block, "text")).size());
  }
  return static_cast<int64_t>(Tokens(ToJsonText(block)).size());
}

bool Thinks(const ApiRequest& request, HashStream& hash) {
  const std::string type = StringOf(Member(request.body, "thinking"), "type");
  const bool asked = type == "enabled" || type == "adaptive";
  const bool always = request.model->thinking == Thinking::kAlways;
  if (!asked && !always) return false;
  return type == "enabled" || hash.Below(4) < kThinkingOfFour;
}

// Newer models leave the text out unless asked for a summary.
bool ShowsThinking(const ApiRequest& request) {
  const std::string display =
      StringOf(Member(request.body, "thinking"), "display");
  if (!display.empty()) return display == "summarized";
  return !request.model->binds_prefix;
}

Json ThinkingBlock(const ApiRequest& request, const Reading& reading,
                   const std::string& text) {
  PrefixHash prefix = reading.prefix;
  prefix.Turn("assistant");
  return {{"type", "thinking"},
          {"thinking", text},
          {"signature", MintSignature(*request.model, prefix.Value(), text)}};
}

// The tool that the request forces, null when it forces none.
const Json* ForcedTool(const Json& body) {
  const Json& choice = Member(body, "tool_choice");
  const std::string type = StringOf(choice, "type");
  if (type != "any" && type != "tool") return nullptr;
  for (const Json& tool : body["tools"]) {
    if (type == "any" || StringOf(tool, "name") == StringOf(choice, "name")) {
      return &tool;
    }
  }
  return nullptr;
}

Json ToolUseBlock(const Json& tool, HashStream& hash) {
  return {{"type", "tool_use"},
          {"id", "toolu_01" + IdText(hash, 22)},
          {"name", StringOf(tool, "name")},
          {"input", SampleOf(Member(tool, "input_schema"), hash)}};
}

// Ends the text before the first stop sequence in it.
void ApplyStopSequences(const Json& body, std::string* text, Answer* answer) {
  const Json& sequences = Member(body, "stop_sequences");
  size_t first = std::string::npos;
  for (const Json& sequence : sequences) {
    if (!sequence.is_string()) continue;
    const size_t at = text->find(sequence.get<std::string>());
    if (at >= first) continue;
    first = at;
    answer->stop_reason = "stop_sequence";
    answer->stop_sequence = sequence;
  }
  if (first != std::string::npos) text->resize(first);
}

// Cuts the text to so many tokens.
void ApplyMaxTokens(int64_t tokens_left, std::string* text, Answer* answer) {
  const std::vector<std::string_view> tokens = Tokens(*text);
  if (static_cast<int64_t>(tokens.size()) <= tokens_left) return;
  size_t bytes = 0;
  for (int64_t i = 0; i < tokens_left; ++i) {
    bytes += tokens[static_cast<size_t>(i)].size();
  }
  text->resize(bytes);
  answer->stop_reason = "max_tokens";
  answer->stop_sequence = nullptr;
}

std::string AnswerText(const ApiRequest& request, HashStream& hash) {
  const Json& format = Member(Member(request.body, "output_config"), "format");
  if (StringOf(format, "type") == "json_schema") {
    return ToJsonText(SampleOf(Member(format, "schema"), hash));
  }
  return Speak(*request.model, SystemText(request.body),
               LastUserText(request.body), hash);
}

}  // namespace

int64_t InputTokens(const PrefixHash& prefix) {
  return kTokensPerRequest + prefix.Bytes() / kBytesPerToken;
}

Answer MakeAnswer(const ApiRequest& request, const Reading& reading) {
  const Json& body = request.body;
  HashStream hash(reading.prefix.Value() + std::string(request.model->id));
  Answer answer;
  answer.model = request.model->id;
  answer.usage = InputUsage(request, reading);
  answer.input_transformations = reading.transformations;
  const int64_t max_tokens = body["max_tokens"].get<int64_t>();
  if (max_tokens == 0) {
    answer.stop_reason = "max_tokens";
    return answer;
  }
  if (Thinks(request, hash)) {
    const std::string thought = Ponder(LastUserText(body), hash);
    const int64_t spent = static_cast<int64_t>(Tokens(thought).size());
    answer.usage.thinking_tokens = std::min(spent, max_tokens / 2);
    answer.content.push_back(
        ThinkingBlock(request, reading, ShowsThinking(request) ? thought : ""));
  }
  int64_t spoken = 0;
  if (const Json* tool = ForcedTool(body)) {
    answer.content.push_back(ToolUseBlock(*tool, hash));
    answer.stop_reason = "tool_use";
    spoken = CountTokens(answer.content.back());
  } else {
    std::string text = AnswerText(request, hash);
    ApplyStopSequences(body, &text, &answer);
    ApplyMaxTokens(max_tokens - answer.usage.thinking_tokens, &text, &answer);
    spoken = static_cast<int64_t>(Tokens(text).size());
    if (!text.empty()) {
      answer.content.push_back({{"type", "text"}, {"text", std::move(text)}});
    }
  }
  answer.usage.output_tokens = answer.usage.thinking_tokens + spoken;
  return answer;
}

Answer ScriptedAnswer(const ApiRequest& request, const Reading& reading,
                      const Json& script) {
  Answer answer;
  answer.model = request.model->id;
  answer.usage = InputUsage(request, reading);
  answer.input_transformations = reading.transformations;
  answer.stop_sequence = Member(script, "stop_sequence");
  answer.stop_details = Member(script, "stop_details");
  answer.usage.overrides = Member(script, "usage");
  HashStream hash(reading.prefix.Value() + ToJsonText(script));
  PrefixHash prefix = reading.prefix;
  prefix.Turn("assistant");
  bool calls_tool = false;
  for (Json block : BlocksOf(Member(script, "content"))) {
    const std::string type = StringOf(block, "type");
    if (type == "thinking" && StringOf(block, "signature").empty()) {
      block["signature"] = MintSignature(*request.model, prefix.Value(),
                                         StringOf(block, "thinking"));
    }
    if (type == "tool_use" && StringOf(block, "id").empty()) {
      Json with_id = {{"type", "tool_use"},
                      {"id", "toolu_01" + IdText(hash, 22)}};
      block.erase("id");
      with_id.update(block);
      block = std::move(with_id);
    }
    calls_tool = calls_tool || type == "tool_use";
    const int64_t tokens = CountTokens(block);
    if (type == "thinking") answer.usage.thinking_tokens += tokens;
    answer.usage.output_tokens += tokens;
    prefix.Add("assistant", block);
    answer.content.push_back(std::move(block));
  }
  answer.stop_reason = StringOf(script, "stop_reason");
  if (answer.stop_reason.empty()) {
    answer.stop_reason = calls_tool ? "tool_use" : "end_turn";
  }
  return answer;
}

}  // namespace anabranch::fake_claude
