// ConversationService.
#include <utility>

#include "anabranch/v1/conversation_service.grpc.pb.h"
#include "orchestrator/rpc/answer.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/conversation_door.h"
#include "orchestrator/rpc/services.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;
using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

class ConversationServiceImpl final
    : public api::ConversationService::CallbackService {
 public:
  explicit ConversationServiceImpl(Backend& backend)
      : backend_(backend), reads_(backend.reader) {}

  Unary* ImportConversation(
      Context* context, const api::ImportConversationRequest* request,
      api::ImportConversationResponse* response) override {
    absl::Status request_id = CheckRequestId(request->request_id());
    if (!request_id.ok()) return Finish(context, request_id);
    auto import = CheckImport(*request);
    if (!import.ok()) return Finish(context, import.status());
    if (request->validate_only()) {
      return Answer(context, reads_.PreviewImport(import->record), response);
    }
    Unary* reactor = context->DefaultReactor();
    import->reply =
        [reactor,
         response](const absl::StatusOr<shard::ImportedConversation>& done) {
          if (done.ok()) {
            *response->mutable_conversation() = ShowConversation(done->record);
            response->set_created(done->created);
          }
          reactor->Finish(ToGrpcStatus(done.status()));
        };
    backend_.post(*std::move(import));
    return reactor;
  }

  Unary* ListConversations(Context* context,
                           const api::ListConversationsRequest* request,
                           api::ListConversationsResponse* response) override {
    return Answer(context, reads_.List(*request), response);
  }

  Unary* GetConversation(Context* context,
                         const api::GetConversationRequest* request,
                         api::GetConversationResponse* response) override {
    return Answer(context,
                  reads_.Get(request->namespace_(), request->conversation_id(),
                             request->leaf()),
                  response);
  }

  Unary* ListForkPoints(Context* context,
                        const api::ListForkPointsRequest* request,
                        api::ListForkPointsResponse* response) override {
    auto found = reads_.Get(request->namespace_(), request->conversation_id(),
                            request->leaf());
    if (found.ok())
      *response->mutable_steps() = std::move(*found->mutable_steps());
    return Finish(context, found.status());
  }

 private:
  Backend& backend_;
  ConversationReads reads_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeConversationService(Backend& backend) {
  return std::make_unique<ConversationServiceImpl>(backend);
}

}  // namespace anabranch::rpc
