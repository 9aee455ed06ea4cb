// A file system that forgets at a crash what was not synced. Tests only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "rocksdb/file_system.h"

namespace anabranch::log {

// Keeps its files on the real one, counting for each what was written and how
// much of it was synced. Threads: any.
class LossyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  LossyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "LossyFileSystem"; }

  // The machine stops: from now on nothing that changes a file works.
  void Stop();
  // It stops in the midst of a batch: its bytes are written, the sync that
  // follows does not come back.
  void StopAtNextSync();
  // What a crash leaves, once nothing has the files open: of each file what
  // was synced, and up to `torn_bytes` of what came after. Logs keep their
  // size, with zeros. The file system works again.
  void LoseUnsynced(int64_t torn_bytes = 0);

  rocksdb::IOStatus NewWritableFile(
      const std::string& path, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // For its files.
  void CountWritten(const std::string& path, size_t bytes);
  // The error of a stopped machine, or OK.
  rocksdb::IOStatus CheckRuns();
  // The same for a sync, which succeeded if it is OK.
  rocksdb::IOStatus CheckSync(const std::string& path);

 private:
  struct FileState {
    int64_t written = 0;
    int64_t synced = 0;
  };

  std::mutex mutex_;
  std::map<std::string, FileState> files_;
  bool stopped_ = false;
  bool stop_at_sync_ = false;
};

}  // namespace anabranch::log
