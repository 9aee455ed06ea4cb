#include "orchestrator/log/rocksdb_event_log.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anabranch/storage/v1/records.pb.h"
#include "base/status_macros.h"
#include "orchestrator/log/errors.h"
#include "orchestrator/log/keys.h"
#include "orchestrator/log/record.h"
#include "orchestrator/log/rocksdb_options.h"
#include "orchestrator/log/wal_file_system.h"
#include "orchestrator/log/wal_scan.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/write_batch.h"

namespace anabranch::log {
namespace {

using anabranch::storage::v1::StoreRecord;

rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// Damage that RocksDB would read past without a word.
const WalReport* FindSilentDamage(const std::vector<WalReport>& reports) {
  for (const WalReport& report : reports) {
    if (report.bad_spot.has_value() && report.bad_spot->is_hole &&
        report.bad_spot->batch_follows) {
      return &report;
    }
  }
  return nullptr;
}

bool HasBadSpot(const std::vector<WalReport>& reports) {
  for (const WalReport& report : reports) {
    if (report.bad_spot.has_value()) return true;
  }
  return false;
}

// RocksDB would read all zeros that a log was extended by: most of the time
// that opening takes. Best effort.
void CutZeros(const std::vector<WalReport>& reports) {
  for (const WalReport& report : reports) {
    if (report.bad_spot.has_value()) continue;
    (void)truncate(report.path.c_str(), report.end);
  }
}

absl::Status Damage(const WalReport& report) {
  return DamagedLog(report.path, report.bad_spot->offset, report.bad_spot->how);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksDbEventLog>> RocksDbEventLog::Open(
    const RocksDbOptions& options) {
  ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Acquire(options.path));
  std::unique_ptr<RocksDbEventLog> log(
      new RocksDbEventLog(options, std::move(lock)));
  RETURN_IF_ERROR(log->Recover());
  RETURN_IF_ERROR(log->BeginEpoch(options));
  return log;
}

RocksDbEventLog::RocksDbEventLog(const RocksDbOptions& options, FolderLock lock)
    : path_(options.path),
      sync_(options.sync),
      lock_(std::move(lock)),
      file_system_(NewWalFileSystem(options.file_system != nullptr
                                        ? options.file_system
                                        : rocksdb::FileSystem::Default())),
      env_(rocksdb::NewCompositeEnv(file_system_)) {}

RocksDbEventLog::~RocksDbEventLog() = default;

// docs/adr/0002-recovery-modes.md says why in this order.
absl::Status RocksDbEventLog::Recover() {
  ASSIGN_OR_RETURN(std::vector<WalReport> reports, ScanWals(path_));
  if (const WalReport* damaged = FindSilentDamage(reports)) {
    return Damage(*damaged);
  }
  CutZeros(reports);
  absl::Status opened = OpenDatabase(RecoveryMode::kAbsolute);
  if (!absl::IsDataLoss(opened) || !HasBadSpot(reports)) return opened;
  if (const WalReport* damaged = FindDamage(reports)) return Damage(*damaged);
  return OpenDatabase(RecoveryMode::kPointInTime);
}

absl::Status RocksDbEventLog::OpenDatabase(RecoveryMode mode) {
  rocksdb::Options options = MakeRocksDbOptions(env_.get());
  options.wal_recovery_mode =
      mode == RecoveryMode::kAbsolute
          ? rocksdb::WALRecoveryMode::kAbsoluteConsistency
          : rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(options, path_, &db);
  if (!status.ok()) return ToAbsl(status, path_);
  db_.reset(db);
  return absl::OkStatus();
}

absl::Status RocksDbEventLog::BeginEpoch(const RocksDbOptions& options) {
  const std::string key(kStoreKind);
  StoreRecord record;
  ASSIGN_OR_RETURN(std::optional<std::string> stored, Read(key));
  if (stored.has_value()) {
    ASSIGN_OR_RETURN(std::string_view content, UnwrapRecord(key, *stored));
    if (!record.ParseFromArray(content.data(),
                               static_cast<int>(content.size()))) {
      return DamagedRecord(key, "its content cannot be parsed");
    }
    if (record.format_version() > kFormatVersion) {
      return NewerFormat(path_, record.format_version(), kFormatVersion,
                         record.created_by());
    }
  } else {
    bool empty = true;
    RETURN_IF_ERROR(Scan({}, [&empty](std::string_view, std::string_view) {
      empty = false;
      return false;
    }));
    if (!empty) return NotAStore(path_);
    record.set_created_by(options.product_version);
  }
  SystemRandom system_random;
  Random& random = options.random != nullptr ? *options.random : system_random;
  epoch_ = {.counter = record.epoch_counter() + 1, .nonce = random.Next()};
  record.set_format_version(kFormatVersion);
  record.set_epoch_counter(epoch_.counter);
  record.set_epoch_nonce(epoch_.nonce);
  WriteBatch batch;
  batch.changes.push_back({key, WrapRecord(key, record.SerializeAsString())});
  if (options.before_opening_write) options.before_opening_write();
  RETURN_IF_ERROR(Write(batch));
  if (options.after_opening_write) options.after_opening_write();
  return absl::OkStatus();
}

absl::Status RocksDbEventLog::Write(const WriteBatch& batch) {
  rocksdb::WriteBatch changes(static_cast<size_t>(batch.Bytes()) +
                              16 * batch.changes.size());
  for (const WriteBatch::Change& change : batch.changes) {
    rocksdb::Status status = change.value.has_value()
                                 ? changes.Put(change.key, *change.value)
                                 : changes.Delete(change.key);
    if (!status.ok()) return ToAbsl(status, path_);
  }
  rocksdb::WriteOptions options;
  options.sync = sync_;
  rocksdb::Status status = db_->Write(options, &changes);
  if (!status.ok()) return ToAbsl(status, path_);
  return absl::OkStatus();
}

void RocksDbEventLog::Append(AppendRequest request, AppendDone done) {
  bool admitted = false;
  {
    std::lock_guard lock(mutex_);
    admitted = leases_.Admit(request);
  }
  if (!admitted) {
    done(AppendResult::kFenced);
    return;
  }
  absl::Status written = Write(request.batch);
  if (!written.ok()) {
    std::lock_guard lock(mutex_);
    last_failure_ = written;
  }
  done(written.ok() ? AppendResult::kDurable : AppendResult::kUnknown);
}

absl::StatusOr<std::optional<std::string>> RocksDbEventLog::Read(
    std::string_view key) {
  std::string value;
  rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return ToAbsl(status, path_);
  return std::optional<std::string>(std::move(value));
}

absl::Status RocksDbEventLog::Scan(const ScanOptions& options,
                                   const Visitor& visit) {
  if (!options.end.empty() && options.end <= options.begin) {
    return absl::OkStatus();
  }
  rocksdb::Slice begin(options.begin);
  rocksdb::Slice end(options.end);
  rocksdb::ReadOptions read;
  read.iterate_lower_bound = &begin;
  if (!options.end.empty()) read.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
  if (options.reverse) {
    it->SeekToLast();
  } else {
    it->Seek(begin);
  }
  while (it->Valid() && visit(ToView(it->key()), ToView(it->value()))) {
    if (options.reverse) {
      it->Prev();
    } else {
      it->Next();
    }
  }
  if (!it->status().ok()) return ToAbsl(it->status(), path_);
  return absl::OkStatus();
}

int64_t RocksDbEventLog::FreeBytes() const {
  struct statvfs info;
  if (statvfs(path_.c_str(), &info) != 0) return 0;
  return static_cast<int64_t>(info.f_bavail) *
         static_cast<int64_t>(info.f_frsize);
}

std::map<std::string, int64_t> RocksDbEventLog::Properties() const {
  std::map<std::string, int64_t> properties;
  for (const std::string* name :
       {&rocksdb::DB::Properties::kEstimateNumKeys,
        &rocksdb::DB::Properties::kEstimateLiveDataSize,
        &rocksdb::DB::Properties::kTotalSstFilesSize,
        &rocksdb::DB::Properties::kCurSizeAllMemTables,
        &rocksdb::DB::Properties::kEstimateTableReadersMem,
        &rocksdb::DB::Properties::kBlockCacheUsage,
        &rocksdb::DB::Properties::kNumRunningCompactions,
        &rocksdb::DB::Properties::kNumRunningFlushes,
        &rocksdb::DB::Properties::kEstimatePendingCompactionBytes,
        &rocksdb::DB::Properties::kBackgroundErrors}) {
    uint64_t value = 0;
    if (!db_->GetIntProperty(*name, &value)) continue;
    properties[*name] = static_cast<int64_t>(value);
  }
  return properties;
}

absl::Status RocksDbEventLog::last_failure() const {
  std::lock_guard lock(mutex_);
  return last_failure_;
}

}  // namespace anabranch::log
