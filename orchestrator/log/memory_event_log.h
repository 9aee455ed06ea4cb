// EventLog in memory: for unit tests, and for simulation, where it loses what
// was not synced.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "orchestrator/log/event_log.h"
#include "orchestrator/log/lease_table.h"

namespace anabranch::log {

// Threads: any. `done` is called without a lock held: on the thread that
// appends, or, held, on the one that syncs.
class MemoryEventLog : public EventLog {
 public:
  struct Options {
    // False: a batch is durable, and `done` called, before Append returns.
    // True: batches wait for Sync(); a crash loses those that wait.
    bool hold_until_sync = false;
    Epoch epoch = {.counter = 1, .nonce = 1};
    int64_t free_bytes = int64_t{1} << 50;
  };
  using Contents = std::map<std::string, std::string, std::less<>>;

  MemoryEventLog() : MemoryEventLog(Options()) {}
  explicit MemoryEventLog(Options options);

  void Append(AppendRequest request, AppendDone done) override;
  absl::StatusOr<std::optional<std::string>> Read(
      std::string_view key) override;
  absl::Status Scan(const ScanOptions& options, const Visitor& visit) override;
  Epoch epoch() const override;
  int64_t FreeBytes() const override;

  // Makes the first `batches_max` of the waiting batches durable, in order,
  // and calls their `done`. Returns how many there were.
  int Sync(int batches_max = INT32_MAX);
  // Number of batches that wait for Sync().
  int waiting() const;
  // The process dies and the store is opened again. Waiting batches are lost
  // but for the first `survivors`, which had reached the disk although nobody
  // was told; no `done` is called. The epoch moves on, leases are forgotten.
  void CrashAndReopen(int survivors = 0);
  // The same, and the store's folder is an earlier copy of itself: of these
  // contents, made under an epoch of that counter. The next epoch counts on
  // from there and has a nonce that there never was.
  void RestoreBackup(Contents contents, uint64_t epoch_counter);
  // The next Append has this outcome at once. kUnknown: the batch is durable
  // all the same if `durable`.
  void FailNextAppend(AppendResult result, bool durable = false);
  void SetFreeBytes(int64_t bytes);

  // A copy of what is durable.
  Contents Durable() const;
  // Number of batches made durable since the log was made.
  int64_t durable_batches() const;

 private:
  struct Waiting {
    WriteBatch batch;
    AppendDone done;
  };
  struct Failure {
    AppendResult result;
    bool durable;
  };

  // Under mutex_.
  void Apply(WriteBatch batch);
  // What Append is to do at once; nothing when the batch is to wait.
  std::optional<AppendResult> Decide(AppendRequest& request);

  mutable std::mutex mutex_;
  const Options options_;
  // Copied before a write while a scan still looks at it.
  std::shared_ptr<Contents> contents_;
  std::deque<Waiting> waiting_;
  std::optional<Failure> next_failure_;
  LeaseTable leases_;
  Epoch epoch_;
  int64_t free_bytes_;
  int64_t durable_batches_ = 0;
};

}  // namespace anabranch::log
