#include "tests/sim/durable_log.h"

#include <memory>
#include <optional>

namespace anabranch::sim {

log::AppendResult DurableLog::Hold(log::WriteBatch batch, shard::Times now) {
  const Trouble trouble = std::exchange(trouble_, Trouble::kNone);
  if (trouble == Trouble::kAppendFails) {
    log_.FailNextAppend(log::AppendResult::kUnknown, /*durable=*/false);
  } else if (trouble == Trouble::kAnswerLost) {
    log_.FailNextAppend(log::AppendResult::kUnknown, /*durable=*/true);
  } else if (trouble == Trouble::kFenced) {
    LoseLease();
  }
  waiting_.push_back({batch, now});
  log::AppendRequest request;
  request.lease_epoch = log_.epoch().counter;
  request.expected_position = position_++;
  request.batch = std::move(batch);
  // Shared: a batch that waits is answered from Sync, long after.
  auto refused = std::make_shared<std::optional<log::AppendResult>>();
  Append(std::move(request), [refused](log::AppendResult result) {
    if (result != log::AppendResult::kDurable) *refused = result;
  });
  if (!refused->has_value()) return log::AppendResult::kDurable;
  if (trouble == Trouble::kAnswerLost) TakeNext();
  waiting_.clear();
  return **refused;
}

void DurableLog::LoseLease() {
  log::AppendRequest rival;
  rival.lease_epoch = log_.epoch().counter + 1;
  log_.Append(std::move(rival), [](log::AppendResult) {});
  lease_lost_ = true;
}

void DurableLog::Sync() {
  log_.Sync();
  while (!waiting_.empty()) TakeNext();
}

void DurableLog::Crash(int survivors) {
  log_.CrashAndReopen(survivors);
  for (; survivors > 0 && !waiting_.empty(); --survivors) TakeNext();
  waiting_.clear();
  position_ = 0;
  trouble_ = Trouble::kNone;
  lease_lost_ = false;
}

DurableLog::Backup DurableLog::Copy() const {
  return {log_.Durable(), log_.epoch().counter, records_.contents()};
}

void DurableLog::Restore(const Backup& backup) {
  log_.RestoreBackup(backup.contents, backup.epoch_counter);
  records_.SetContents(backup.records);
  waiting_.clear();
  position_ = 0;
  trouble_ = Trouble::kNone;
  lease_lost_ = false;
}

void DurableLog::TakeNext() {
  if (lease_lost_) {
    world_.Fail("a write was let in although the lease was lost");
  }
  records_.Apply(waiting_.front().batch, waiting_.front().decided);
  waiting_.pop_front();
}

}  // namespace anabranch::sim
