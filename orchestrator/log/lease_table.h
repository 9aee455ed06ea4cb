// Who may append for a shard: the holder of its newest lease, batch by batch.
#pragma once

#include <cstdint>
#include <map>

#include "orchestrator/log/event_log.h"

namespace anabranch::log {

// For one opening of a store that one process holds. Threads: under its
// owner's lock.
class LeaseTable {
 public:
  // True, and the shard's position moves on, when `request` comes from the
  // holder of the shard's newest lease and is the next one in order. The first
  // request under a newer lease is at position 0. False: fenced.
  bool Admit(const AppendRequest& request);

 private:
  struct Lease {
    uint64_t epoch = 0;
    int64_t position = 0;
  };
  std::map<int, Lease> leases_;
};

}  // namespace anabranch::log
