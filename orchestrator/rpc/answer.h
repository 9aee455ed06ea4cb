// Finishes unary calls.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/status/statusor.h"
#include "orchestrator/rpc/status.h"

namespace anabranch::rpc {

// The response, if any, is filled already.
inline grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
                                        const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// Answers at once with what was found or what went wrong.
template <typename Response>
grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                 absl::StatusOr<Response> found,
                                 Response* response) {
  if (!found.ok()) return Finish(context, found.status());
  *response = *std::move(found);
  return Finish(context, absl::OkStatus());
}

}  // namespace anabranch::rpc
