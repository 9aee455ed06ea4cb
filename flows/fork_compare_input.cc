#include "flows/fork_compare_input.h"

#include <limits>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/status_macros.h"
#include "claude/checkpoint.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "flows/input_object.h"
#include "flows/model_limits.h"

namespace anabranch::flows {
namespace {

struct Settings {
  int64_t max_turns = kMaxTurnsDefault;
  int64_t timeout_seconds = 0;
};

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::string TextOf(std::string_view token) {
  return claude::Unescape(claude::StringBody(token));
}

std::string BranchPath(size_t index) {
  return absl::StrCat("branches[", index, "]");
}

// [A-Za-z0-9][A-Za-z0-9._-]*
bool IsBranchName(std::string_view name) {
  if (name.empty() || name.size() > kBranchNameBytesMax) return false;
  if (!absl::ascii_isalnum(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '.' &&
        c != '_' && c != '-') {
      return false;
    }
  }
  return true;
}

Settings ParseSettings(const InputObject& input, InputProblems& problems) {
  Settings settings;
  const std::string_view raw = input.Raw("settings");
  if (raw.empty()) return settings;
  const InputObject object(raw, "settings", {"max_turns", "timeout_seconds"},
                           problems);
  settings.max_turns =
      object.Integer("max_turns", 1, kMaxTurnsMax).value_or(settings.max_turns);
  settings.timeout_seconds =
      object.Integer("timeout_seconds", 1, kBranchSecondsMax).value_or(0);
  return settings;
}

// A string, or a list of strings; none may be blank.
std::vector<std::string> ParseMessages(const InputObject& branch) {
  constexpr std::string_view kField = "inject_message";
  const std::string_view raw = branch.Raw(kField);
  if (raw.empty()) return {};
  if (claude::KindOf(raw) != claude::JsonKind::kArray) {
    if (claude::KindOf(raw) != claude::JsonKind::kString) {
      branch.Problem(kField, "must be a string or a list of strings");
      return {};
    }
    return {std::string(branch.Text(kField))};
  }
  std::vector<std::string> messages;
  const auto elements = claude::JsonElements(raw);
  for (size_t i = 0; elements.ok() && i < elements->size(); ++i) {
    const std::string_view element = (*elements)[i];
    const std::string path = absl::StrCat(View(kField), "[", i, "]");
    if (claude::KindOf(element) != claude::JsonKind::kString) {
      branch.Problem(path, "must be a string");
    } else if (IsBlank(element)) {
      branch.Problem(path, "must not be empty");
    }
    messages.emplace_back(element);
  }
  return messages;
}

void CheckName(const InputObject& branch, const std::string& name) {
  if (!IsBranchName(name)) {
    branch.Problem("name",
                   absl::StrCat("must begin with a letter or digit and hold "
                                "only letters, digits, '.', '_' and '-', at "
                                "most ",
                                kBranchNameBytesMax));
  } else if (name == kOriginalColumn) {
    branch.Problem("name",
                   absl::StrCat("\"", kOriginalColumn,
                                "\" is the transcript's own continuation; "
                                "choose another name"));
  }
}

BranchSpec ParseBranch(std::string_view json, const std::string& path,
                       const Settings& settings, InputProblems& problems) {
  const InputObject branch(
      json, path,
      {"name", "model", "inject_message", "replace_message", "system_prompt",
       "max_turns", "max_tokens", "timeout_seconds"},
      problems);
  BranchSpec spec;
  if (branch.Require("name")) {
    const std::string_view name = branch.StringToken("name");
    spec.name = TextOf(name);
    if (!name.empty()) CheckName(branch, spec.name);
  }
  spec.model_json = branch.Text("model");
  spec.messages_json = ParseMessages(branch);
  spec.replace_json = branch.Text("replace_message");
  const std::string_view system = branch.StringToken("system_prompt");
  // A prompt of white space is none: the API refuses it.
  if (!system.empty()) spec.system_json = IsBlank(system) ? "\"\"" : system;
  spec.max_turns =
      branch.Integer("max_turns", 1, kMaxTurnsMax).value_or(settings.max_turns);
  spec.max_tokens = branch.Integer("max_tokens", 1, kMaxTokensMax)
                        .value_or(kMaxTokensDefault);
  spec.timeout_seconds = branch.Integer("timeout_seconds", 1, kBranchSecondsMax)
                             .value_or(settings.timeout_seconds);
  if (static_cast<int64_t>(spec.messages_json.size()) > spec.max_turns) {
    branch.Problem(
        "max_turns",
        absl::StrCat("must be at least ", spec.messages_json.size(),
                     ", one for each injected message, not ", spec.max_turns));
  }
  return spec;
}

std::vector<BranchSpec> ParseBranches(const InputObject& input,
                                      const Settings& settings,
                                      InputProblems& problems) {
  std::vector<BranchSpec> branches;
  if (!input.Require("branches")) return branches;
  const auto elements = claude::JsonElements(input.Raw("branches"));
  if (!elements.ok() || elements->empty() || elements->size() > kBranchesMax) {
    input.Problem("branches", absl::StrCat("must be a list of 1 to ",
                                           kBranchesMax, " branches"));
    return branches;
  }
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < elements->size(); ++i) {
    BranchSpec spec =
        ParseBranch((*elements)[i], BranchPath(i), settings, problems);
    const auto [first, is_new] = seen.emplace(spec.name, i);
    if (!is_new && IsBranchName(spec.name)) {
      problems.Add(BranchPath(i) + ".name",
                   absl::StrCat("\"", spec.name, "\" is the name of ",
                                BranchPath(first->second), " too"));
    }
    branches.push_back(std::move(spec));
  }
  return branches;
}

// A cut that one cannot go on from.
absl::Status InvalidCut(const ForkCompareInput& input, const std::string& field,
                        absl::string_view why) {
  const std::string message = absl::StrCat(field, ": ", why);
  return WithPrecondition(
      MakeError(absl::StatusCode::kFailedPrecondition, "FORK_POINT_INVALID",
                message,
                {{"conversation", input.conversation},
                 {"fork_at_step", absl::StrCat(input.fork_at_step)},
                 {"field", field}}),
      "FORK_POINT", field, std::string(why));
}

absl::Status CheckBranch(const ForkCompareInput& input, size_t index,
                         const claude::Transcript& transcript) {
  const BranchSpec& branch = input.branches[index];
  const std::string path = BranchPath(index);
  const absl::Status cut = claude::ValidateForkPoint(
      transcript, input.fork_at_step, !branch.messages_json.empty());
  if (!cut.ok()) {
    return InvalidCut(input, path + ".inject_message", cut.message());
  }
  if (!branch.replace_json.empty()) {
    const absl::Status replaced =
        claude::ValidateReplaceMessage(transcript, input.fork_at_step);
    if (!replaced.ok()) {
      return InvalidCut(input, path + ".replace_message", replaced.message());
    }
  }
  if (branch.model_json.empty() &&
      claude::DefaultModel(transcript, input.fork_at_step).empty()) {
    return InvalidField(path + ".model",
                        "is required: the conversation names no model");
  }
  return absl::OkStatus();
}

}  // namespace

std::string ForkCompareInput::CutJson() const {
  claude::JsonWriter writer;
  writer.BeginObject().Key("fork_at_step").Int(fork_at_step);
  if (!leaf.empty()) writer.Key("leaf").String(leaf);
  writer.EndObject();
  return writer.Take();
}

absl::StatusOr<ForkCompareInput> ParseForkCompareInput(std::string_view json) {
  InputProblems problems;
  const InputObject object(
      json, "",
      {"conversation", "fork_at_step", "leaf", "branches", "settings"},
      problems);
  ForkCompareInput input;
  input.conversation = TextOf(object.RequiredText("conversation"));
  object.Require("fork_at_step");
  input.fork_at_step = static_cast<int>(
      object.Integer("fork_at_step", 1, std::numeric_limits<int32_t>::max())
          .value_or(0));
  input.leaf = TextOf(object.Text("leaf"));
  const Settings settings = ParseSettings(object, problems);
  input.branches = ParseBranches(object, settings, problems);
  RETURN_IF_ERROR(problems.status());
  return input;
}

absl::Status CheckForkPoint(const ForkCompareInput& input,
                            const claude::Transcript& transcript) {
  const absl::Status cut =
      claude::ValidateForkPoint(transcript, input.fork_at_step, true);
  if (absl::IsInvalidArgument(cut)) {
    return InvalidField("fork_at_step", std::string(cut.message()));
  }
  if (!cut.ok()) return InvalidCut(input, "fork_at_step", cut.message());
  for (size_t i = 0; i < input.branches.size(); ++i) {
    RETURN_IF_ERROR(CheckBranch(input, i, transcript));
  }
  return absl::OkStatus();
}

}  // namespace anabranch::flows
