// FlowService.
#include <string>
#include <utility>

#include "anabranch/v1/flow_service.grpc.pb.h"
#include "orchestrator/rpc/answer.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/json_text.h"
#include "orchestrator/rpc/services.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

// Texts of our own flows; one that is no JSON is left out.
void SetJson(const std::string& text, google::protobuf::Value* value) {
  auto json = JsonTextToValue(text);
  if (json.has_value()) *value = *std::move(json);
}

class FlowServiceImpl final : public api::FlowService::CallbackService {
 public:
  explicit FlowServiceImpl(Backend& backend) : backend_(backend) {}

  grpc::ServerUnaryReactor* ListFlows(
      grpc::CallbackServerContext* context, const api::ListFlowsRequest*,
      api::ListFlowsResponse* response) override {
    for (const sdk::FlowDefinition* flow : backend_.flows.List()) {
      api::Flow& shown = *response->add_flows();
      shown.set_name(flow->name);
      shown.set_description(flow->description);
    }
    response->set_build_id(backend_.flows.build_id());
    return Finish(context, absl::OkStatus());
  }

  grpc::ServerUnaryReactor* GetFlow(grpc::CallbackServerContext* context,
                                    const api::GetFlowRequest* request,
                                    api::GetFlowResponse* response) override {
    const sdk::FlowDefinition* flow = backend_.flows.Find(request->flow());
    if (flow == nullptr) {
      return Finish(context,
                    FlowNotFound(request->flow(), backend_.flows.Names()));
    }
    api::Flow& shown = *response->mutable_flow();
    shown.set_name(flow->name);
    shown.set_description(flow->description);
    SetJson(flow->input_schema, shown.mutable_input_schema());
    SetJson(flow->output_schema, shown.mutable_output_schema());
    SetJson(flow->example, shown.mutable_example());
    return Finish(context, absl::OkStatus());
  }

 private:
  Backend& backend_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFlowService(Backend& backend) {
  return std::make_unique<FlowServiceImpl>(backend);
}

}  // namespace anabranch::rpc
