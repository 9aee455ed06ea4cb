// What the demo proves, and by whose word: the API's ledger knows which calls
// were begun, the run's history which results are recorded. Neither knows of
// the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "anabranch/v1/history.pb.h"
#include "tests/support/fake_api.h"

namespace anabranch::e2e {

struct Proof {
  int64_t ledger_begun = 0;
  int64_t ledger_finished = 0;
  // Calls begun again, after the worker's death, for tasks whose last call was
  // that worker's.
  int64_t repeated_after_worker_kill = 0;
  // All others that were begun again: only the orchestrator's death is left to
  // explain them.
  int64_t repeated_after_orchestrator_kill = 0;
  int64_t calls_recorded = 0;
  // What does not hold, in sentences; empty: proven.
  std::vector<std::string> violations;
};

struct DeadWorker {
  std::string session;
  int64_t killed_ms = 0;  // Unix time
};

Proof Prove(const support::Ledger& ledger,
            const std::vector<v1::HistoryEvent>& history,
            const DeadWorker& dead_worker);

}  // namespace anabranch::e2e
