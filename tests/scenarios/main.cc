// scenarios [--rewrite] [NAME…]: plays the scenarios of the tree, prints the
// first difference of each, and the count; --rewrite writes them anew.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"
#include "tests/scenarios/scenario.h"

namespace anabranch::scenarios {
namespace {

std::filesystem::path Folder() {
  const char* root = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  return std::filesystem::path(root == nullptr ? "." : root) /
         "tests/scenarios";
}

std::vector<std::filesystem::path> Files(
    const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    const std::filesystem::path& path = entry.path();
    bool asked = names.empty() || std::find(names.begin(), names.end(),
                                            path.stem()) != names.end();
    if (path.extension() == ".txt" && asked) files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

void PrintDifference(const std::string& written, const std::string& played) {
  std::vector<std::string> before = absl::StrSplit(written, '\n');
  std::vector<std::string> after = absl::StrSplit(played, '\n');
  size_t i = 0;
  while (i < before.size() && i < after.size() && before[i] == after[i]) ++i;
  std::cout << "  line " << i + 1 << "\n  - "
            << (i < before.size() ? before[i] : "(end)") << "\n  + "
            << (i < after.size() ? after[i] : "(end)") << "\n";
}

// Whether it is as written, or was written anew.
bool PlayOne(const std::filesystem::path& path, bool rewrite) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  auto played = PlayScenario(text.str(), limits::kLiveFlowsDefault);
  auto replayed = PlayScenario(text.str(), 0);
  for (const auto* one : {&played, &replayed}) {
    if (one->ok()) continue;
    std::cout << path.stem().string() << ": " << one->status().message()
              << "\n";
    return false;
  }
  if (*played != *replayed) {
    std::cout << path.stem().string() << ": differs when every stimulus "
              << "replays\n";
    PrintDifference(*played, *replayed);
    return false;
  }
  if (*played == text.str()) return true;
  std::cout << path.stem().string()
            << (rewrite ? ": written anew\n" : ": differs\n");
  PrintDifference(text.str(), *played);
  if (rewrite) std::ofstream(path) << *played;
  return rewrite;
}

int Main(int argc, char** argv) {
  CLI::App app("Plays the text scenarios of tests/scenarios.");
  bool rewrite = false;
  std::vector<std::string> names;
  app.add_flag("--rewrite", rewrite, "write what comes of them into the files");
  app.add_option("NAME", names, "only these, without .txt");
  CLI11_PARSE(app, argc, argv);
  int passed = 0;
  int failed = 0;
  for (const auto& path : Files(names)) {
    ++(PlayOne(path, rewrite) ? passed : failed);
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace anabranch::scenarios

int main(int argc, char** argv) {
  return anabranch::scenarios::Main(argc, argv);
}
