#include "orchestrator/log/errors.h"

#include "absl/strings/str_cat.h"
#include "orchestrator/log/keys.h"

namespace anabranch::log {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

absl::Status DamagedRecord(std::string_view key, std::string_view how) {
  return absl::DataLossError(absl::StrCat(
      "the record under key \"", ReadableKey(key), "\" is damaged: ", View(how),
      ". Restore the data folder from a backup."));
}

absl::Status NewerRecord(std::string_view key, int version) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the record under key \"", ReadableKey(key),
      "\" was written by a newer program (envelope version ", version, ")."));
}

absl::Status UnknownPayload(std::string_view sha256) {
  return absl::NotFoundError(
      absl::StrCat("no content is stored under sha256 ", View(sha256), "."));
}

}  // namespace anabranch::log
