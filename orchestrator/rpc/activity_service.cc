// ActivityService.
#include <algorithm>

#include "anabranch/v1/activity_service.grpc.pb.h"
#include "orchestrator/rpc/answer.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/services.h"
#include "orchestrator/rpc/worker_stream.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

class ActivityServiceImpl final : public api::ActivityService::CallbackService {
 public:
  explicit ActivityServiceImpl(Backend& backend) : backend_(backend) {}

  grpc::ServerBidiReactor<api::ConnectRequest, api::ConnectResponse>* Connect(
      grpc::CallbackServerContext* context) override {
    return NewWorkerStream(backend_, *context);
  }

  grpc::ServerUnaryReactor* ListWorkers(
      grpc::CallbackServerContext* context, const api::ListWorkersRequest*,
      api::ListWorkersResponse* response) override {
    for (const api::Worker& worker : *backend_.workers.Get()) {
      *response->add_workers() = worker;
    }
    std::sort(response->mutable_workers()->begin(),
              response->mutable_workers()->end(),
              [](const api::Worker& a, const api::Worker& b) {
                if (a.label() != b.label()) return a.label() < b.label();
                return a.session() < b.session();
              });
    return Finish(context, absl::OkStatus());
  }

 private:
  Backend& backend_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeActivityService(Backend& backend) {
  return std::make_unique<ActivityServiceImpl>(backend);
}

}  // namespace anabranch::rpc
