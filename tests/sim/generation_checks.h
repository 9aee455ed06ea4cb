// GenerationChecks: what must hold of retries when they are answered, and of
// all generations and families at the end.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "orchestrator/shard/input.h"
#include "tests/sim/ledger.h"
#include "tests/sim/records.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one.
class GenerationChecks {
 public:
  GenerationChecks(World& world, const Records& records)
      : world_(world), records_(records) {}

  // The answer leaves: OK promises that its effect is recorded and that it is
  // answered the same whenever it is asked again.
  void OnRetried(const log::RunName& name, const std::string& request_id,
                 const absl::StatusOr<shard::RetriedRun>& answer);
  // What was promised of the time since the copy is void.
  void OnRestored() { answers_.clear(); }

  // No result that an earlier generation recorded was paid for again.
  void CheckAtEnd(const Ledger& ledger);

 private:
  World& world_;
  const Records& records_;
  // First answers: released activities and generation.
  std::map<std::string, std::pair<int32_t, int32_t>> answers_;
};

}  // namespace anabranch::sim
