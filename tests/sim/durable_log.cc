#include "tests/sim/durable_log.h"

namespace anabranch::sim {

log::AppendResult DurableLog::Hold(log::WriteBatch batch, shard::Times now) {
  const Trouble trouble = std::exchange(trouble_, Trouble::kNone);
  lease_lost_ = trouble == Trouble::kFenced;
  waiting_ = Waiting{batch, now};
  log::AppendRequest request;
  request.lease_epoch = epoch().counter;
  request.expected_position = position_++;
  request.batch = std::move(batch);
  return disk_->Hold(std::move(request), trouble);
}

void DurableLog::Sync() {
  disk_->Sync();
  if (waiting_.has_value()) TakeWaiting();
}

void DurableLog::Booted() {
  for (StepCheck* check : checks_) check->OnBoot();
}

bool DurableLog::Crash(bool keep) {
  const bool survived = disk_->Crash(keep);
  if (survived) TakeWaiting();
  Forget();
  return survived;
}

void DurableLog::Restore(const Backup& backup) {
  disk_->Restore(backup.disk);
  records_.SetContents(backup.records);
  for (StepCheck* check : checks_) check->OnRestored();
  Forget();
}

void DurableLog::TakeWaiting() {
  if (lease_lost_) {
    world_.Fail("a write was let in although the lease was lost");
  }
  Waiting waiting = *std::exchange(waiting_, std::nullopt);
  const DurableStep step = BeginStep(waiting.batch, records_, waiting.decided);
  records_.Apply(waiting.batch, waiting.decided);
  for (StepCheck* check : checks_) {
    if (!world_.failed()) check->OnStep(step);
  }
}

void DurableLog::Forget() {
  waiting_.reset();
  position_ = 0;
  trouble_ = Trouble::kNone;
  lease_lost_ = false;
}

}  // namespace anabranch::sim
