// ActivityService.
#include <algorithm>
#include <utility>

#include "anabranch/v1/activity_service.grpc.pb.h"
#include "orchestrator/rpc/answer.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/services.h"
#include "orchestrator/rpc/task_queue_door.h"
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

  grpc::ServerUnaryReactor* ListTaskQueues(
      grpc::CallbackServerContext* context, const api::ListTaskQueuesRequest*,
      api::ListTaskQueuesResponse* response) override {
    for (api::TaskQueue& queue : backend_.task_queues.List()) {
      *response->add_task_queues() = std::move(queue);
    }
    return Finish(context, absl::OkStatus());
  }

  grpc::ServerUnaryReactor* UpdateTaskQueue(
      grpc::CallbackServerContext* context,
      const api::UpdateTaskQueueRequest* request,
      api::UpdateTaskQueueResponse* response) override {
    auto record = CheckTaskQueue(*request);
    if (!record.ok()) return Finish(context, record.status());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    shard::SetTaskQueue input;
    input.record = *std::move(record);
    // Tasks and workers as last told of; the limits as they are from now on.
    api::TaskQueue* queue = response->mutable_task_queue();
    *queue = backend_.task_queues.Get(request->name());
    *queue->mutable_settings() = request->settings();
    input.reply = [reactor](const absl::Status& status) {
      reactor->Finish(ToGrpcStatus(status));
    };
    backend_.post(std::move(input));
    return reactor;
  }

 private:
  Backend& backend_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeActivityService(Backend& backend) {
  return std::make_unique<ActivityServiceImpl>(backend);
}

}  // namespace anabranch::rpc
