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

absl::Status BadCrashSpec(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", View(text),
                   "\" names no place to crash at; N:before, N:after-sync and "
                   "N:after-effects do, N from 1."));
}

absl::Status FolderInUse(std::string_view folder, std::string_view lock_file,
                         int64_t pid) {
  std::string holder =
      pid > 0 ? absl::StrCat("process ", pid) : "another process";
  return absl::FailedPreconditionError(
      absl::StrCat("the data folder ", View(folder), " is in use by ", holder,
                   " (lock file ", View(lock_file),
                   "). Stop that process or name another folder."));
}

absl::Status NotAFolder(std::string_view path) {
  return absl::FailedPreconditionError(
      absl::StrCat("the data folder ", View(path),
                   " is not a folder. Name a folder, or a path that does not "
                   "exist yet."));
}

absl::Status UnwritableFolder(std::string_view folder, std::string_view why) {
  return absl::PermissionDeniedError(absl::StrCat(
      "the data folder ", View(folder), " cannot be written: ", View(why),
      ". Name another folder or change its permissions."));
}

absl::Status NotAStore(std::string_view folder) {
  return absl::FailedPreconditionError(
      absl::StrCat("the data folder ", View(folder),
                   " holds a database that anabranch did not make. Name "
                   "another folder."));
}

absl::Status NewerFormat(std::string_view folder, uint32_t format,
                         uint32_t readable, std::string_view version) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the data folder ", View(folder), " has format ", format,
      ", and this program reads formats up to ", readable,
      ". It needs anabranch ", version.empty() ? "of a newer version" : "",
      View(version), version.empty() ? "." : " or newer."));
}

absl::Status DamagedLog(std::string_view file, int64_t offset,
                        std::string_view how) {
  return absl::DataLossError(absl::StrCat(
      "the log ", View(file), " is damaged at byte ", offset, ": ", View(how),
      ", and acknowledged records follow. Nothing was changed. Restore the "
      "data folder from a backup."));
}

absl::Status DamagedStore(std::string_view folder, std::string_view what) {
  return absl::DataLossError(absl::StrCat("the data folder ", View(folder),
                                          " is damaged: ", View(what),
                                          ". Restore it from a backup."));
}

absl::Status NoSpace(std::string_view folder) {
  return absl::UnavailableError(
      absl::StrCat("no space is left where the data folder ", View(folder),
                   " lies. Free some and start again."));
}

absl::Status StoreFailed(std::string_view folder, std::string_view what) {
  return absl::UnavailableError(absl::StrCat(
      "the data folder ", View(folder), " cannot be used: ", View(what), "."));
}

absl::Status UnreadableFile(std::string_view file, std::string_view why) {
  return absl::UnavailableError(
      absl::StrCat(View(file), " cannot be read: ", View(why), "."));
}

}  // namespace anabranch::log
