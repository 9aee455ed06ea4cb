// The streams of RunService.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "anabranch/v1/run_service.pb.h"
#include "orchestrator/rpc/backend.h"

namespace anabranch::rpc {

// Reactors own themselves until gRPC is done with them.
grpc::ServerWriteReactor<anabranch::v1::WatchRunResponse>* NewWatchReactor(
    Backend& backend, const anabranch::v1::WatchRunRequest& request);
grpc::ServerWriteReactor<anabranch::v1::ReadPayloadResponse>* NewPayloadReactor(
    Backend& backend, const anabranch::v1::ReadPayloadRequest& request);

}  // namespace anabranch::rpc
