#include "orchestrator/rpc/run_door.h"

#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {

namespace api = anabranch::v1;

absl::StatusOr<shard::SignalRun> RunDoor::Check(
    const api::SignalRunRequest& request) const {
  shard::SignalRun signal;
  ASSIGN_OR_RETURN(signal.name,
                   RunReads::NameOf(request.namespace_(), request.run_id()));
  RETURN_IF_ERROR(CheckId("signal", request.signal()));
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  ASSIGN_OR_RETURN(signal.input,
                   door_.Accept(request.input(), "input", "null"));
  signal.signal = request.signal();
  signal.request_id = request.request_id();
  return signal;
}

absl::StatusOr<shard::QueryRun> RunDoor::Check(
    const api::QueryRunRequest& request) const {
  shard::QueryRun query;
  ASSIGN_OR_RETURN(query.name,
                   RunReads::NameOf(request.namespace_(), request.run_id()));
  RETURN_IF_ERROR(CheckId("query", request.query()));
  ASSIGN_OR_RETURN(query.input, door_.Accept(request.input(), "input", "null"));
  query.query = request.query();
  return query;
}

absl::StatusOr<shard::RetryRun> RunDoor::Check(
    const api::RetryRunRequest& request) const {
  shard::RetryRun retry;
  ASSIGN_OR_RETURN(retry.name,
                   RunReads::NameOf(request.namespace_(), request.run_id()));
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  retry.request_id = request.request_id();
  return retry;
}

absl::StatusOr<shard::DeleteRun> RunDoor::Check(
    const api::DeleteRunRequest& request) const {
  shard::DeleteRun deletion;
  ASSIGN_OR_RETURN(deletion.name,
                   RunReads::NameOf(request.namespace_(), request.run_id()));
  deletion.force = request.force();
  return deletion;
}

}  // namespace anabranch::rpc
