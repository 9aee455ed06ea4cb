// Retrier: an operator who retries runs that went wrong, as often as their
// inputs say, and asks with the same request_id until answered.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "tests/sim/generation_checks.h"
#include "tests/sim/records.h"
#include "tests/sim/server.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one. Outlives the world's actions.
class Retrier {
 public:
  struct Parts {
    World& world;
    Server& server;
    const Records& records;
    GenerationChecks& checks;
  };
  explicit Retrier(Parts parts)
      : world_(parts.world),
        server_(parts.server),
        records_(parts.records),
        checks_(parts.checks) {}

  // Looks at all runs from time to time, from now on.
  void Begin();
  // Nothing is left to be retried.
  bool done();

 private:
  bool IsWanted(Uid uid, const RunRecords& run);
  void Look();
  void Send(Uid uid, const RunRecords& run);

  World& world_;
  Server& server_;
  const Records& records_;
  GenerationChecks& checks_;
  // How often each generation's run is to be retried: its input, read once.
  std::map<Uid, int64_t> retries_;
};

}  // namespace anabranch::sim
