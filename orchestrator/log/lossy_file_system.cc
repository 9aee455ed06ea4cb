#include "orchestrator/log/lossy_file_system.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/check.h"

namespace anabranch::log {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class LossyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LossyFile(std::unique_ptr<rocksdb::FSWritableFile> base, std::string path,
            LossyFileSystem& system)
      : FSWritableFileOwnerWrapper(std::move(base)),
        path_(std::move(path)),
        system_(system) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus runs = system_.CheckRuns();
    if (!runs.ok()) return runs;
    system_.CountWritten(path_, data.size());
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  // A process that was killed truncates nothing.
  IOStatus Truncate(uint64_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    IOStatus runs = system_.CheckRuns();
    if (!runs.ok()) return runs;
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return system_.CheckSync(path_);
  }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return system_.CheckSync(path_);
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&,
                     IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  const std::string path_;
  LossyFileSystem& system_;
};

}  // namespace

void LossyFileSystem::Stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
}

void LossyFileSystem::StopAtNextSync() {
  std::lock_guard lock(mutex_);
  stop_at_sync_ = true;
}

void LossyFileSystem::LoseUnsynced(int64_t torn_bytes) {
  std::lock_guard lock(mutex_);
  for (auto& [path, state] : files_) {
    int64_t kept = std::min(state.written, state.synced + torn_bytes);
    std::error_code error;
    auto size = static_cast<int64_t>(std::filesystem::file_size(path, error));
    AB_CHECK(!error);
    if (kept < size) std::filesystem::resize_file(path, kept);
    if (path.ends_with(".log")) std::filesystem::resize_file(path, size);
  }
  files_.clear();
  stopped_ = false;
  stop_at_sync_ = false;
}

IOStatus LossyFileSystem::NewWritableFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = CheckRuns();
  if (!status.ok()) return status;
  status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
  if (!status.ok()) return status;
  *result = std::make_unique<LossyFile>(std::move(*result), path, *this);
  std::lock_guard lock(mutex_);
  files_[path] = FileState();
  return status;
}

IOStatus LossyFileSystem::DeleteFile(const std::string& path,
                                     const IOOptions& options,
                                     IODebugContext* debug) {
  std::lock_guard lock(mutex_);
  if (stopped_) return IOStatus::IOError("the machine stopped");
  files_.erase(path);
  return FileSystemWrapper::DeleteFile(path, options, debug);
}

IOStatus LossyFileSystem::RenameFile(const std::string& from,
                                     const std::string& to,
                                     const IOOptions& options,
                                     IODebugContext* debug) {
  std::lock_guard lock(mutex_);
  if (stopped_) return IOStatus::IOError("the machine stopped");
  auto moved = files_.extract(from);
  if (!moved.empty()) files_[to] = moved.mapped();
  return FileSystemWrapper::RenameFile(from, to, options, debug);
}

void LossyFileSystem::CountWritten(const std::string& path, size_t bytes) {
  std::lock_guard lock(mutex_);
  files_[path].written += static_cast<int64_t>(bytes);
}

IOStatus LossyFileSystem::CheckRuns() {
  std::lock_guard lock(mutex_);
  return stopped_ ? IOStatus::IOError("the machine stopped") : IOStatus::OK();
}

IOStatus LossyFileSystem::CheckSync(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (stop_at_sync_) stopped_ = true;
  if (stopped_) return IOStatus::IOError("the machine stopped");
  files_[path].synced = files_[path].written;
  return IOStatus::OK();
}

}  // namespace anabranch::log
