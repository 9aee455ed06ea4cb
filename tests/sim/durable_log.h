// DurableLog: the in-memory event log, showing each batch that becomes durable
// to the records that the checks are made on.
#pragma once

#include <deque>
#include <utility>

#include "orchestrator/log/memory_event_log.h"
#include "tests/sim/records.h"

namespace anabranch::sim {

// Threads: one.
class DurableLog : public log::EventLog {
 public:
  explicit DurableLog(Records& records) : records_(records) {}

  // The batch waits until Sync. `now`: when it was decided.
  void Hold(log::WriteBatch batch, shard::Times now) {
    waiting_.push_back({batch, now});
    log::AppendRequest request;
    request.lease_epoch = log_.epoch().counter;
    request.expected_position = position_++;
    request.batch = std::move(batch);
    Append(std::move(request), [](log::AppendResult) {});
  }

  void Sync() {
    log_.Sync();
    while (!waiting_.empty()) TakeNext();
  }

  // The process dies; `survivors` of the waiting batches reached the disk.
  void Crash(int survivors) {
    log_.CrashAndReopen(survivors);
    for (; survivors > 0 && !waiting_.empty(); --survivors) TakeNext();
    waiting_.clear();
    position_ = 0;
  }

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

  void TakeNext() {
    records_.Apply(waiting_.front().batch, waiting_.front().decided);
    waiting_.pop_front();
  }

  Records& records_;
  log::MemoryEventLog log_{{.hold_until_sync = true}};
  std::deque<Waiting> waiting_;
  int64_t position_ = 0;
};

}  // namespace anabranch::sim
