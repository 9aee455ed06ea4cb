#include "orchestrator/log/wal_file_system.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace anabranch::log {
namespace {

// As much as a write buffer, after which RocksDB changes to the next file.
constexpr off_t kExtendBytes = off_t{64} << 20;

// Best effort: a file system that cannot do it is only slower.
void Extend(const std::string& path) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  // Mode 0: the file's size grows too.
  (void)fallocate(fd, 0, 0, kExtendBytes);
  close(fd);
}

class WalFileSystem : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "AnabranchWalFileSystem"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = rocksdb::FileSystemWrapper::NewWritableFile(
        path, options, result, debug);
    if (status.ok() && path.ends_with(".log")) Extend(path);
    return status;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> NewWalFileSystem(
    std::shared_ptr<rocksdb::FileSystem> base) {
  return std::make_shared<WalFileSystem>(std::move(base));
}

}  // namespace anabranch::log
