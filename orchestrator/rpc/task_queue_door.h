// What UpdateTaskQueue lets in.
#pragma once

#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/activity_service.pb.h"

namespace anabranch::rpc {

// The limits as they are stored, or every field that is wrong.
absl::StatusOr<storage::v1::TaskQueueRecord> CheckTaskQueue(
    const anabranch::v1::UpdateTaskQueueRequest& request);

}  // namespace anabranch::rpc
