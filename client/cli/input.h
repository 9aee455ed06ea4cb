// Values from the command line as JSON text.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::cli {

// The content of a file, or of `in` for "-". InvalidArgument names the limit
// for what is larger; NotFound when there is none.
absl::StatusOr<std::string> ReadAll(const std::string& path, std::istream& in);

// JSON from `@FILE`, from `in` for "-", or as it stands.
absl::StatusOr<std::string> ReadJson(const std::string& source,
                                     std::istream& in);

// An object: `base` (JSON of an object, or empty) with the members of
// "key=value" in `assignments`. A value that is JSON is taken as such, anything
// else as a string.
absl::StatusOr<std::string> BuildInput(
    const std::string& base, const std::vector<std::string>& assignments);

}  // namespace anabranch::cli
