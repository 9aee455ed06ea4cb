#include "claude/conversation_activities.h"

#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/checkpoint.h"
#include "claude/compare.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "claude/transcript.h"

namespace anabranch::claude {
namespace {

struct Cut {
  Transcript transcript;
  int step = 0;
};

absl::StatusOr<JsonObject> ParseObject(absl::string_view what,
                                       std::string_view json) {
  auto object = JsonObject::Parse(json);
  if (object.ok()) return object;
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": ", object.status().message()));
}

absl::StatusOr<Cut> ParseCut(std::string_view transcript,
                             std::string_view input) {
  ASSIGN_OR_RETURN(const JsonObject object, ParseObject("input", input));
  const auto step = object.GetInt("fork_at_step");
  if (!step || *step < 1 || *step > std::numeric_limits<int>::max()) {
    return absl::InvalidArgumentError(
        "fork_at_step: must be an integer of at least 1");
  }
  TranscriptOptions options;
  options.leaf = object.GetString("leaf");
  Cut cut;
  ASSIGN_OR_RETURN(cut.transcript, ParseTranscript(transcript, options));
  cut.step = static_cast<int>(*step);
  RETURN_IF_ERROR(ValidateForkPoint(cut.transcript, cut.step, true));
  return cut;
}

}  // namespace

absl::StatusOr<std::string> LoadConversation(std::string_view transcript,
                                             std::string_view input) {
  ASSIGN_OR_RETURN(const Cut cut, ParseCut(transcript, input));
  const Step& last = cut.transcript.steps[static_cast<size_t>(cut.step) - 1];
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("session_id").String(cut.transcript.session_id);
  writer.Key("version").String(cut.transcript.version);
  writer.Key("leaf").String(cut.transcript.leaf);
  writer.Key("torn").Bool(cut.transcript.torn);
  writer.Key("steps").Int(static_cast<int64_t>(cut.transcript.steps.size()));
  writer.Key("fork").BeginObject();
  writer.Key("step").Int(cut.step);
  writer.Key("kind").String(StepKindName(last.kind));
  writer.Key("needs_message").Bool(last.needs_message).EndObject();
  const std::string model = DefaultModel(cut.transcript, cut.step);
  if (!model.empty()) writer.Key("default_model").String(model);
  writer.EndObject();
  return writer.Take();
}

absl::StatusOr<std::string> CheckpointConversation(std::string_view transcript,
                                                   std::string_view input) {
  ASSIGN_OR_RETURN(const Cut cut, ParseCut(transcript, input));
  return BuildCheckpoint(cut.transcript, cut.step);
}

absl::StatusOr<std::string> CompareConversation(std::string_view checkpoint,
                                                std::string_view input) {
  ASSIGN_OR_RETURN(const JsonObject cut, ParseObject("checkpoint", checkpoint));
  ASSIGN_OR_RETURN(const JsonObject object, ParseObject("input", input));
  return CompareBranches(object.Get("branches"), cut.Get("original"));
}

}  // namespace anabranch::claude
