// The four services, as gRPC sees them.
#pragma once

#include <memory>

namespace grpc {
class Service;
}  // namespace grpc

namespace anabranch::rpc {

struct Backend;

// Reactions validate, copy, post and return; reads are answered from the store
// on gRPC's thread. The backend outlives the services.
std::unique_ptr<grpc::Service> MakeRunService(Backend& backend);
std::unique_ptr<grpc::Service> MakeFlowService(Backend& backend);
std::unique_ptr<grpc::Service> MakeConversationService(Backend& backend);
std::unique_ptr<grpc::Service> MakeActivityService(Backend& backend);

}  // namespace anabranch::rpc
