#include "client/testing/fake_server.h"

#include <chrono>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/ext/health_check_service_server_builder_option.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace anabranch::testing {
namespace {

using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;
using Lock = std::lock_guard<std::mutex>;

// The next canned error of a method, else OK. Under the mutex.
Status Next(Canned& canned, const std::string& method) {
  auto& errors = canned.errors[method];
  if (errors.empty()) return Status::OK;
  const Status status = errors.front();
  errors.erase(errors.begin());
  return status;
}

Status NoRun(const std::string& run_id) {
  return ErrorWith(StatusCode::NOT_FOUND,
                   absl::StrCat("There is no run \"", run_id, "\"."),
                   {.reason = "RUN_NOT_FOUND",
                    .domain = "anabranch",
                    .metadata = {{"run_id", run_id}}});
}

#define RETURN_CANNED(method)     \
  const Lock lock(canned_.mutex); \
  if (const Status status = Next(canned_, method); !status.ok()) return status

class Runs final : public v1::RunService::Service {
 public:
  explicit Runs(Canned& canned) : canned_(canned) {}

  Status StartRun(ServerContext*, const v1::StartRunRequest* request,
                  v1::StartRunResponse* response) override {
    {
      const Lock lock(canned_.mutex);
      canned_.starts.push_back(*request);
    }
    RETURN_CANNED("StartRun");
    v1::Run& run = *response->mutable_run();
    run.set_run_id(request->run_id().empty() ? "run-1" : request->run_id());
    run.set_flow(request->flow());
    run.set_state(v1::RUN_STATE_RUNNING);
    response->set_created(true);
    return Status::OK;
  }

  Status GetRun(ServerContext*, const v1::GetRunRequest* request,
                v1::GetRunResponse* response) override {
    RETURN_CANNED("GetRun");
    canned_.watch_until_get_run = false;
    canned_.changed.notify_all();
    const auto found = canned_.runs.find(request->run_id());
    if (found == canned_.runs.end()) return NoRun(request->run_id());
    *response->mutable_run() = found->second;
    return Status::OK;
  }

  Status ListRuns(ServerContext*, const v1::ListRunsRequest* request,
                  v1::ListRunsResponse* response) override {
    RETURN_CANNED("ListRuns");
    canned_.lists.push_back(*request);
    // Two a page; the token is the next run's id.
    auto run = canned_.runs.lower_bound(request->page_token());
    for (int i = 0; i < 2 && run != canned_.runs.end(); ++i, ++run) {
      *response->add_runs() = run->second;
    }
    if (run != canned_.runs.end()) response->set_next_page_token(run->first);
    return Status::OK;
  }

  Status AwaitRun(ServerContext*, const v1::AwaitRunRequest* request,
                  v1::AwaitRunResponse* response) override {
    RETURN_CANNED("AwaitRun");
    const auto found = canned_.runs.find(request->run_id());
    if (found == canned_.runs.end()) return NoRun(request->run_id());
    *response->mutable_run() = found->second;
    response->set_done(canned_.await_not_done-- <= 0);
    return Status::OK;
  }

  Status WatchRun(ServerContext*, const v1::WatchRunRequest* request,
                  grpc::ServerWriter<v1::WatchRunResponse>* writer) override {
    std::unique_lock<std::mutex> lock(canned_.mutex);
    canned_.watches.push_back(*request);
    if (const Status status = Next(canned_, "WatchRun"); !status.ok()) {
      return status;
    }
    canned_.changed.wait(lock, [this] { return !canned_.watch_until_get_run; });
    size_t place = 0;
    if (!request->cursor().empty()) {
      AB_CHECK(absl::SimpleAtoi(request->cursor(), &place));
    }
    const std::vector<v1::WatchRunResponse> messages = canned_.watch;
    for (; place < messages.size(); ++place) {
      if (place >= canned_.watch_stalls_after) {
        canned_.changed.wait(lock, [this] { return canned_.stopping; });
        return Status(StatusCode::UNAVAILABLE, "stopping");
      }
      v1::WatchRunResponse message = messages[place];
      message.set_cursor(absl::StrCat(place + 1));
      lock.unlock();
      writer->Write(message);
      lock.lock();
    }
    return Status::OK;
  }

  Status GetHistory(ServerContext*, const v1::GetHistoryRequest* request,
                    v1::GetHistoryResponse* response) override {
    RETURN_CANNED("GetHistory");
    canned_.histories.push_back(*request);
    size_t page = 0;
    if (!request->page_token().empty()) {
      AB_CHECK(absl::SimpleAtoi(request->page_token(), &page));
    }
    if (page < canned_.history.size()) *response = canned_.history[page];
    if (page + 1 < canned_.history.size()) {
      response->set_next_page_token(absl::StrCat(page + 1));
    }
    return Status::OK;
  }

  Status SignalRun(ServerContext*, const v1::SignalRunRequest* request,
                   v1::SignalRunResponse*) override {
    {
      const Lock lock(canned_.mutex);
      canned_.signals.push_back(*request);
    }
    RETURN_CANNED("SignalRun");
    return Status::OK;
  }

  Status CancelRun(ServerContext*, const v1::CancelRunRequest* request,
                   v1::CancelRunResponse*) override {
    RETURN_CANNED("CancelRun");
    canned_.cancels.push_back(*request);
    return Status::OK;
  }

  Status TerminateRun(ServerContext*, const v1::TerminateRunRequest* request,
                      v1::TerminateRunResponse*) override {
    RETURN_CANNED("TerminateRun");
    canned_.terminates.push_back(*request);
    return Status::OK;
  }

  Status QueryRun(ServerContext*, const v1::QueryRunRequest* request,
                  v1::QueryRunResponse* response) override {
    RETURN_CANNED("QueryRun");
    canned_.queries.push_back(*request);
    *response = canned_.query_answer;
    return Status::OK;
  }

  Status PauseRun(ServerContext*, const v1::PauseRunRequest* request,
                  v1::PauseRunResponse*) override {
    RETURN_CANNED("PauseRun");
    canned_.pauses.push_back(*request);
    return Status::OK;
  }

  Status ResumeRun(ServerContext*, const v1::ResumeRunRequest* request,
                   v1::ResumeRunResponse*) override {
    RETURN_CANNED("ResumeRun");
    canned_.resumes.push_back(*request);
    return Status::OK;
  }

  Status RetryRun(ServerContext*, const v1::RetryRunRequest*,
                  v1::RetryRunResponse* response) override {
    RETURN_CANNED("RetryRun");
    *response = canned_.retry_answer;
    return Status::OK;
  }

  Status DeleteRun(ServerContext*, const v1::DeleteRunRequest* request,
                   v1::DeleteRunResponse*) override {
    RETURN_CANNED("DeleteRun");
    canned_.deletes.push_back(*request);
    return Status::OK;
  }

  Status StartBatch(ServerContext*, const v1::StartBatchRequest* request,
                    v1::StartBatchResponse* response) override {
    RETURN_CANNED("StartBatch");
    canned_.batch_starts.push_back(*request);
    *response->mutable_batch() = NextBatch();
    return Status::OK;
  }

  Status GetBatch(ServerContext*, const v1::GetBatchRequest*,
                  v1::GetBatchResponse* response) override {
    RETURN_CANNED("GetBatch");
    *response->mutable_batch() = NextBatch();
    return Status::OK;
  }

  Status ListBatches(ServerContext*, const v1::ListBatchesRequest*,
                     v1::ListBatchesResponse* response) override {
    RETURN_CANNED("ListBatches");
    for (const v1::Batch& batch : canned_.batches) {
      *response->add_batches() = batch;
    }
    return Status::OK;
  }

  Status CancelBatch(ServerContext*, const v1::CancelBatchRequest*,
                     v1::CancelBatchResponse* response) override {
    RETURN_CANNED("CancelBatch");
    *response->mutable_batch() = NextBatch();
    return Status::OK;
  }

  Status ReadPayload(
      ServerContext*, const v1::ReadPayloadRequest* request,
      grpc::ServerWriter<v1::ReadPayloadResponse>* writer) override {
    RETURN_CANNED("ReadPayload");
    // In small pieces, as the server's are smaller than most contents.
    const std::string& content = canned_.payloads[request->sha256()];
    for (size_t at = 0; at < content.size(); at += 1000) {
      v1::ReadPayloadResponse piece;
      piece.set_data(content.substr(at, 1000));
      writer->Write(piece);
    }
    return Status::OK;
  }

 private:
  // Under the mutex.
  v1::Batch NextBatch() {
    v1::Batch batch;
    if (canned_.batches.empty()) return batch;
    batch = canned_.batches.front();
    if (canned_.batches.size() > 1) {
      canned_.batches.erase(canned_.batches.begin());
    }
    return batch;
  }

  Canned& canned_;
};

class Flows final : public v1::FlowService::Service {
 public:
  explicit Flows(Canned& canned) : canned_(canned) {}

  Status ListFlows(ServerContext*, const v1::ListFlowsRequest*,
                   v1::ListFlowsResponse* response) override {
    RETURN_CANNED("ListFlows");
    for (const v1::Flow& flow : canned_.flows) *response->add_flows() = flow;
    response->set_build_id("build-1");
    return Status::OK;
  }

  Status GetFlow(ServerContext*, const v1::GetFlowRequest* request,
                 v1::GetFlowResponse* response) override {
    RETURN_CANNED("GetFlow");
    for (const v1::Flow& flow : canned_.flows) {
      if (flow.name() == request->flow()) *response->mutable_flow() = flow;
    }
    if (response->has_flow()) return Status::OK;
    return ErrorWith(StatusCode::NOT_FOUND, "There is no such flow.",
                     {.reason = "FLOW_NOT_FOUND",
                      .domain = "anabranch",
                      .metadata = {{"flow", request->flow()}}});
  }

 private:
  Canned& canned_;
};

class Conversations final : public v1::ConversationService::Service {
 public:
  explicit Conversations(Canned& canned) : canned_(canned) {}

  Status ImportConversation(ServerContext*,
                            const v1::ImportConversationRequest* request,
                            v1::ImportConversationResponse* response) override {
    {
      const Lock lock(canned_.mutex);
      canned_.imports.push_back(*request);
    }
    RETURN_CANNED("ImportConversation");
    v1::Conversation& conversation = *response->mutable_conversation();
    conversation.set_conversation_id(request->conversation_id().empty()
                                         ? "from-transcript"
                                         : request->conversation_id());
    conversation.set_revision(1);
    conversation.set_step_count(6);
    response->set_created(true);
    return Status::OK;
  }

  Status ListConversations(ServerContext*, const v1::ListConversationsRequest*,
                           v1::ListConversationsResponse* response) override {
    RETURN_CANNED("ListConversations");
    for (const auto& [id, conversation] : canned_.conversations) {
      *response->add_conversations() = conversation.conversation();
    }
    return Status::OK;
  }

  Status GetConversation(ServerContext*,
                         const v1::GetConversationRequest* request,
                         v1::GetConversationResponse* response) override {
    RETURN_CANNED("GetConversation");
    const auto found = canned_.conversations.find(request->conversation_id());
    if (found == canned_.conversations.end()) {
      return ErrorWith(
          StatusCode::NOT_FOUND, "There is no such conversation.",
          {.reason = "CONVERSATION_NOT_FOUND",
           .domain = "anabranch",
           .metadata = {{"conversation_id", request->conversation_id()}}});
    }
    *response = found->second;
    return Status::OK;
  }

 private:
  Canned& canned_;
};

class Activities final : public v1::ActivityService::Service {
 public:
  explicit Activities(Canned& canned) : canned_(canned) {}

  Status ListWorkers(ServerContext*, const v1::ListWorkersRequest*,
                     v1::ListWorkersResponse* response) override {
    RETURN_CANNED("ListWorkers");
    for (const v1::Worker& worker : canned_.workers) {
      *response->add_workers() = worker;
    }
    return Status::OK;
  }

  Status ListTaskQueues(ServerContext*, const v1::ListTaskQueuesRequest*,
                        v1::ListTaskQueuesResponse* response) override {
    RETURN_CANNED("ListTaskQueues");
    for (const v1::TaskQueue& queue : canned_.queues) {
      *response->add_task_queues() = queue;
    }
    return Status::OK;
  }

  Status UpdateTaskQueue(ServerContext*,
                         const v1::UpdateTaskQueueRequest* request,
                         v1::UpdateTaskQueueResponse* response) override {
    RETURN_CANNED("UpdateTaskQueue");
    canned_.queue_updates.push_back(*request);
    response->mutable_task_queue()->set_name(request->name());
    *response->mutable_task_queue()->mutable_settings() = request->settings();
    return Status::OK;
  }

 private:
  Canned& canned_;
};

}  // namespace

grpc::Status ErrorWith(StatusCode code, const std::string& message,
                       const client::ErrorDetails& details) {
  google::rpc::Status rpc;
  rpc.set_code(code);
  rpc.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(details.reason);
  info.set_domain(details.domain);
  for (const auto& [key, value] : details.metadata) {
    (*info.mutable_metadata())[key] = value;
  }
  rpc.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  for (const auto& violation : details.field_violations) {
    auto& added = *bad.add_field_violations();
    added.set_field(violation.field);
    added.set_description(violation.description);
  }
  if (bad.field_violations_size() > 0) rpc.add_details()->PackFrom(bad);
  return {code, message, rpc.SerializeAsString()};
}

struct FakeServer::Services {
  explicit Services(Canned& canned)
      : runs(canned),
        flows(canned),
        conversations(canned),
        activities(canned) {}

  Runs runs;
  Flows flows;
  Conversations conversations;
  Activities activities;
};

FakeServer::FakeServer(int port)
    : services_(std::make_unique<Services>(canned)), port_(port) {
  Start();
}

FakeServer::~FakeServer() { Stop(); }

std::string FakeServer::address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

void FakeServer::Start() {
  {
    const Lock lock(canned.mutex);
    canned.stopping = false;
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(&services_->runs);
  builder.RegisterService(&services_->flows);
  builder.RegisterService(&services_->conversations);
  builder.RegisterService(&services_->activities);
  builder.SetMaxReceiveMessageSize(33 * 1024 * 1024);
  server_ = builder.BuildAndStart();
  AB_CHECK(server_ != nullptr);
}

void FakeServer::Stop() {
  if (server_ == nullptr) return;
  {
    const Lock lock(canned.mutex);
    canned.stopping = true;
    canned.changed.notify_all();
  }
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

}  // namespace anabranch::testing
