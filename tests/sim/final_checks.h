// What must hold once everything is closed.
#pragma once

#include <memory>
#include <vector>

#include "sdk/flow_registry.h"
#include "tests/sim/caller.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/records.h"

namespace anabranch::sim {

struct FinalParts {
  World& world;
  const Records& records;
  const Ledger& ledger;
  DurableLog& log;
  const sdk::FlowRegistry& flows;
};

// Counts the events that occurred, too.
void CheckAtEnd(FinalParts parts,
                const std::vector<std::unique_ptr<Caller>>& callers);

}  // namespace anabranch::sim
