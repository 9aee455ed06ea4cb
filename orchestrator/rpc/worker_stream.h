// The server's end of a worker's stream.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "anabranch/v1/activity_service.pb.h"
#include "orchestrator/rpc/backend.h"

namespace anabranch::rpc {

// Begins to read. The reactor owns itself until gRPC is done with it.
grpc::ServerBidiReactor<anabranch::v1::ConnectRequest,
                        anabranch::v1::ConnectResponse>*
NewWorkerStream(Backend& backend, grpc::CallbackServerContext& context);

}  // namespace anabranch::rpc
