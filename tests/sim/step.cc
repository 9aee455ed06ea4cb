#include "tests/sim/step.h"

#include <string_view>

#include "orchestrator/log/keys.h"

namespace anabranch::sim {
namespace {

bool IsOfRun(std::string_view kind) {
  return kind == log::kEventKind || kind == log::kActivityKind ||
         kind == log::kMailboxKind || kind == log::kStatusKind;
}

}  // namespace

DurableStep BeginStep(const log::WriteBatch& batch, const Records& records,
                      shard::Times decided) {
  DurableStep step{batch, records, decided, {}};
  for (const auto& change : batch.changes) {
    log::KeyParser key(change.key);
    if (!IsOfRun(key.kind())) continue;
    const Uid uid{key.Number().value_or(0)};
    auto [before, added] = step.before.try_emplace(uid);
    const RunRecords* run = added ? records.Find(uid) : nullptr;
    if (run == nullptr) continue;
    before->second.activations = run->history.size();
    before->second.paused = run->fold.run.has_pause();
    before->second.mail = run->mail;
    before->second.activities = run->activities;
  }
  return step;
}

}  // namespace anabranch::sim
