// EventLog: the seam between the engine and what keeps its records.
//
// An ordered map from byte keys to byte values with atomic, durable batches:
// asynchronous, batch-oriented, free of any store's types. RocksDB is the
// embedded default; simulation puts a faulty one behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"

namespace anabranch::log {

// Changes that become durable together or not at all, applied in order.
struct WriteBatch {
  struct Change {
    std::string key;
    // Nothing deletes the key.
    std::optional<std::string> value;
  };
  std::vector<Change> changes;

  // Size of keys and values in bytes.
  int64_t Bytes() const;
};

enum class AppendResult {
  // On disk: what waited for it may be released.
  kDurable,
  // Another holder of the shard wrote: nothing was written.
  kFenced,
  // The outcome is not known: the shard is dropped and reloaded; embedded,
  // the process ends.
  kUnknown,
};

struct AppendRequest {
  // The shard that writes, and under which epoch it holds its lease.
  int shard = 0;
  uint64_t lease_epoch = 0;
  // Number of batches that this shard has appended since it took its lease.
  int64_t expected_position = 0;
  WriteBatch batch;
};

struct ScanOptions {
  // First key, inclusive; `end` is exclusive, and empty means no end.
  std::string begin;
  std::string end;
  // From the end backwards.
  bool reverse = false;
};

// Threads: Append from one thread at a time per shard; reads from any thread,
// at any time. Reads see durable batches only.
class EventLog {
 public:
  virtual ~EventLog() = default;

  using AppendDone = std::function<void(AppendResult)>;

  // Makes `request.batch` durable and calls `done` exactly once, on any
  // thread, possibly before returning.
  virtual void Append(AppendRequest request, AppendDone done) = 0;

  // The value of `key`, or nothing. kDataLoss when the store is damaged.
  virtual absl::StatusOr<std::optional<std::string>> Read(
      std::string_view key) = 0;

  // Calls `visit` for each key in order until it returns false. What it sees
  // is one consistent snapshot.
  using Visitor =
      std::function<bool(std::string_view key, std::string_view value)>;
  virtual absl::Status Scan(const ScanOptions& options,
                            const Visitor& visit) = 0;

  // This opening of the store.
  virtual Epoch epoch() const = 0;

  // Free bytes where the store lies; a large number when there is no disk.
  virtual int64_t FreeBytes() const = 0;
};

}  // namespace anabranch::log
