#include "claude/checkpoint.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "claude/message_list.h"

namespace anabranch::claude {
namespace {

absl::string_view Absl(std::string_view s) { return {s.data(), s.size()}; }

const Step& StepAt(const Transcript& transcript, int step) {
  return transcript.steps[static_cast<size_t>(step) - 1];
}

absl::Status CheckRange(const Transcript& transcript, int step) {
  const size_t count = transcript.steps.size();
  if (step >= 1 && static_cast<size_t>(step) <= count) return absl::OkStatus();
  if (count == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("conversation ", transcript.session_id, " has no steps"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("step ", step, " is out of range: conversation ",
                   transcript.session_id, " has the steps 1 to ", count));
}

// "; the nearest <what> are 1 and 3", from the nearest below and above `step`
// that satisfy `fits`.
template <typename Fits>
std::string NearestClause(const Transcript& transcript, int step,
                          absl::string_view what, Fits fits) {
  int below = 0;
  int above = 0;
  for (const Step& other : transcript.steps) {
    if (!fits(other)) continue;
    if (other.number < step) below = other.number;
    if (other.number > step && above == 0) above = other.number;
  }
  if (below == 0 && above == 0) return absl::StrCat("; there are no ", what);
  if (below != 0 && above != 0) {
    return absl::StrCat("; the nearest ", what, " are ", below, " and ", above);
  }
  return absl::StrCat("; the nearest of the ", what, " is ",
                      std::max(below, above));
}

// Whether the API may have the block again: its thinking never provably binds.
bool IsThinking(std::string_view raw) {
  const auto block = JsonObject::Parse(raw);
  if (!block.ok()) return false;
  const std::string type = block->GetString("type");
  return type == "thinking" || type == "redacted_thinking";
}

absl::Status AddStep(const Step& step, MessageList& messages) {
  if (step.kind != StepKind::kAssistant) {
    return messages.Add(step.role, step.content_raw);
  }
  ASSIGN_OR_RETURN(std::vector<std::string> blocks,
                   ContentBlocks(step.content_raw));
  blocks.erase(std::remove_if(blocks.begin(), blocks.end(), IsThinking),
               blocks.end());
  return messages.Add(step.role, JoinBlocks(blocks));
}

absl::StatusOr<std::string> Messages(const Transcript& transcript, int step) {
  MessageList messages;
  for (int number = 1; number <= step; ++number) {
    const Step& kept = StepAt(transcript, number);
    if (number == step && kept.kind == StepKind::kPrompt) messages.Seal();
    RETURN_IF_ERROR(AddStep(kept, messages));
  }
  return messages.Json();
}

// The newest snapshot up to the first line of step N+1 that has `field`; empty
// when there is none.
std::string_view NewestSnapshot(const Transcript& transcript, int step,
                                std::string PromptSnapshot::* field) {
  const bool has_next = static_cast<size_t>(step) < transcript.steps.size();
  const size_t end = has_next ? StepAt(transcript, step + 1).first_line : 0;
  std::string_view newest;
  for (const PromptSnapshot& snapshot : transcript.snapshots) {
    if (snapshot.after_step > step || (has_next && snapshot.line >= end)) {
      continue;
    }
    if (!(snapshot.*field).empty()) newest = snapshot.*field;
  }
  return newest;
}

std::vector<std::string> SystemBlocks(std::string_view system_prompt) {
  std::vector<std::string> blocks;
  const auto parts = JsonElements(system_prompt);
  if (!parts.ok()) return blocks;
  for (const std::string_view part : *parts) {
    const std::string as_content = KindOf(part) == JsonKind::kString
                                       ? std::string(part)
                                       : absl::StrCat("[", Absl(part), "]");
    const auto more = ContentBlocks(as_content);
    if (more.ok()) blocks.insert(blocks.end(), more->begin(), more->end());
  }
  return blocks;
}

// Declared schemas first, then an open one for each tool that the steps used
// beyond them.
std::vector<std::string> ToolSchemas(const Transcript& transcript, int step) {
  std::vector<std::string> schemas;
  std::set<std::string> names;
  const auto declared = JsonElements(
      NewestSnapshot(transcript, step, &PromptSnapshot::tools_raw));
  if (declared.ok()) {
    for (const std::string_view raw : *declared) {
      const auto tool = JsonObject::Parse(raw);
      if (!tool.ok() || !tool->Has("schema")) continue;
      const auto schema = JsonObject::Parse(tool->Get("schema"));
      if (!schema.ok()) continue;
      if (!names.insert(schema->GetString("name")).second) continue;
      schemas.emplace_back(tool->Get("schema"));
    }
  }
  for (int number = 1; number <= step; ++number) {
    const Step& kept = StepAt(transcript, number);
    const auto blocks = JsonElements(kept.content_raw);
    if (kept.kind != StepKind::kAssistant || !blocks.ok()) continue;
    for (const std::string_view raw : *blocks) {
      const auto block = JsonObject::Parse(raw);
      if (!block.ok() || block->GetString("type") != "tool_use") continue;
      // A damaged block may name nothing, which declares nothing.
      const std::string name = block->GetString("name");
      if (name.empty() || !names.insert(name).second) continue;
      JsonWriter writer;
      writer.BeginObject().Key("name").Raw(block->Get("name"));
      writer.Key("input_schema").BeginObject().Key("type").String("object");
      writer.Key("additionalProperties").Bool(true).EndObject().EndObject();
      schemas.push_back(writer.Take());
    }
  }
  return schemas;
}

// The model's time: of each reply from the step before it to its last line.
std::optional<int64_t> DurationMs(const Transcript& transcript, int step) {
  std::optional<int64_t> total;
  for (const Step& reply : transcript.steps) {
    if (reply.number <= step || reply.kind != StepKind::kAssistant) continue;
    absl::Time begin;
    absl::Time end;
    const Step& before = StepAt(transcript, reply.number - 1);
    if (!absl::ParseTime(absl::RFC3339_full, before.timestamp, &begin,
                         nullptr) ||
        !absl::ParseTime(absl::RFC3339_full, reply.timestamp, &end, nullptr)) {
      continue;
    }
    total = total.value_or(0) +
            std::max<int64_t>(0, absl::ToInt64Milliseconds(end - begin));
  }
  return total;
}

void WriteUsage(const Transcript& transcript, int step, JsonWriter& writer) {
  constexpr std::array<std::string_view, 4> kCounters = {
      "input_tokens", "output_tokens", "cache_read_input_tokens",
      "cache_creation_input_tokens"};
  writer.BeginObject();
  for (const std::string_view counter : kCounters) {
    int64_t total = 0;
    for (const TranscriptCall& call : transcript.calls) {
      if (call.after_step < step) continue;
      const auto usage = JsonObject::Parse(call.usage_raw);
      if (!usage.ok()) continue;
      // A file can hold any number: what does not fit is as much as fits.
      if (__builtin_add_overflow(total, usage->GetInt(counter).value_or(0),
                                 &total)) {
        total = std::numeric_limits<int64_t>::max();
      }
    }
    writer.Key(counter).Int(total);
  }
  writer.EndObject();
}

void WriteOriginal(const Transcript& transcript, int step, JsonWriter& writer) {
  std::vector<const Step*> replies;
  for (const Step& other : transcript.steps) {
    if (other.number > step && other.kind == StepKind::kAssistant) {
      replies.push_back(&other);
    }
  }
  const Step none;
  const Step& last = replies.empty() ? none : *replies.back();
  const auto duration = DurationMs(transcript, step);
  writer.BeginObject().Key("state").String("COMPLETED");
  writer.Key("model").String(last.model);
  writer.Key("stop_reason").String(last.stop_reason);
  writer.Key("duration_ms");
  if (duration) {
    writer.Int(*duration);
  } else {
    writer.Null();
  }
  writer.Key("turns").Int(static_cast<int64_t>(replies.size()));
  writer.Key("usage");
  WriteUsage(transcript, step, writer);
  writer.Key("texts").BeginArray();
  for (const Step* reply : replies) writer.String(reply->text);
  writer.EndArray().Key("text").String(last.text).EndObject();
}

}  // namespace

absl::Status ValidateForkPoint(const Transcript& transcript, int step,
                               bool has_message) {
  RETURN_IF_ERROR(CheckRange(transcript, step));
  const auto fits = [has_message](const Step& other) {
    return other.forkable && (has_message || !other.needs_message);
  };
  const Step& cut = StepAt(transcript, step);
  if (fits(cut)) return absl::OkStatus();
  const std::string why =
      cut.forkable
          ? "it is an assistant message, and none is injected to go on with"
          : cut.why_not;
  return absl::FailedPreconditionError(
      absl::StrCat("step ", step, " is no fork point: ", why,
                   NearestClause(transcript, step, "valid steps", fits)));
}

absl::Status ValidateReplaceMessage(const Transcript& transcript, int step) {
  RETURN_IF_ERROR(CheckRange(transcript, step));
  const Step& replaced = StepAt(transcript, step);
  if (replaced.kind == StepKind::kPrompt) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "replace_message replaces a prompt, and step ", step, " is none (",
      Absl(StepKindName(replaced.kind)), ")",
      NearestClause(transcript, step, "prompts", [](const Step& other) {
        return other.kind == StepKind::kPrompt && other.forkable;
      })));
}

std::string DefaultModel(const Transcript& transcript, int step) {
  std::string before;
  for (const Step& other : transcript.steps) {
    if (other.model.empty()) continue;
    if (other.number > step) return other.model;
    before = other.model;
  }
  return before;
}

absl::StatusOr<std::string> BuildCheckpoint(const Transcript& transcript,
                                            int step) {
  RETURN_IF_ERROR(ValidateForkPoint(transcript, step, true));
  ASSIGN_OR_RETURN(const std::string messages, Messages(transcript, step));
  const std::vector<std::string> system = SystemBlocks(
      NewestSnapshot(transcript, step, &PromptSnapshot::system_raw));
  const std::vector<std::string> tools = ToolSchemas(transcript, step);
  const std::string model = DefaultModel(transcript, step);
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("conversation").String(transcript.session_id);
  writer.Key("step").Int(step);
  writer.Key("last").String(StepKindName(StepAt(transcript, step).kind));
  writer.Key("messages").Raw(messages);
  if (!system.empty()) writer.Key("system").Raw(JoinBlocks(system));
  if (!tools.empty()) writer.Key("tools").Raw(JoinBlocks(tools));
  if (!model.empty()) writer.Key("default_model").String(model);
  writer.Key("original");
  WriteOriginal(transcript, step, writer);
  writer.EndObject();
  return writer.Take();
}

}  // namespace anabranch::claude
