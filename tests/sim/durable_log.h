// DurableLog: the event log of the simulated orchestrator, broken as the seed
// says, showing each batch that becomes durable to the records that the checks
// are made on.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "orchestrator/log/event_log.h"
#include "tests/sim/disk.h"
#include "tests/sim/records.h"
#include "tests/sim/step.h"

namespace anabranch::sim {

// Threads: one.
class DurableLog : public log::EventLog {
 public:
  DurableLog(World& world, Records& records, std::unique_ptr<Disk> disk)
      : world_(world), records_(records), disk_(std::move(disk)) {}

  // The batch waits until Sync. `now`: when it was decided. Anything but
  // kDurable ends the process: the write failed at once.
  log::AppendResult Hold(log::WriteBatch batch, shard::Times now);
  void Sync();

  // Sees each batch that becomes durable from now on; outlives the log's use.
  void AddCheck(StepCheck& check) { checks_.push_back(&check); }

  // A process of the orchestrator starts.
  void Booted();

  // What the next write meets.
  void SetTrouble(Trouble trouble) { trouble_ = trouble; }
  void SetFreeBytes(int64_t bytes) { disk_->SetFreeBytes(bytes); }

  // The process dies. `keep`: what was written and not synced stays. Whether
  // the batch that nobody was told of is there.
  bool Crash(bool keep);

  struct Backup {
    Disk::Backup disk;
    Records::Contents records;
  };
  Backup Copy() const { return {disk_->Copy(), records_.contents()}; }
  void Restore(const Backup& backup);

  bool holding() const { return waiting_.has_value(); }

  void Append(log::AppendRequest request, AppendDone done) override {
    disk_->log().Append(std::move(request), std::move(done));
  }
  absl::StatusOr<std::optional<std::string>> Read(
      std::string_view key) override {
    return disk_->log().Read(key);
  }
  absl::Status Scan(const log::ScanOptions& options,
                    const Visitor& visit) override {
    return disk_->log().Scan(options, visit);
  }
  Epoch epoch() const override { return disk_->log().epoch(); }
  int64_t FreeBytes() const override { return disk_->log().FreeBytes(); }

 private:
  struct Waiting {
    log::WriteBatch batch;
    shard::Times decided;
  };

  // The batch that waits is on the disk now.
  void TakeWaiting();
  void Forget();

  World& world_;
  Records& records_;
  const std::unique_ptr<Disk> disk_;
  std::vector<StepCheck*> checks_;
  std::optional<Waiting> waiting_;
  int64_t position_ = 0;
  Trouble trouble_ = Trouble::kNone;
  bool lease_lost_ = false;
};

}  // namespace anabranch::sim
