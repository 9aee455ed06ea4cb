// DurableLog: the in-memory event log, broken as the seed says, showing each
// batch that becomes durable to the records that the checks are made on.
#pragma once

#include <deque>
#include <utility>

#include "orchestrator/log/memory_event_log.h"
#include "tests/sim/records.h"

namespace anabranch::sim {

// Threads: one.
class DurableLog : public log::EventLog {
 public:
  DurableLog(World& world, Records& records)
      : world_(world), records_(records) {}

  // The batch waits until Sync. `now`: when it was decided. Anything but
  // kDurable ends the process: the write failed at once.
  log::AppendResult Hold(log::WriteBatch batch, shard::Times now);
  void Sync();

  // What the next write meets.
  enum class Trouble { kNone, kAppendFails, kAnswerLost, kFenced };
  void SetTrouble(Trouble trouble) { trouble_ = trouble; }
  void SetFreeBytes(int64_t bytes) { log_.SetFreeBytes(bytes); }

  // The process dies; `survivors` of the waiting batches reached the disk.
  void Crash(int survivors);

  // What an operator copies, and puts back after a crash.
  struct Backup {
    log::MemoryEventLog::Contents contents;
    uint64_t epoch_counter = 0;
    Records::Contents records;
  };
  Backup Copy() const;
  void Restore(const Backup& backup);

  bool holding() const { return !waiting_.empty(); }

  void Append(log::AppendRequest request, AppendDone done) override {
    log_.Append(std::move(request), std::move(done));
  }
  absl::StatusOr<std::optional<std::string>> Read(
      std::string_view key) override {
    return log_.Read(key);
  }
  absl::Status Scan(const log::ScanOptions& options,
                    const Visitor& visit) override {
    return log_.Scan(options, visit);
  }
  Epoch epoch() const override { return log_.epoch(); }
  int64_t FreeBytes() const override { return log_.FreeBytes(); }

 private:
  struct Waiting {
    log::WriteBatch batch;
    shard::Times decided;
  };

  void TakeNext();
  // Another process opens the shard under the next epoch.
  void LoseLease();

  World& world_;
  Records& records_;
  log::MemoryEventLog log_{{.hold_until_sync = true}};
  std::deque<Waiting> waiting_;
  int64_t position_ = 0;
  Trouble trouble_ = Trouble::kNone;
  bool lease_lost_ = false;
};

}  // namespace anabranch::sim
