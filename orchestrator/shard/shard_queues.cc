// Task queues and their limits.
#include <utility>

#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

void Shard::On(SetTaskQueue input, Times now) {
  const storage::v1::TaskQueueRecord& record = input.record;
  absl::Status status;
  if (disk_full_) {
    status = DiskFull();
  } else if (!matcher_.IsConfigured(record.name()) &&
             matcher_.configured() >= limits::kTaskQueuesMax) {
    status = TooManyTaskQueues(record.name());
  } else {
    matcher_.Configure(record, now.steady);
    if (matcher_.IsConfigured(record.name())) {
      batch_.PutTaskQueue(record);
    } else {
      batch_.DeleteTaskQueue(record.name());
    }
  }
  Later([reply = std::move(input.reply), status] { reply(status); });
}

absl::Status Shard::RecoverTaskQueues(Times now) {
  ASSIGN_OR_RETURN(auto records, store_.ReadTaskQueues());
  for (const auto& record : records) matcher_.Configure(record, now.steady);
  return absl::OkStatus();
}

void Shard::TellTaskQueues() {
  std::vector<api::TaskQueue> changed = matcher_.TakeChanged();
  if (changed.empty()) return;
  for (api::TaskQueue& queue : changed) {
    queue.set_workers(sessions_.WorkersOf(queue.name()));
  }
  effects_.TaskQueuesChanged(changed);
}

}  // namespace anabranch::shard
