// anabranch-replay: saved histories against the flows of this build. What
// `anabranch replay` runs; the command itself knows no flows.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/build_id.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "flows/register.h"
#include "orchestrator/replay_check.h"
#include "sdk/flow_registry.h"

namespace anabranch::orchestrator {
namespace {

namespace fs = std::filesystem;

constexpr int kAllMatch = 0;
constexpr int kSomeDoNot = 1;
constexpr int kUnreadable = 2;

struct ReplayOptions {
  std::vector<std::string> files;
  std::string payloads;
  bool json = false;
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), {});
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  return std::move(text).str();
}

// The files of a folder, each named by the SHA-256 of what is in it.
absl::StatusOr<StoredContent> ReadContent(const std::string& folder) {
  StoredContent content;
  if (folder.empty()) return content;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    ASSIGN_OR_RETURN(std::string bytes, ReadFile(entry.path()));
    if (Sha256Hex(bytes) != name) {
      return absl::DataLossError(
          absl::StrCat(entry.path().string(),
                       ": its name is not the SHA-256 of its content"));
    }
    content[name] = std::move(bytes);
  }
  if (error) {
    return absl::NotFoundError(absl::StrCat(folder, ": ", error.message()));
  }
  return content;
}

void Print(const SavedHistory& history, const ReplayCheck& check, bool json) {
  if (json) {
    const nlohmann::ordered_json line = {
        {"run", history.run},
        {"generation", history.generation},
        {"flow", history.flow},
        {"file", history.file},
        {"line", history.line},
        {"events", history.events},
        {"verdict", VerdictName(check.verdict)},
        {"report", check.report}};
    std::cout << line.dump(-1, ' ', false,
                           nlohmann::json::error_handler_t::replace)
              << "\n";
    return;
  }
  std::cout << VerdictName(check.verdict) << "  " << history.run;
  if (history.generation > 1) {
    std::cout << " generation " << history.generation;
  }
  std::cout << "  flow " << history.flow << "  " << history.events
            << " events\n";
  if (check.report.empty()) return;
  std::cout << "  " << absl::StrReplaceAll(check.report, {{"\n", "\n  "}})
            << "\n";
}

absl::StatusOr<int> Replay(const ReplayOptions& options) {
  sdk::FlowRegistry flows{BuildId()};
  flows::RegisterFlows(flows);
  ASSIGN_OR_RETURN(const StoredContent content, ReadContent(options.payloads));
  // All is read before anything is replayed: a bad file is told at once.
  std::vector<SavedHistory> histories;
  for (const std::string& file : options.files) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    ASSIGN_OR_RETURN(std::vector<SavedHistory> more, ReadHistories(file, text));
    std::move(more.begin(), more.end(), std::back_inserter(histories));
  }
  int mismatches = 0;
  int incomplete = 0;
  for (const SavedHistory& history : histories) {
    const ReplayCheck check = CheckHistory(flows, history, content);
    if (check.verdict == ReplayVerdict::kMismatch) ++mismatches;
    if (check.verdict == ReplayVerdict::kIncomplete) ++incomplete;
    Print(history, check, options.json);
  }
  if (!options.json) {
    std::cout << histories.size() << " replayed against build " << BuildId()
              << ": " << mismatches << " do not match, " << incomplete
              << " could not be told\n";
  }
  if (incomplete > 0) return kUnreadable;
  return mismatches > 0 ? kSomeDoNot : kAllMatch;
}

int Main(int argc, char** argv) {
  ReplayOptions options;
  CLI::App app(
      "Replays saved histories (anabranch runs history RUN --json) against the "
      "flows of this build.",
      "anabranch-replay");
  app.add_option("FILE", options.files, "saved histories; - is standard input")
      ->required();
  app.add_option("--payloads", options.payloads,
                 "folder with content that histories refer to, each file named "
                 "by its SHA-256");
  app.add_flag("--json", options.json, "one JSON object per history");
  app.footer(
      "Exit codes: 0 all match; 1 some do not; 2 something could not be read");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kAllMatch : kUnreadable;
  }
  const absl::StatusOr<int> code = Replay(options);
  if (code.ok()) return *code;
  std::cerr << "error: " << std::string(code.status().message()) << std::endl;
  return kUnreadable;
}

}  // namespace
}  // namespace anabranch::orchestrator

int main(int argc, char** argv) {
  return anabranch::orchestrator::Main(argc, argv);
}
