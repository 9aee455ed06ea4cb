// Disk: an event log on something that can be made to fail, as the simulated
// world breaks it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "orchestrator/log/event_log.h"
#include "orchestrator/log/memory_event_log.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// What a write meets.
enum class Trouble {
  kNone,
  // It fails, and nothing is there.
  kAppendFails,
  // It fails, and everything is there.
  kAnswerLost,
  // Another process has opened the shard under the next epoch.
  kFenced,
};

// Threads: one. One write at a time.
class Disk {
 public:
  virtual ~Disk() = default;

  // What reads go to; another one after each crash.
  virtual log::EventLog& log() = 0;

  // kDurable: the batch waits for Sync. Anything else ends the process, and a
  // crash tells what became of the batch.
  virtual log::AppendResult Hold(log::AppendRequest request,
                                 Trouble trouble) = 0;
  virtual void Sync() = 0;
  // The process dies, and the store is opened again. `keep`: what was written
  // and not synced stays. Whether the batch that waited is there now.
  virtual bool Crash(bool keep) = 0;

  virtual void SetFreeBytes(int64_t bytes) = 0;

  // What an operator copies, and puts back after a crash.
  struct Backup {
    log::MemoryEventLog::Contents contents;
    uint64_t epoch_counter = 0;
  };
  virtual Backup Copy() = 0;
  virtual void Restore(const Backup& backup) = 0;
};

using DiskFactory = std::function<std::unique_ptr<Disk>(World&)>;

// The in-memory event log.
std::unique_ptr<Disk> MemoryDisk(World& world);

}  // namespace anabranch::sim
