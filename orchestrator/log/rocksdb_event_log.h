// EventLog in a folder, kept by RocksDB.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "base/random.h"
#include "orchestrator/log/event_log.h"
#include "orchestrator/log/folder_lock.h"
#include "orchestrator/log/lease_table.h"

namespace rocksdb {
class DB;
class Env;
class FileSystem;
}  // namespace rocksdb

namespace anabranch::log {

// The newest format that this program reads, and the one it writes.
inline constexpr uint32_t kFormatVersion = 1;

struct RocksDbOptions {
  // Folder of the store; made, with its parents, when there is none.
  std::string path;
  // False: answers before the disk has it. For tests of tests only.
  bool sync = true;
  // This program's version, kept in a store that it makes.
  std::string product_version = "0.1.0";
  // Null: the kernel's. Must outlive Open only.
  Random* random = nullptr;
  // Around the first write, which makes the epoch durable: places to crash at.
  std::function<void()> before_opening_write;
  std::function<void()> after_opening_write;
  // What RocksDB runs on; null: the operating system's.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

// Threads: as EventLog says; Append writes, and answers, on its caller's
// thread. Holds the folder's lock until destroyed.
class RocksDbEventLog : public EventLog {
 public:
  // Takes the folder, recovers what was acknowledged and begins a new epoch.
  // Errors as in errors.h: in use, not a folder, unwritable, of a newer
  // format, not a store, damaged, no space.
  static absl::StatusOr<std::unique_ptr<RocksDbEventLog>> Open(
      const RocksDbOptions& options);

  ~RocksDbEventLog() override;

  void Append(AppendRequest request, AppendDone done) override;
  absl::StatusOr<std::optional<std::string>> Read(
      std::string_view key) override;
  absl::Status Scan(const ScanOptions& options, const Visitor& visit) override;
  Epoch epoch() const override { return epoch_; }
  int64_t FreeBytes() const override;

  // RocksDB's own numbers, by its names for them. Threads: any.
  std::map<std::string, int64_t> Properties() const;

  // Why the last Append answered kUnknown.
  absl::Status last_failure() const;

 private:
  RocksDbEventLog(const RocksDbOptions& options, FolderLock lock);

  absl::Status Recover();
  // Opens the database, strictly or at the point up to which its logs are
  // whole.
  enum class RecoveryMode { kAbsolute, kPointInTime };
  absl::Status OpenDatabase(RecoveryMode mode);
  absl::Status BeginEpoch(const RocksDbOptions& options);
  absl::Status Write(const WriteBatch& batch);

  const std::string path_;
  const bool sync_;
  FolderLock lock_;
  // Below db_, which is destroyed first.
  std::shared_ptr<rocksdb::FileSystem> file_system_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  Epoch epoch_;

  mutable std::mutex mutex_;
  LeaseTable leases_;          // under mutex_
  absl::Status last_failure_;  // under mutex_
};

}  // namespace anabranch::log
