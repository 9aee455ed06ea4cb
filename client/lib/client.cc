#include "client/lib/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "anabranch/v1/activity_service.grpc.pb.h"
#include "anabranch/v1/conversation_service.grpc.pb.h"
#include "anabranch/v1/flow_service.grpc.pb.h"
#include "anabranch/v1/run_service.grpc.pb.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "client/lib/connection.h"
#include "client/lib/error_details.h"
#include "client/lib/payload.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/impl/codegen/client_unary_call.h"

namespace anabranch::client {
namespace {

// Beyond what the server was asked to wait.
constexpr absl::Duration kWaitMargin = absl::Seconds(10);
// One AwaitRun call; the client asks again.
constexpr absl::Duration kAwaitPiece = absl::Seconds(30);
// Transcripts may have to cross a slow line.
constexpr absl::Duration kImportTimeout = absl::Minutes(5);

template <typename Request>
void FillNamespace(const ClientOptions& options, Request& request) {
  if (request.namespace_().empty()) request.set_namespace_(options.ns);
}

template <typename Request>
void FillRequestId(Request& request) {
  if (!request.request_id().empty()) return;
  SystemRandom random;
  request.set_request_id(RandomHexId(random));
}

template <typename Response, typename Stub, typename Request>
absl::StatusOr<Response> Unary(
    Connection& connection, absl::Duration timeout, Stub& stub,
    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                 Response*),
    const Request& request) {
  Response response;
  RETURN_IF_ERROR(connection.Call(timeout, [&](grpc::ClientContext& context) {
    response.Clear();
    return (stub.*method)(&context, request, &response);
  }));
  return response;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

void SetProto(absl::Duration duration, google::protobuf::Duration& out) {
  const int64_t seconds =
      absl::IDivDuration(duration, absl::Seconds(1), &duration);
  out.set_seconds(seconds);
  out.set_nanos(static_cast<int32_t>(duration / absl::Nanoseconds(1)));
}

// Statuses after which a stream is worth resuming.
bool Resumable(absl::StatusCode code, bool progressed) {
  switch (code) {
    case absl::StatusCode::kOk:  // ended without its last message
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:  // by a server that goes down
      return true;
    case absl::StatusCode::kResourceExhausted:  // cut off for being slow
    case absl::StatusCode::kAborted:
      return progressed;
    default:
      return false;
  }
}

}  // namespace

struct Client::Stubs {
  using Runs = v1::RunService::Stub;
  using Flows = v1::FlowService::Stub;
  using Conversations = v1::ConversationService::Stub;
  using Activities = v1::ActivityService::Stub;

  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : runs(channel),
        flows(channel),
        conversations(channel),
        activities(channel) {}

  Runs runs;
  Flows flows;
  Conversations conversations;
  Activities activities;
};

Client::Client(ClientOptions options)
    : options_(std::move(options)),
      connection_(std::make_unique<Connection>(options_)),
      stubs_(std::make_unique<Stubs>(connection_->channel())) {}

Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  const std::string& address = options.address;
  const bool is_unix = address.rfind("unix:", 0) == 0;
  const size_t colon = address.rfind(':');
  if (!is_unix && (colon == std::string::npos || colon == 0 ||
                   colon + 1 == address.size() ||
                   address.find_first_not_of("0123456789", colon + 1) !=
                       std::string::npos)) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     absl::StrCat("\"", address,
                                  "\" is no address: HOST:PORT is, or "
                                  "unix:PATH."),
                     "ADDRESS_INVALID", {{"address", address}});
  }
  return std::unique_ptr<Client>(new Client(std::move(options)));
}

absl::StatusOr<v1::StartRunResponse> Client::StartRun(
    v1::StartRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  const absl::Duration timeout =
      options_.call_timeout + FromProto(request.wait());
  return Unary(*connection_, timeout, stubs_->runs, &Stubs::Runs::StartRun,
               request);
}

absl::StatusOr<v1::Run> Client::GetRun(v1::GetRunRequest request) {
  FillNamespace(options_, request);
  ASSIGN_OR_RETURN(v1::GetRunResponse response,
                   Unary(*connection_, options_.call_timeout, stubs_->runs,
                         &Stubs::Runs::GetRun, request));
  return std::move(*response.mutable_run());
}

absl::StatusOr<v1::ListRunsResponse> Client::ListRuns(
    v1::ListRunsRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::ListRuns, request);
}

absl::StatusOr<v1::GetHistoryResponse> Client::GetHistory(
    v1::GetHistoryRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::GetHistory, request);
}

absl::Status Client::SignalRun(v1::SignalRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::SignalRun, request)
      .status();
}

absl::Status Client::CancelRun(v1::CancelRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::CancelRun, request)
      .status();
}

absl::Status Client::TerminateRun(v1::TerminateRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::TerminateRun, request)
      .status();
}

absl::StatusOr<v1::QueryRunResponse> Client::QueryRun(
    v1::QueryRunRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::QueryRun, request);
}

absl::Status Client::PauseRun(v1::PauseRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::PauseRun, request)
      .status();
}

absl::Status Client::ResumeRun(v1::ResumeRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::ResumeRun, request)
      .status();
}

absl::StatusOr<v1::RetryRunResponse> Client::RetryRun(
    v1::RetryRunRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::RetryRun, request);
}

absl::Status Client::DeleteRun(v1::DeleteRunRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::DeleteRun, request)
      .status();
}

absl::StatusOr<v1::Batch> Client::StartBatch(v1::StartBatchRequest request) {
  FillNamespace(options_, request);
  if (request.batch_id().empty() && !request.validate_only()) {
    SystemRandom random;
    request.set_batch_id("batch-" + RandomHexId(random).substr(0, 16));
  }
  ASSIGN_OR_RETURN(v1::StartBatchResponse response,
                   Unary(*connection_, options_.call_timeout, stubs_->runs,
                         &Stubs::Runs::StartBatch, request));
  return std::move(*response.mutable_batch());
}

absl::StatusOr<v1::Batch> Client::GetBatch(v1::GetBatchRequest request) {
  FillNamespace(options_, request);
  ASSIGN_OR_RETURN(v1::GetBatchResponse response,
                   Unary(*connection_, options_.call_timeout, stubs_->runs,
                         &Stubs::Runs::GetBatch, request));
  return std::move(*response.mutable_batch());
}

absl::StatusOr<v1::ListBatchesResponse> Client::ListBatches(
    v1::ListBatchesRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->runs,
               &Stubs::Runs::ListBatches, request);
}

absl::StatusOr<v1::Batch> Client::CancelBatch(v1::CancelBatchRequest request) {
  FillNamespace(options_, request);
  ASSIGN_OR_RETURN(v1::CancelBatchResponse response,
                   Unary(*connection_, options_.call_timeout, stubs_->runs,
                         &Stubs::Runs::CancelBatch, request));
  return std::move(*response.mutable_batch());
}

absl::StatusOr<v1::AwaitRunResponse> Client::AwaitRun(
    v1::AwaitRunRequest request, absl::Duration timeout) {
  FillNamespace(options_, request);
  const absl::Time end = absl::Now() + timeout;
  while (true) {
    const absl::Duration left =
        std::max(end - absl::Now(), absl::ZeroDuration());
    const absl::Duration piece = std::min(left, kAwaitPiece);
    SetProto(piece, *request.mutable_timeout());
    ASSIGN_OR_RETURN(v1::AwaitRunResponse response,
                     Unary(*connection_, piece + kWaitMargin, stubs_->runs,
                           &Stubs::Runs::AwaitRun, request));
    if (response.done() || piece == left) return response;
  }
}

absl::StatusOr<v1::Run> Client::AwaitRun(std::string_view run_id) {
  v1::AwaitRunRequest request;
  request.set_run_id(run_id.data(), run_id.size());
  ASSIGN_OR_RETURN(v1::AwaitRunResponse response,
                   AwaitRun(std::move(request), absl::InfiniteDuration()));
  return std::move(*response.mutable_run());
}

absl::Status Client::WatchRun(v1::WatchRunRequest request,
                              const WatchCallback& on_message) {
  FillNamespace(options_, request);
  Connection::Outage outage(*connection_);
  while (true) {
    grpc::ClientContext context;
    auto stream = stubs_->runs.WatchRun(&context, request);
    v1::WatchRunResponse message;
    bool progressed = false;
    while (stream->Read(&message)) {
      outage.End();
      progressed = true;
      if (!message.cursor().empty()) request.set_cursor(message.cursor());
      if (!on_message(message)) {
        context.TryCancel();
        stream->Finish();  // CANCELLED, as asked
        return absl::OkStatus();
      }
      if (message.has_final_run()) {
        return FromGrpcStatus(stream->Finish());
      }
    }
    absl::Status status = FromGrpcStatus(stream->Finish());
    if (!Resumable(status.code(), progressed)) return status;
    RETURN_IF_ERROR(outage.Wait(
        status.ok() ? absl::UnavailableError("the stream ended") : status));
  }
}

absl::StatusOr<std::string> Client::ReadPayload(
    const v1::PayloadRef& reference) {
  v1::ReadPayloadRequest request;
  request.set_sha256(reference.sha256());
  std::string content;
  RETURN_IF_ERROR(
      connection_->Call(kImportTimeout, [&](grpc::ClientContext& context) {
        content.clear();
        auto stream = stubs_->runs.ReadPayload(&context, request);
        v1::ReadPayloadResponse piece;
        while (stream->Read(&piece)) content.append(piece.data());
        return stream->Finish();
      }));
  if (static_cast<int64_t>(content.size()) != reference.size_bytes()) {
    return absl::DataLossError(absl::StrCat(
        "The stored value ", reference.sha256(), " has ", content.size(),
        " bytes where ", reference.size_bytes(), " are expected."));
  }
  return content;
}

absl::StatusOr<v1::Payload> Client::Resolve(const v1::Payload& payload) {
  if (!payload.has_ref()) return payload;
  ASSIGN_OR_RETURN(std::string bytes, ReadPayload(payload.ref()));
  return PayloadFromBytes(payload.ref().encoding(), std::move(bytes));
}

absl::StatusOr<std::string> Client::ResolveJson(const v1::Payload& payload) {
  ASSIGN_OR_RETURN(v1::Payload resolved, Resolve(payload));
  return PayloadToJson(resolved);
}

absl::StatusOr<v1::ListFlowsResponse> Client::ListFlows() {
  return Unary(*connection_, options_.call_timeout, stubs_->flows,
               &Stubs::Flows::ListFlows, v1::ListFlowsRequest());
}

absl::StatusOr<v1::Flow> Client::GetFlow(std::string_view flow) {
  v1::GetFlowRequest request;
  request.set_flow(flow.data(), flow.size());
  ASSIGN_OR_RETURN(v1::GetFlowResponse response,
                   Unary(*connection_, options_.call_timeout, stubs_->flows,
                         &Stubs::Flows::GetFlow, request));
  return std::move(*response.mutable_flow());
}

absl::StatusOr<v1::ImportConversationResponse> Client::ImportConversation(
    v1::ImportConversationRequest request) {
  FillNamespace(options_, request);
  FillRequestId(request);
  return Unary(*connection_, kImportTimeout, stubs_->conversations,
               &Stubs::Conversations::ImportConversation, request);
}

absl::StatusOr<v1::ListConversationsResponse> Client::ListConversations(
    v1::ListConversationsRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->conversations,
               &Stubs::Conversations::ListConversations, request);
}

absl::StatusOr<v1::GetConversationResponse> Client::GetConversation(
    v1::GetConversationRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->conversations,
               &Stubs::Conversations::GetConversation, request);
}

absl::StatusOr<v1::ListForkPointsResponse> Client::ListForkPoints(
    v1::ListForkPointsRequest request) {
  FillNamespace(options_, request);
  return Unary(*connection_, options_.call_timeout, stubs_->conversations,
               &Stubs::Conversations::ListForkPoints, request);
}

absl::StatusOr<v1::ListWorkersResponse> Client::ListWorkers() {
  return Unary(*connection_, options_.call_timeout, stubs_->activities,
               &Stubs::Activities::ListWorkers, v1::ListWorkersRequest());
}

absl::StatusOr<v1::ListTaskQueuesResponse> Client::ListTaskQueues() {
  return Unary(*connection_, options_.call_timeout, stubs_->activities,
               &Stubs::Activities::ListTaskQueues, v1::ListTaskQueuesRequest());
}

absl::StatusOr<v1::TaskQueue> Client::UpdateTaskQueue(
    const v1::UpdateTaskQueueRequest& request) {
  ASSIGN_OR_RETURN(
      v1::UpdateTaskQueueResponse response,
      Unary(*connection_, options_.call_timeout, stubs_->activities,
            &Stubs::Activities::UpdateTaskQueue, request));
  return std::move(*response.mutable_task_queue());
}

absl::StatusOr<bool> Client::IsServing() {
  // gRPC serves health without a generated service, so there is no stub.
  const auto& channel = connection_->channel();
  const grpc::internal::RpcMethod check("/grpc.health.v1.Health/Check",
                                        grpc::internal::RpcMethod::NORMAL_RPC,
                                        channel);
  grpc::health::v1::HealthCheckResponse response;
  RETURN_IF_ERROR(connection_->Call(
      options_.call_timeout, [&](grpc::ClientContext& context) {
        return grpc::internal::BlockingUnaryCall<
            grpc::health::v1::HealthCheckRequest,
            grpc::health::v1::HealthCheckResponse>(channel.get(), check,
                                                   &context, {}, &response);
      }));
  return response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

}  // namespace anabranch::client
