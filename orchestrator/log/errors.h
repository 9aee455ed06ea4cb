// What the event log tells people: what happened, where, and what to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anabranch::log {

// kDataLoss.
absl::Status DamagedRecord(std::string_view key, std::string_view how);
// kFailedPrecondition: a record whose envelope is of a later version.
absl::Status NewerRecord(std::string_view key, int version);

// kNotFound.
absl::Status UnknownPayload(std::string_view sha256);
// kInvalidArgument.
absl::Status BadCrashSpec(std::string_view text);

// Opening a data folder.

// kFailedPrecondition. `pid` is the holder's, 0 when not known.
absl::Status FolderInUse(std::string_view folder, std::string_view lock_file,
                         int64_t pid);
// kFailedPrecondition.
absl::Status NotAFolder(std::string_view path);
// kPermissionDenied.
absl::Status UnwritableFolder(std::string_view folder, std::string_view why);
// kFailedPrecondition: a RocksDB of somebody else's.
absl::Status NotAStore(std::string_view folder);
// kFailedPrecondition: `format` is what the folder has, `readable` the newest
// that this program reads, `version` the program that can.
absl::Status NewerFormat(std::string_view folder, uint32_t format,
                         uint32_t readable, std::string_view version);
// kDataLoss: a log is damaged at `offset`, before its end.
absl::Status DamagedLog(std::string_view file, int64_t offset,
                        std::string_view how);
// kDataLoss: `what` is what RocksDB says.
absl::Status DamagedStore(std::string_view folder, std::string_view what);
// kUnavailable.
absl::Status NoSpace(std::string_view folder);
// kUnavailable: the disk refuses for another reason.
absl::Status StoreFailed(std::string_view folder, std::string_view what);
// kUnavailable.
absl::Status UnreadableFile(std::string_view file, std::string_view why);

}  // namespace anabranch::log
