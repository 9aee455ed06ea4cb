// Where the project's programs are.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace anabranch::support {

struct Programs {
  std::string anabranch;
  std::string orchestrator;
  std::string worker;
  std::string fake_claude;
};

// In `folder`, as ./dev build leaves them; empty: where Bazel built them
// together with the program that asks.
absl::StatusOr<Programs> FindPrograms(const std::string& folder = "");

// A program that Bazel built together with the one that asks, by its path below
// bazel-bin.
std::string BuiltProgram(const std::string& path);

// A file of the source tree, by its path there.
absl::StatusOr<std::string> FindSourceFile(const std::string& path);

}  // namespace anabranch::support
