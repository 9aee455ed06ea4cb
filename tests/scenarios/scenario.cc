#include "tests/scenarios/scenario.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "tests/scenarios/player.h"

namespace anabranch::scenarios {
namespace {

constexpr std::string_view kOutput = ">";

absl::Status Problem(int number, std::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", number, ": ",
                   absl::string_view(problem.data(), problem.size())));
}

// One line of a file, sorted into its part.
absl::Status Take(const std::string& text, int number,
                  std::vector<Part>& parts) {
  if (parts.empty()) parts.emplace_back();
  if (text.starts_with(kOutput)) return absl::OkStatus();
  std::vector<program::Line> lines = program::SplitLines(text);
  bool deeper = !lines.empty() && lines.front().indent > 0;
  if (!deeper && !parts.back().command.empty()) parts.emplace_back();
  Part& part = parts.back();
  part.source.push_back(text);
  if (lines.empty()) return absl::OkStatus();
  lines.front().number = number;
  if (deeper) {
    if (part.command.empty()) return Problem(number, "belongs to no command");
    part.command.front().block.push_back(lines.front());
    return absl::OkStatus();
  }
  auto words = program::SplitWords(lines.front().text);
  if (!words.ok())
    return Problem(number, std::string(words.status().message()));
  if (words->plain.empty()) return Problem(number, "has no verb");
  part.command.push_back({lines.front(), *std::move(words), {}});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Part>> ParseScenario(std::string_view text) {
  std::vector<std::string> lines =
      absl::StrSplit(absl::string_view(text.data(), text.size()), '\n');
  if (!lines.front().starts_with("# ")) {
    return Problem(1, "says, after `# `, which sentence the scenario proves");
  }
  if (lines.back().empty()) lines.pop_back();
  std::vector<Part> parts;
  for (size_t i = 0; i < lines.size(); ++i) {
    RETURN_IF_ERROR(Take(lines[i], static_cast<int>(i) + 1, parts));
  }
  return parts;
}

absl::StatusOr<std::string> PlayScenario(std::string_view text,
                                         size_t live_flows_max) {
  ASSIGN_OR_RETURN(std::vector<Part> parts, ParseScenario(text));
  Player player(live_flows_max);
  std::string played;
  for (const Part& part : parts) {
    for (const std::string& line : part.source) {
      absl::StrAppend(&played, line, "\n");
    }
    for (const Command& command : part.command) {
      auto outputs = player.Play(command);
      if (!outputs.ok()) {
        return Problem(command.line.number,
                       absl::StrCat("`", command.line.text,
                                    "`: ", outputs.status().message()));
      }
      for (const std::string& output : *outputs) {
        absl::StrAppend(&played, "> ", output, "\n");
      }
    }
  }
  return played;
}

}  // namespace anabranch::scenarios
