#include "orchestrator/log/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "orchestrator/log/errors.h"

namespace anabranch::log {
namespace {

std::string ErrnoText(int error) {
  return std::generic_category().message(error);
}

absl::Status MakeFolder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return absl::OkStatus();
  if (std::filesystem::exists(folder, error)) return NotAFolder(folder);
  std::filesystem::create_directories(folder, error);
  if (error == std::errc::not_a_directory) return NotAFolder(folder);
  if (error) return UnwritableFolder(folder, error.message());
  return absl::OkStatus();
}

// 0 when it cannot be known.
int64_t HolderPid(int fd) {
  char text[24];
  ssize_t size = pread(fd, text, sizeof(text), 0);
  int64_t pid = 0;
  if (size > 0) std::from_chars(text, text + size, pid);
  return pid;
}

// For the message that another process prints: nothing depends on it.
void WritePid(int fd) {
  std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) == 0) (void)!pwrite(fd, pid.data(), pid.size(), 0);
}

}  // namespace

absl::StatusOr<FolderLock> FolderLock::Acquire(const std::string& folder) {
  RETURN_IF_ERROR(MakeFolder(folder));
  std::string path = folder + "/" + kFileName;
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return UnwritableFolder(folder, ErrnoText(errno));
  FolderLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return FolderInUse(folder, path, HolderPid(fd));
    return UnwritableFolder(folder, ErrnoText(errno));
  }
  WritePid(fd);
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace anabranch::log
