// StartDoor: checks what a StartRun asks for, before a shard sees it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "anabranch/v1/run_service.pb.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/shard/input.h"
#include "sdk/flow_registry.h"

namespace anabranch::rpc {

// Threads: any; what it is given outlives it.
class StartDoor {
 public:
  StartDoor(log::StoreReader& reader, const sdk::FlowRegistry& flows)
      : reader_(reader), flows_(flows), door_(reader) {}

  // The input for the shard, without its reply. Errors: INVALID_FIELD,
  // FLOW_NOT_FOUND, those of PayloadDoor and those of the flow's own check.
  absl::StatusOr<shard::StartRun> Check(
      anabranch::v1::StartRunRequest request) const;

  // What a request that only validates answers.
  static anabranch::v1::Run Preview(const shard::StartRun& start);

 private:
  // What a start says beside its flow and input.
  absl::Status CheckOptions(anabranch::v1::StartRunRequest& request,
                            shard::StartRun& start) const;

  log::StoreReader& reader_;
  const sdk::FlowRegistry& flows_;
  PayloadDoor door_;
};

// INVALID_FIELD unless empty or printable and at most 128 bytes.
absl::Status CheckRequestId(const std::string& request_id);

// A reason for people: at most 1 KiB.
absl::Status CheckReason(const std::string& reason);

}  // namespace anabranch::rpc
