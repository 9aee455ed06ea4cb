// BatchDoor: checks what calls on batches ask for, and shows batches.
#pragma once

#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/run_service.pb.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/shard/input.h"

namespace anabranch::rpc {

// Threads: any; the reader outlives it.
class BatchDoor {
 public:
  explicit BatchDoor(log::StoreReader& reader)
      : reader_(reader), door_(reader) {}

  // The input for the shard, without its reply. Errors: INVALID_FIELD,
  // INVALID_FILTER, those of PayloadDoor.
  absl::StatusOr<shard::StartBatch> Check(
      const anabranch::v1::StartBatchRequest& request) const;
  static absl::StatusOr<shard::CancelBatch> Check(
      const anabranch::v1::CancelBatchRequest& request);

  // BATCH_NOT_FOUND when there is none.
  absl::StatusOr<anabranch::v1::GetBatchResponse> GetBatch(
      const anabranch::v1::GetBatchRequest& request) const;
  absl::StatusOr<anabranch::v1::ListBatchesResponse> ListBatches(
      const anabranch::v1::ListBatchesRequest& request) const;

  // As callers see it.
  static anabranch::v1::Batch Show(const storage::v1::BatchRecord& record);

 private:
  log::StoreReader& reader_;
  PayloadDoor door_;
};

}  // namespace anabranch::rpc
