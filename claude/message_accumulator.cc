#include "claude/message_accumulator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"

namespace anabranch::claude {
namespace {

absl::Status Malformed(std::string_view event, std::string_view why) {
  return absl::DataLossError(
      absl::StrCat("malformed ", absl::string_view(event.data(), event.size()),
                   " event: ", absl::string_view(why.data(), why.size())));
}

absl::StatusOr<JsonObject> ParseEvent(std::string_view event,
                                      std::string_view data) {
  auto object = JsonObject::Parse(data);
  if (object.ok()) return object;
  const absl::string_view why = object.status().message();
  return Malformed(event, std::string_view(why.data(), why.size()));
}

// Bytes at the end of an escaped text that may be the first half of a
// character: an escaped high surrogate.
size_t PendingTail(std::string_view body) {
  if (body.size() < 6) return 0;
  const std::string_view tail = body.substr(body.size() - 6);
  if (tail.substr(0, 2) != "\\u" || (tail[2] != 'd' && tail[2] != 'D')) {
    return 0;
  }
  if (std::string_view("89abAB").find(tail[3]) == std::string_view::npos) {
    return 0;
  }
  size_t backslashes = 0;  // before the tail: an odd number escapes its own
  for (size_t i = body.size() - 6; i > 0 && body[i - 1] == '\\'; --i) {
    ++backslashes;
  }
  return backslashes % 2 == 0 ? 6 : 0;
}

// `block` with the string member `key` lengthened by the deltas.
std::string WithDeltas(const std::string& block, std::string_view key,
                       std::string_view deltas) {
  if (deltas.empty()) return block;
  const auto object = JsonObject::Parse(block);
  if (!object.ok()) return block;
  std::string token = "\"";
  token.append(StringBody(object->Get(key))).append(deltas).append("\"");
  return SetMember(block, key, token);
}

// `block` with its citations, a list or null, lengthened.
std::string WithCitations(const std::string& block,
                          const std::vector<std::string>& citations) {
  const auto object = JsonObject::Parse(block);
  if (citations.empty() || !object.ok()) return block;
  JsonWriter writer;
  writer.BeginArray();
  const auto known = JsonElements(object->Get("citations"));
  if (known.ok()) {
    for (const std::string_view citation : *known) writer.Raw(citation);
  }
  for (const std::string& citation : citations) writer.Raw(citation);
  writer.EndArray();
  return SetMember(block, "citations", writer.Take());
}

// A tool call's input: the joined partial_json, or what the block began with.
std::string WithInput(const std::string& block, std::string_view partial_json,
                      std::string& cut_tool_input) {
  const std::string input = Unescape(partial_json, LoneSurrogate::kKeep);
  const auto object = JsonObject::Parse(block);
  if (!object.ok()) return block;
  if (input.find_first_not_of(" \t\r\n") == std::string::npos) {
    return object->Has("input") ? block : SetMember(block, "input", "{}");
  }
  if (ValidateJson(input).ok()) return SetMember(block, "input", input);
  cut_tool_input = input;
  return SetMember(block, "input", "{}");
}

}  // namespace

absl::Status MessageAccumulator::Feed(const SseEvent& event) {
  if (state_ != State::kOpen) return absl::OkStatus();
  std::string type = event.event;  // a gateway may have dropped it
  if (const auto object = JsonObject::Parse(event.data); object.ok()) {
    const std::string named = object->GetString("type");
    if (!named.empty() && type != "error") type = named;
  }
  if (type == "message_start") return OnMessageStart(event.data);
  if (type == "content_block_start") return OnBlockStart(event.data);
  if (type == "content_block_delta") return OnBlockDelta(event.data);
  if (type == "message_delta") return OnMessageDelta(event.data);
  if (type == "message_stop") return OnMessageStop();
  if (type == "error") OnError(event.data);
  return absl::OkStatus();
}

absl::Status MessageAccumulator::OnMessageStart(std::string_view data) {
  ASSIGN_OR_RETURN(const JsonObject event, ParseEvent("message_start", data));
  if (started_) return Malformed("message_start", "a second one");
  ASSIGN_OR_RETURN(const JsonObject message,
                   ParseEvent("message_start", event.Get("message")));
  started_ = true;
  id_ = message.GetString("id");
  model_ = message.GetString("model");
  stop_reason_ = message.GetString("stop_reason");
  if (message.Has("container")) container_raw_ = message.Get("container");
  MergeUsage(message.Get("usage"));
  const auto content = JsonElements(message.Get("content"));
  if (!content.ok()) return absl::OkStatus();
  for (const std::string_view raw : *content) {
    RETURN_IF_ERROR(Grow(raw.size()));
    Block& block = blocks_[static_cast<int64_t>(blocks_.size())];
    block.start = raw;
    if (const auto object = JsonObject::Parse(raw); object.ok()) {
      block.type = object->GetString("type");
    }
  }
  return absl::OkStatus();
}

absl::Status MessageAccumulator::OnBlockStart(std::string_view data) {
  constexpr std::string_view kName = "content_block_start";
  ASSIGN_OR_RETURN(const JsonObject event, ParseEvent(kName, data));
  const auto index = event.GetInt("index");
  if (!started_) return Malformed(kName, "before message_start");
  if (!index || blocks_.count(*index) != 0) {
    return Malformed(kName, "its index is absent or taken");
  }
  const std::string_view raw = event.Get("content_block");
  ASSIGN_OR_RETURN(const JsonObject object, ParseEvent(kName, raw));
  RETURN_IF_ERROR(Grow(raw.size()));
  Block& block = blocks_[*index];
  block.start = raw;
  block.type = object.GetString("type");
  if (block.type == "text") NoteText(StringBody(object.Get("text")));
  return absl::OkStatus();
}

absl::Status MessageAccumulator::OnBlockDelta(std::string_view data) {
  constexpr std::string_view kName = "content_block_delta";
  ASSIGN_OR_RETURN(const JsonObject event, ParseEvent(kName, data));
  const auto block_it = blocks_.find(event.GetInt("index").value_or(-1));
  if (block_it == blocks_.end()) {
    return Malformed(kName, "no block of its index has begun");
  }
  Block& block = block_it->second;
  ASSIGN_OR_RETURN(const JsonObject delta,
                   ParseEvent(kName, event.Get("delta")));
  RETURN_IF_ERROR(Grow(data.size()));
  const std::string type = delta.GetString("type");
  if (type == "text_delta" && block.type == "text") {
    const std::string_view text = StringBody(delta.Get("text"));
    block.text.append(text);
    NoteText(text);
  } else if (type == "thinking_delta" && block.type == "thinking") {
    block.thinking.append(StringBody(delta.Get("thinking")));
  } else if (type == "signature_delta" && block.type == "thinking") {
    block.signature = delta.Get("signature");
  } else if (type == "input_json_delta") {
    block.input.append(StringBody(delta.Get("partial_json")));
  } else if (type == "citations_delta" && delta.Has("citation")) {
    block.citations.emplace_back(delta.Get("citation"));
  }
  return absl::OkStatus();
}

absl::Status MessageAccumulator::OnMessageDelta(std::string_view data) {
  ASSIGN_OR_RETURN(const JsonObject event, ParseEvent("message_delta", data));
  if (!started_) return Malformed("message_delta", "before message_start");
  MergeUsage(event.Get("usage"));
  const auto delta = JsonObject::Parse(event.Get("delta"));
  if (!delta.ok()) return absl::OkStatus();
  if (delta->Has("stop_reason")) {
    stop_reason_ = delta->GetString("stop_reason");
  }
  if (delta->Has("stop_sequence")) {
    stop_sequence_raw_ = delta->Get("stop_sequence");
  }
  if (delta->Has("stop_details")) {
    stop_details_raw_ = delta->Get("stop_details");
  }
  if (delta->Has("container")) container_raw_ = delta->Get("container");
  return absl::OkStatus();
}

absl::Status MessageAccumulator::OnMessageStop() {
  if (!started_) return Malformed("message_stop", "before message_start");
  state_ = State::kDone;
  return absl::OkStatus();
}

void MessageAccumulator::OnError(std::string_view data) {
  state_ = State::kError;
  error_.raw = data;
  const auto event = JsonObject::Parse(data);
  if (!event.ok()) {
    error_.message = data;
    return;
  }
  error_.request_id = event->GetString("request_id");
  const auto error = JsonObject::Parse(event->Get("error"));
  if (!error.ok()) return;
  error_.type = error->GetString("type");
  error_.message = error->GetString("message");
  const auto details = JsonObject::Parse(error->Get("details"));
  if (details.ok()) error_.error_code = details->GetString("error_code");
}

absl::Status MessageAccumulator::Grow(size_t bytes) {
  content_bytes_ += bytes;
  if (content_bytes_ <= kContentBytesMax) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the reply exceeds ", kContentBytesMax, " bytes"));
}

void MessageAccumulator::MergeUsage(std::string_view usage) {
  const auto object = JsonObject::Parse(usage);
  if (!object.ok()) return;
  for (const JsonMember& member : object->members()) {
    const auto known =
        std::find_if(usage_.begin(), usage_.end(),
                     [&](const Usage& u) { return u.key == member.key; });
    if (known == usage_.end()) {
      usage_.push_back({std::string(member.key), std::string(member.value)});
    } else if (member.value != "null") {
      known->value = member.value;
    }
  }
}

void MessageAccumulator::NoteText(std::string_view body) {
  new_text_.append(body);
}

std::string MessageAccumulator::TakeNewText() {
  const size_t tail = state_ == State::kOpen ? PendingTail(new_text_) : 0;
  const size_t ready = new_text_.size() - tail;
  std::string text = Unescape(std::string_view(new_text_).substr(0, ready));
  new_text_.erase(0, ready);
  return text;
}

std::string MessageAccumulator::UsageRaw() const {
  std::string out = "{";
  for (const Usage& counter : usage_) {
    if (out.size() > 1) out.push_back(',');
    out.append("\"").append(counter.key).append("\":").append(counter.value);
  }
  out.push_back('}');
  return out;
}

absl::StatusOr<AssistantMessage> MessageAccumulator::Finish() const {
  if (state_ != State::kDone) {
    return absl::FailedPreconditionError("the stream has no message_stop");
  }
  AssistantMessage message;
  message.id = id_;
  message.model = model_;
  message.stop_reason = stop_reason_;
  message.stop_sequence_raw = stop_sequence_raw_;
  message.stop_details_raw = stop_details_raw_;
  message.container_raw = container_raw_;
  message.usage_raw = UsageRaw();
  message.content_raw = "[";
  for (const auto& [index, block] : blocks_) {
    if (message.content_raw.size() > 1) message.content_raw.push_back(',');
    message.content_raw.append(Assemble(block, message.cut_tool_input));
  }
  message.content_raw.push_back(']');
  message.text = ContentText(message.content_raw);
  return message;
}

std::string MessageAccumulator::Assemble(const Block& block,
                                         std::string& cut_tool_input) {
  std::string out = WithDeltas(block.start, "text", block.text);
  out = WithDeltas(out, "thinking", block.thinking);
  if (KindOf(block.signature) == JsonKind::kString) {
    out = SetMember(out, "signature", block.signature);
  }
  out = WithCitations(out, block.citations);
  const bool calls_tool =
      block.type == "tool_use" || block.type == "server_tool_use";
  if (calls_tool || !block.input.empty()) {
    out = WithInput(out, block.input, cut_tool_input);
  }
  return out;
}

}  // namespace anabranch::claude
