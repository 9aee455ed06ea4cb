// absl::Status to grpc::Status, details included.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace anabranch::rpc {

// The details become a serialized google.rpc.Status
// (`grpc-status-details-bin`). Metadata of a call is limited to 8 KiB: a long
// message is cut, and details that do not fit are left out; ErrorInfo comes
// first.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace anabranch::rpc
