#include "flows/branch_record.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "sdk/failure.h"

namespace anabranch::flows {
namespace {

std::string MessageJson(std::string_view role, std::string_view content) {
  claude::JsonWriter writer;
  writer.BeginObject().Key("role").String(role);
  writer.Key("content").Raw(content).EndObject();
  return writer.Take();
}

// After these the API would refuse, or not profit from, a further message.
bool EndsBranch(std::string_view stop_reason) {
  return stop_reason == "tool_use" || stop_reason == "max_tokens" ||
         stop_reason == "refusal" ||
         stop_reason == "model_context_window_exceeded";
}

void AddCount(const claude::JsonObject& usage, std::string_view key,
              int64_t& sum) {
  const int64_t count = usage.GetInt(key).value_or(0);
  if (count <= 0) return;
  const int64_t room = std::numeric_limits<int64_t>::max() - sum;
  sum += count < room ? count : room;
}

}  // namespace

void UsageSum::Add(std::string_view usage) {
  const auto object = claude::JsonObject::Parse(usage);
  if (!object.ok()) return;
  AddCount(*object, "input_tokens", input_tokens);
  AddCount(*object, "output_tokens", output_tokens);
  AddCount(*object, "cache_read_input_tokens", cache_read_input_tokens);
  AddCount(*object, "cache_creation_input_tokens", cache_creation_input_tokens);
}

BranchRecord::BranchRecord(BranchSpec spec, std::string_view default_model)
    : spec_(std::move(spec)),
      model_json_(spec_.model_json.empty() ? default_model : spec_.model_json) {
}

std::string BranchRecord::NextTurnInput() {
  AB_CHECK(open_);
  // A paused turn goes on with its own content and nothing else.
  if (!paused_ && unsent() > 0) {
    messages_.push_back(MessageJson("user", spec_.messages_json[sent_]));
    ++sent_;
  }
  claude::JsonWriter writer;
  writer.BeginObject();
  if (!model_json_.empty()) writer.Key("model").Raw(model_json_);
  writer.Key("max_tokens").Int(spec_.max_tokens);
  if (!spec_.system_json.empty()) writer.Key("system").Raw(spec_.system_json);
  if (!spec_.replace_json.empty()) {
    writer.Key("replace_message").Raw(spec_.replace_json);
  }
  writer.Key("messages").BeginArray();
  for (const std::string& message : messages_) writer.Raw(message);
  writer.EndArray().EndObject();
  return writer.Take();
}

absl::Status BranchRecord::TakeReply(std::string_view reply) {
  ASSIGN_OR_RETURN(const auto object, claude::JsonObject::Parse(reply));
  if (claude::KindOf(object.Get("content")) != claude::JsonKind::kArray) {
    return absl::InvalidArgumentError("content: must be an array");
  }
  ++turns_;
  messages_.push_back(MessageJson("assistant", object.Get("content")));
  const std::string_view text = object.Get("text");
  const bool has_text = claude::KindOf(text) == claude::JsonKind::kString;
  texts_json_.emplace_back(has_text ? text : "\"\"");
  usage_.Add(object.Get("usage"));
  stop_reason_json_ =
      object.Has("stop_reason") ? object.Get("stop_reason") : "null";
  EndAfter(object.GetString("stop_reason"));
  return absl::OkStatus();
}

void BranchRecord::EndAfter(std::string_view stop_reason) {
  paused_ = stop_reason == "pause_turn";
  open_ = !EndsBranch(stop_reason) && (paused_ || unsent() > 0) &&
          turns_ < spec_.max_turns;
}

void BranchRecord::Fail(const anabranch::v1::Failure& failure) {
  open_ = false;
  state_ = "FAILED";
  claude::JsonWriter writer;
  writer.BeginObject().Key("type").String(failure.type());
  writer.Key("message").String(failure.message()).EndObject();
  failure_json_ = writer.Take();
}

void BranchRecord::TimeOut() {
  Fail(sdk::MakeFailure(
      sdk::kFailureTimeout,
      absl::StrCat("the branch's time, ", spec_.timeout_seconds,
                   " s, was up in turn ", next_turn())));
  state_ = "TIMED_OUT";
}

std::string BranchRecord::Note() const {
  std::string note;
  if (state_ == "COMPLETED" && paused_) {
    note = absl::StrCat("the reply is not complete: max_turns (",
                        spec_.max_turns, ") was reached while it paused");
  }
  if (unsent() > 0) {
    absl::StrAppend(&note, note.empty() ? "" : "; ", unsent(), " of ",
                    spec_.messages_json.size(), " messages ",
                    unsent() == 1 ? "was" : "were", " not sent");
  }
  return note;
}

std::string BranchRecord::ResultJson(absl::Duration duration) const {
  claude::JsonWriter writer;
  writer.BeginObject();
  writer.Key("name").String(spec_.name);
  writer.Key("state").String(state_);
  writer.Key("model").Raw(model_json_.empty() ? "null" : model_json_);
  writer.Key("stop_reason").Raw(stop_reason_json_);
  writer.Key("duration_ms").Int(absl::ToInt64Milliseconds(duration));
  writer.Key("turns").Int(turns_);
  writer.Key("usage").BeginObject();
  writer.Key("input_tokens").Int(usage_.input_tokens);
  writer.Key("output_tokens").Int(usage_.output_tokens);
  writer.Key("cache_read_input_tokens").Int(usage_.cache_read_input_tokens);
  writer.Key("cache_creation_input_tokens")
      .Int(usage_.cache_creation_input_tokens);
  writer.EndObject();
  writer.Key("texts").BeginArray();
  for (const std::string& text : texts_json_) writer.Raw(text);
  writer.EndArray();
  writer.Key("text").Raw(texts_json_.empty() ? "\"\"" : texts_json_.back());
  if (!failure_json_.empty()) writer.Key("failure").Raw(failure_json_);
  const std::string note = Note();
  if (!note.empty()) writer.Key("note").String(note);
  writer.EndObject();
  return writer.Take();
}

}  // namespace anabranch::flows
