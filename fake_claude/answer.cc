#include "fake_claude/answer.h"

#include <string_view>
#include <utility>

namespace anabranch::fake_claude {
namespace {

// A ping follows each such number of deltas.
constexpr int kDeltasPerPing = 40;

std::string Event(const std::string& name, const Json& data) {
  return SseEvent(name, ToJsonText(data));
}

std::string Ping() { return SseEvent("ping", R"({"type": "ping"})"); }

Json MessageJson(const Answer& answer, Json content, bool complete) {
  Json message;
  message["model"] = answer.model;
  message["id"] = answer.message_id;
  message["type"] = "message";
  message["role"] = "assistant";
  message["container"] = nullptr;
  message["diagnostics"] = nullptr;
  message["content"] = std::move(content);
  message["stop_reason"] = nullptr;
  message["stop_sequence"] = nullptr;
  message["stop_details"] = nullptr;
  if (!answer.input_transformations.empty()) {
    message["input_transformations"] = answer.input_transformations;
  }
  if (complete) {
    message["stop_reason"] = answer.stop_reason;
    message["stop_sequence"] = answer.stop_sequence;
    message["stop_details"] = answer.stop_details;
    message["usage"] = UsageJson(answer.usage);
  } else {
    Usage so_far = answer.usage;
    so_far.output_tokens = 1;
    so_far.thinking_tokens = 0;
    message["usage"] = UsageJson(so_far);
  }
  return message;
}

// Writes the events of one block.
class BlockWriter {
 public:
  BlockWriter(size_t index, int tokens_per_delta, std::vector<Frame>* frames)
      : index_(index), tokens_per_delta_(tokens_per_delta), frames_(*frames) {}

  void Write(const Json& block) {
    const std::string type = StringOf(block, "type");
    if (type == "text") {
      WriteText(block);
    } else if (type == "thinking") {
      WriteThinking(block);
    } else if ((type == "tool_use" || type == "server_tool_use") &&
               block.contains("input")) {
      WriteToolUse(block);
    } else {
      Start(block);
    }
    Frame stop;
    stop.bytes = Event("content_block_stop",
                       {{"type", "content_block_stop"}, {"index", index_}});
    frames_.push_back(std::move(stop));
  }

 private:
  void WriteText(const Json& block) {
    Json start = block;
    const bool cited = block.contains("citations") &&
                       block["citations"].is_array() &&
                       !block["citations"].empty();
    start["text"] = "";
    if (cited) start["citations"] = Json::array();
    Start(start);
    Deltas("text_delta", "text", StringOf(block, "text"));
    if (!cited) return;
    for (const Json& citation : block["citations"]) {
      Delta({{"type", "citations_delta"}, {"citation", citation}}, 0);
    }
  }

  void WriteThinking(const Json& block) {
    Json start = block;
    start["thinking"] = "";
    if (block.contains("signature")) start["signature"] = "";
    Start(start);
    Deltas("thinking_delta", "thinking", StringOf(block, "thinking"));
    const std::string signature = StringOf(block, "signature");
    if (signature.empty()) return;
    Delta({{"type", "signature_delta"}, {"signature", signature}}, 0);
  }

  void WriteToolUse(const Json& block) {
    Json start = block;
    start["input"] = Json::object();
    Start(start);
    Delta({{"type", "input_json_delta"}, {"partial_json", ""}}, 0);
    if (block["input"].empty()) return;
    Deltas("input_json_delta", "partial_json", ToJsonText(block["input"]));
  }

  void Start(const Json& block) {
    Frame frame;
    frame.bytes = Event("content_block_start", {{"type", "content_block_start"},
                                                {"index", index_},
                                                {"content_block", block}});
    if (index_ == 0) frame.bytes += Ping();
    frames_.push_back(std::move(frame));
  }

  void Deltas(const char* type, const char* member, std::string_view text) {
    const std::vector<std::string_view> tokens = Tokens(text);
    const size_t step = static_cast<size_t>(tokens_per_delta_);
    for (size_t i = 0; i < tokens.size(); i += step) {
      const size_t end = std::min(i + step, tokens.size());
      std::string piece;
      for (size_t j = i; j < end; ++j) piece += tokens[j];
      Delta({{"type", type}, {member, piece}}, static_cast<int>(end - i));
      if ((i / step + 1) % kDeltasPerPing == 0) frames_.back().bytes += Ping();
    }
  }

  void Delta(Json delta, int tokens) {
    Frame frame;
    frame.bytes = Event("content_block_delta", {{"type", "content_block_delta"},
                                                {"index", index_},
                                                {"delta", std::move(delta)}});
    frame.tokens = tokens;
    frame.delta = true;
    frames_.push_back(std::move(frame));
  }

  const size_t index_;
  const int tokens_per_delta_;
  std::vector<Frame>& frames_;
};

}  // namespace

Json UsageJson(const Usage& usage) {
  Json json;
  json["input_tokens"] = usage.input_tokens;
  json["cache_creation_input_tokens"] =
      usage.cache_creation_5m + usage.cache_creation_1h;
  json["cache_read_input_tokens"] = usage.cache_read;
  json["cache_creation"] = {
      {"ephemeral_5m_input_tokens", usage.cache_creation_5m},
      {"ephemeral_1h_input_tokens", usage.cache_creation_1h}};
  json["output_tokens"] = usage.output_tokens;
  json["output_tokens_details"] = {{"thinking_tokens", usage.thinking_tokens}};
  json["server_tool_use"] = nullptr;
  json["service_tier"] = "standard";
  json["inference_geo"] = "not_available";
  json["speed"] = "standard";
  if (usage.overrides.is_object()) json.update(usage.overrides);
  return json;
}

std::string MessageBody(const Answer& answer) {
  return ToJsonText(MessageJson(answer, answer.content, true));
}

std::vector<Frame> StreamFrames(const Answer& answer, int tokens_per_delta) {
  std::vector<Frame> frames;
  frames.push_back(
      {Event("message_start",
             {{"type", "message_start"},
              {"message", MessageJson(answer, Json::array(), false)}})});
  for (size_t i = 0; i < answer.content.size(); ++i) {
    BlockWriter(i, tokens_per_delta, &frames).Write(answer.content[i]);
  }
  Json delta;
  delta["stop_reason"] = answer.stop_reason;
  delta["stop_sequence"] = answer.stop_sequence;
  if (!answer.stop_details.is_null()) {
    delta["stop_details"] = answer.stop_details;
  }
  Json usage = {{"output_tokens", answer.usage.output_tokens}};
  if (answer.usage.thinking_tokens > 0) {
    usage["output_tokens_details"] = {
        {"thinking_tokens", answer.usage.thinking_tokens}};
  }
  if (answer.usage.overrides.is_object()) {
    usage.update(answer.usage.overrides);
  }
  frames.push_back({Event("message_delta", {{"type", "message_delta"},
                                            {"delta", std::move(delta)},
                                            {"usage", std::move(usage)}})});
  frames.push_back({Event("message_stop", {{"type", "message_stop"}})});
  return frames;
}

std::string SseEvent(const std::string& name, const std::string& data) {
  return "event: " + name + "\ndata: " + data + "\n\n";
}

}  // namespace anabranch::fake_claude
