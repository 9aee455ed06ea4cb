// DurableStep: one batch that has become durable, and what it found. Checks of
// what may follow what are made on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "anabranch/storage/v1/records.pb.h"
#include "base/ids.h"
#include "orchestrator/log/event_log.h"
#include "orchestrator/shard/times.h"
#include "tests/sim/records.h"

namespace anabranch::sim {

// A run before the batch.
struct RunBefore {
  size_t activations = 0;
  bool paused = false;
  std::map<int64_t, storage::v1::MailboxRecord> mail;
  std::map<int64_t, storage::v1::ActivityRecord> activities;
};

struct DurableStep {
  const log::WriteBatch& batch;
  // What is durable now.
  const Records& records;
  // When the batch was decided.
  shard::Times decided;
  // The runs that it changes, new ones too.
  std::map<Uid, RunBefore> before;
};

// Before the batch is applied: `records` are older than it.
DurableStep BeginStep(const log::WriteBatch& batch, const Records& records,
                      shard::Times decided);

// Threads: one.
class StepCheck {
 public:
  virtual ~StepCheck() = default;
  virtual void OnStep(const DurableStep& step) = 0;
  // A process of the orchestrator has started.
  virtual void OnBoot() {}
  // The store became an older copy of itself.
  virtual void OnRestored() {}
};

}  // namespace anabranch::sim
