// RunDoor: checks what calls on runs that exist ask for, before a shard sees
// them.
#pragma once

#include "absl/status/statusor.h"
#include "anabranch/v1/run_service.pb.h"
#include "base/status_macros.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/rpc/run_reads.h"
#include "orchestrator/rpc/start_door.h"
#include "orchestrator/shard/input.h"

namespace anabranch::rpc {

// Each answers the input for the shard, without its reply. Errors:
// INVALID_FIELD with the field's path, and those of PayloadDoor.
// Threads: any; the reader outlives it.
class RunDoor {
 public:
  explicit RunDoor(log::StoreReader& reader) : door_(reader) {}

  absl::StatusOr<shard::SignalRun> Check(
      const anabranch::v1::SignalRunRequest& request) const;
  absl::StatusOr<shard::QueryRun> Check(
      const anabranch::v1::QueryRunRequest& request) const;
  absl::StatusOr<shard::RetryRun> Check(
      const anabranch::v1::RetryRunRequest& request) const;
  absl::StatusOr<shard::DeleteRun> Check(
      const anabranch::v1::DeleteRunRequest& request) const;

  // Cancel, terminate, pause and resume ask for the same.
  template <typename Input, typename Request>
  static absl::StatusOr<Input> CheckWithReason(const Request& request) {
    Input input;
    ASSIGN_OR_RETURN(input.name,
                     RunReads::NameOf(request.namespace_(), request.run_id()));
    RETURN_IF_ERROR(CheckReason(request.reason()));
    RETURN_IF_ERROR(CheckRequestId(request.request_id()));
    input.reason = request.reason();
    input.request_id = request.request_id();
    return input;
  }

 private:
  PayloadDoor door_;
};

}  // namespace anabranch::rpc
