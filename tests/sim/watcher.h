// Watcher: reads runs from the store as clients do, at any time and after each
// notice, and holds what it sees against what it has seen.
#pragma once

#include <map>
#include <string>

#include "base/ids.h"
#include "orchestrator/log/store.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/records.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one.
class Watcher {
 public:
  Watcher(World& world, DurableLog& log, const Records& records)
      : world_(world), store_(log), records_(records) {}

  // Reads on where it stopped: gapless, and never back.
  void Look(Uid uid);
  // A run drawn at random.
  void LookAtAny();
  // What it has seen may be gone.
  void OnRestored() { seen_.clear(); }

 private:
  struct Seen {
    int64_t last_event = 0;
    bool closed = false;
  };

  World& world_;
  log::StoreReader store_;
  const Records& records_;
  std::map<Uid, Seen> seen_;
};

}  // namespace anabranch::sim
