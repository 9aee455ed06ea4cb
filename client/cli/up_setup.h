// What `up` finds out before it starts anything.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/environment.h"

namespace anabranch::cli {

// Where Claude's answers come from.
struct ClaudeSource {
  std::string base_url;
  std::string key_from;  // for people; empty when no key is needed
};

// The key's source from the environment; FailedPrecondition names the ways
// out.
absl::StatusOr<ClaudeSource> RealClaude(const Environment& env);

// A loopback port that was free a moment ago.
absl::StatusOr<int> FreePort();

// Whether somebody listens at that port of the loopback address.
bool AcceptsConnections(int port);

// Finds the other programs beside this one, or in the build tree.
class Programs {
 public:
  // Empty: this program's own folder.
  explicit Programs(const std::string& bin_dir);

  // FailedPrecondition tells where was looked.
  absl::StatusOr<std::string> Find(const std::string& name,
                                   const std::string& target_folder) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace anabranch::cli
