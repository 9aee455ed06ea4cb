// One process at a time may have a data folder open.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace anabranch::log {

// Holds `<folder>/anabranch.lock`, which contains the holder's process id. The
// kernel lets go of it when the process ends, however it ends. Threads: one.
class FolderLock {
 public:
  // Name of the lock file within its folder.
  static constexpr char kFileName[] = "anabranch.lock";

  // Makes the folder, with its parents, when there is none. Errors: in use,
  // not a folder, unwritable (errors.h).
  static absl::StatusOr<FolderLock> Acquire(const std::string& folder);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace anabranch::log
