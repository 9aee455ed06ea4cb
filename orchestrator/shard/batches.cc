#include "orchestrator/shard/batches.h"

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"

namespace anabranch::shard {

using storage::v1::BatchRecord;

bool OpenBatch::Means(const anabranch::v1::Run& run) const {
  return filter.has_value() &&
         filter->Matches(run, FromProto(record.create_time()));
}

BatchKey KeyOf(const BatchRecord& record) {
  return {record.namespace_(), record.batch_id()};
}

OpenBatch Opened(BatchRecord record) {
  OpenBatch batch;
  auto filter = filter::ParseFilter(record.filter());
  if (filter.ok()) batch.filter = *std::move(filter);
  batch.record = std::move(record);
  return batch;
}

bool SameRequest(const BatchRecord& a, const BatchRecord& b) {
  return a.action() == b.action() && a.filter() == b.filter() &&
         a.signal() == b.signal() && a.reason() == b.reason() &&
         a.input().SerializeAsString() == b.input().SerializeAsString();
}

void CountOutcome(BatchRecord& record, const std::string& run_id,
                  const absl::Status& outcome) {
  if (outcome.ok()) {
    record.set_succeeded(record.succeeded() + 1);
    return;
  }
  record.set_failed(record.failed() + 1);
  if (record.failures_size() < limits::kBatchFailuresShownMax) {
    record.add_failures(
        absl::StrCat(run_id, ": ", std::string(outcome.message())));
  }
}

}  // namespace anabranch::shard
