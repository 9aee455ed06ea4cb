// FlowWatchdog: ends the process when a flow does not come back.
//
// A flow that spins holds the shard's thread, and with it every other run. It
// cannot be interrupted: the process is ended, and the next start knows from
// the flow slot whose code it was.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "orchestrator/shard/flow_slot.h"

namespace anabranch::orchestrator {

// Looks at the slot's beat now and then. Threads: one.
//
// Looks are counted, not time: a process that was stopped, or a machine that
// slept, makes one look late; it does not make a flow slow.
class StuckDetector {
 public:
  // So many looks in a row must find the same entry.
  static constexpr int kLooks = 10;

  // True when the flow that runs now ran at all looks of the limit.
  bool Look(uint64_t beat);

 private:
  uint64_t beat_ = 0;
  int looks_ = 0;
};

// Has a thread of its own.
class FlowWatchdog {
 public:
  // What a watchdog does when a flow has not come back for `limit`: ends the
  // process. On the watchdog's thread, once; `report` says which flow.
  using OnStuck = std::function<void(const std::string& report)>;

  // `slot` outlives it.
  FlowWatchdog(const shard::FlowSlot& slot, absl::Duration limit,
               OnStuck on_stuck);
  ~FlowWatchdog();
  FlowWatchdog(const FlowWatchdog&) = delete;
  FlowWatchdog& operator=(const FlowWatchdog&) = delete;

 private:
  void Watch();
  std::string Report() const;

  const shard::FlowSlot& slot_;
  const absl::Duration limit_;
  const OnStuck on_stuck_;
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anabranch::orchestrator
