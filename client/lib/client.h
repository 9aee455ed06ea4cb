// The C++ client: typed calls with errors as absl::Status.
//
//   ASSIGN_OR_RETURN(auto client, Client::Connect({.address = address}));
//   v1::StartRunRequest request;
//   request.set_flow("claude_chat");
//   *request.mutable_input() = JsonPayload(R"({"prompt":"Say hi"})");
//   ASSIGN_OR_RETURN(v1::StartRunResponse started, client->StartRun(request));
//   ASSIGN_OR_RETURN(v1::Run run, client->AwaitRun(started.run().run_id()));
//
// DetailsOf() of an error tells its reason and the fields at fault.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/v1/activity_service.pb.h"
#include "anabranch/v1/conversation_service.pb.h"
#include "anabranch/v1/flow_service.pb.h"
#include "anabranch/v1/run_service.pb.h"

namespace anabranch::client {

struct ClientOptions {
  // "host:port" or "unix:PATH".
  std::string address = "127.0.0.1:7400";
  // What requests without a namespace get; empty leaves it to the server.
  std::string ns = "";
  // How long a server that never answered is waited for.
  absl::Duration connect_patience = absl::Seconds(1);
  // How long a server that has answered before may be away.
  absl::Duration outage_patience = absl::Seconds(60);
  // Deadline of one attempt of a call that does not wait for a run.
  absl::Duration call_timeout = absl::Seconds(30);
  // Called when a call waits for the server to come back; may be empty.
  std::function<void(const absl::Status&)> on_outage = nullptr;
};

class Connection;

// Called with each message of a stream; false ends it.
using WatchCallback = std::function<bool(const v1::WatchRunResponse&)>;

// Threads: safe to call from any; calls block. Lives as long as its owner
// wants; streams must have ended before.
//
// Only UNAVAILABLE is tried again. Requests that change something get a
// request_id when they have none, so that trying again is harmless.
class Client {
 public:
  // Reaches out with the first call, not here. InvalidArgument when the address
  // is none.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);

  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // RunService.
  absl::StatusOr<v1::StartRunResponse> StartRun(v1::StartRunRequest request);
  absl::StatusOr<v1::Run> GetRun(v1::GetRunRequest request);
  absl::StatusOr<v1::ListRunsResponse> ListRuns(v1::ListRunsRequest request);
  absl::StatusOr<v1::GetHistoryResponse> GetHistory(
      v1::GetHistoryRequest request);
  absl::Status SignalRun(v1::SignalRunRequest request);
  absl::Status CancelRun(v1::CancelRunRequest request);
  absl::Status TerminateRun(v1::TerminateRunRequest request);
  absl::StatusOr<v1::QueryRunResponse> QueryRun(v1::QueryRunRequest request);
  absl::Status PauseRun(v1::PauseRunRequest request);
  absl::Status ResumeRun(v1::ResumeRunRequest request);
  absl::StatusOr<v1::RetryRunResponse> RetryRun(v1::RetryRunRequest request);
  absl::Status DeleteRun(v1::DeleteRunRequest request);
  // A request without a batch_id gets one, so that trying again is harmless.
  absl::StatusOr<v1::Batch> StartBatch(v1::StartBatchRequest request);
  absl::StatusOr<v1::Batch> GetBatch(v1::GetBatchRequest request);
  absl::StatusOr<v1::ListBatchesResponse> ListBatches(
      v1::ListBatchesRequest request);
  absl::StatusOr<v1::Batch> CancelBatch(v1::CancelBatchRequest request);

  // Waits until the run is closed, across restarts of the server. With a
  // timeout: the answer has `done` false when it ran out.
  absl::StatusOr<v1::AwaitRunResponse> AwaitRun(v1::AwaitRunRequest request,
                                                absl::Duration timeout);
  // The same without a limit; the closed run.
  absl::StatusOr<v1::Run> AwaitRun(std::string_view run_id);

  // Hands over what happens in a run until it is closed, the callback returns
  // false, or the server is away for too long. Goes on by cursor after a lost
  // connection: nothing recorded is handed over twice, none is left out.
  absl::Status WatchRun(v1::WatchRunRequest request,
                        const WatchCallback& on_message);

  // The content behind a reference.
  absl::StatusOr<std::string> ReadPayload(const v1::PayloadRef& reference);
  // The payload itself, read when it is a reference.
  absl::StatusOr<v1::Payload> Resolve(const v1::Payload& payload);
  // As JSON text, read when it is a reference.
  absl::StatusOr<std::string> ResolveJson(const v1::Payload& payload);

  // FlowService.
  absl::StatusOr<v1::ListFlowsResponse> ListFlows();
  absl::StatusOr<v1::Flow> GetFlow(std::string_view flow);

  // ConversationService.
  absl::StatusOr<v1::ImportConversationResponse> ImportConversation(
      v1::ImportConversationRequest request);
  absl::StatusOr<v1::ListConversationsResponse> ListConversations(
      v1::ListConversationsRequest request);
  absl::StatusOr<v1::GetConversationResponse> GetConversation(
      v1::GetConversationRequest request);
  absl::StatusOr<v1::ListForkPointsResponse> ListForkPoints(
      v1::ListForkPointsRequest request);

  // ActivityService.
  absl::StatusOr<v1::ListWorkersResponse> ListWorkers();
  absl::StatusOr<v1::ListTaskQueuesResponse> ListTaskQueues();
  absl::StatusOr<v1::TaskQueue> UpdateTaskQueue(
      const v1::UpdateTaskQueueRequest& request);

  // True when the server says that it is ready to serve.
  absl::StatusOr<bool> IsServing();

  const ClientOptions& options() const { return options_; }

 private:
  struct Stubs;
  explicit Client(ClientOptions options);

  const ClientOptions options_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace anabranch::client
