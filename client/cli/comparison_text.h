// The result of fork_compare for people.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace anabranch::cli {

// A table with a line per branch, failures and averages. `width` of the
// terminal, 0 is unlimited. InvalidArgument when `json` is no comparison.
absl::StatusOr<std::string> ComparisonTable(const std::string& json, int width);

}  // namespace anabranch::cli
