#include "tests/support/programs.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace anabranch::support {
namespace {

// bazel-bin, of which this program is <folder>/<folder>/<name>.
std::filesystem::path OutputRoot() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return self.parent_path().parent_path().parent_path();
}

}  // namespace

absl::StatusOr<Programs> FindPrograms(const std::string& folder) {
  const std::string root = OutputRoot().string();
  Programs programs{
      root + "/client/anabranch",
      root + "/orchestrator/anabranch-orchestrator",
      root + "/activity_worker/anabranch-worker",
      root + "/fake_claude/fake_claude",
  };
  if (!folder.empty()) {
    programs = {folder + "/anabranch", folder + "/anabranch-orchestrator",
                folder + "/anabranch-worker", folder + "/fake_claude"};
  }
  for (const std::string& program : {programs.anabranch, programs.orchestrator,
                                     programs.worker, programs.fake_claude}) {
    if (access(program.c_str(), X_OK) != 0) {
      return absl::NotFoundError(absl::StrCat(
          "there is no program ", program,
          "; ./dev build makes them in bin/, which --bin-dir can name"));
    }
  }
  return programs;
}

std::string BuiltProgram(const std::string& path) {
  return (OutputRoot() / path).string();
}

absl::StatusOr<std::string> FindSourceFile(const std::string& path) {
  if (access(path.c_str(), R_OK) == 0) return path;
  const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (workspace != nullptr) {
    std::string there = absl::StrCat(workspace, "/", path);
    if (access(there.c_str(), R_OK) == 0) return there;
  }
  return absl::NotFoundError(
      absl::StrCat("there is no ", path, " below this folder"));
}

}  // namespace anabranch::support
