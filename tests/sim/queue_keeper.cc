#include "tests/sim/queue_keeper.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"

namespace anabranch::sim {

using storage::v1::TaskQueueRecord;

namespace {

bool HasLimits(const TaskQueueRecord& record) {
  return record.tasks_per_second() > 0 || record.default_key_limit() > 0 ||
         !record.key_limits().empty();
}

}  // namespace

void QueueKeeper::Begin() {
  for (const char* queue : kQueues) {
    Every(absl::Seconds(2), [this, queue] {
      if (world().Happens(Fault::kSetQueue)) Change(queue);
    });
  }
}

void QueueKeeper::OnRestored() {
  Operator::OnRestored();
  before_.clear();
  busy_.clear();
}

TaskQueueRecord QueueKeeper::Draw(const std::string& queue) {
  TaskQueueRecord record;
  record.set_name(queue);
  if (world().Chance(0.6)) {
    record.set_tasks_per_second(static_cast<double>(world().Between(2, 16)) /
                                2);
    record.set_burst(static_cast<int32_t>(world().Between(0, 4)));
  }
  if (world().Chance(0.6)) {
    record.set_default_key_limit(static_cast<int32_t>(world().Between(1, 3)));
  }
  if (world().Chance(0.3)) {
    (*record.mutable_key_limits())["a"] =
        static_cast<int32_t>(world().Between(1, 2));
  }
  return record;
}

void QueueKeeper::Change(const std::string& queue) {
  if (std::exchange(busy_[queue], true)) return;
  const TaskQueueRecord record = Draw(queue);
  newest_[queue] = record;
  Asker::Request request;
  request.in_order = true;
  request.make = [record](const Asker::Reply& reply) {
    return shard::SetTaskQueue{record, reply};
  };
  request.leaves = [this, record](const absl::Status& status) {
    CheckAnswer(record, status);
  };
  request.done = [this, record](const absl::Status&) {
    before_[record.name()] = record;
    busy_[record.name()] = false;
  };
  asker_.Ask(std::move(request));
}

void QueueKeeper::CheckAnswer(const TaskQueueRecord& record,
                              const absl::Status& status) {
  if (!status.ok()) {
    if (ErrorReason(status) == "DISK_FULL") return;
    return world().Fail(
        absl::StrCat("limits were refused: ", status.ToString()));
  }
  const auto& queues = parts_.records.contents().queues;
  auto durable = queues.find(record.name());
  auto is = [&](const TaskQueueRecord& wanted) {
    if (!HasLimits(wanted)) return durable == queues.end();
    return durable != queues.end() &&
           durable->second.SerializeAsString() == wanted.SerializeAsString();
  };
  // A repeated call of the request before may have come late, or be answered
  // in the round that has taken the next one.
  auto before = before_.find(record.name());
  if (is(record) || (before != before_.end() && is(before->second))) return;
  if (is(newest_[record.name()])) return;
  world().Fail(absl::StrCat("limits were acknowledged and are not durable: ",
                            record.ShortDebugString()));
}

}  // namespace anabranch::sim
