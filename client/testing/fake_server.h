// The services with canned answers, in this process: what tests of the client
// talk to. It runs nothing.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "anabranch/v1/activity_service.grpc.pb.h"
#include "anabranch/v1/conversation_service.grpc.pb.h"
#include "anabranch/v1/flow_service.grpc.pb.h"
#include "anabranch/v1/run_service.grpc.pb.h"
#include "client/lib/error_details.h"
#include "grpcpp/server.h"

namespace anabranch::testing {

// An error as the server sends them.
grpc::Status ErrorWith(grpc::StatusCode code, const std::string& message,
                       const client::ErrorDetails& details);

// What the services answer and what they were asked. Guarded by its mutex.
struct Canned {
  std::mutex mutex;
  std::condition_variable changed;

  std::map<std::string, v1::Run> runs;
  std::vector<v1::Flow> flows;
  std::vector<v1::Worker> workers;
  std::map<std::string, v1::GetConversationResponse> conversations;
  std::map<std::string, std::string> payloads;  // by sha256
  std::vector<v1::GetHistoryResponse> history;  // pages
  // Of every watch; the n-th has cursor "n". The one with final_run closes.
  std::vector<v1::WatchRunResponse> watch;
  // A watch stays silent after so many messages until the server stops.
  size_t watch_stalls_after = SIZE_MAX;
  // A watch stays silent until somebody has called GetRun.
  bool watch_until_get_run = false;
  // Answers of AwaitRun that say `done: false` first.
  int await_not_done = 0;
  // What a method answers instead, in order.
  std::map<std::string, std::vector<grpc::Status>> errors;
  bool stopping = false;

  std::vector<v1::StartRunRequest> starts;
  std::vector<v1::WatchRunRequest> watches;
  std::vector<v1::SignalRunRequest> signals;
  std::vector<v1::CancelRunRequest> cancels;
  std::vector<v1::TerminateRunRequest> terminates;
  std::vector<v1::ImportConversationRequest> imports;
  std::vector<v1::ListRunsRequest> lists;
  std::vector<v1::GetHistoryRequest> histories;
  std::vector<v1::QueryRunRequest> queries;
  std::vector<v1::PauseRunRequest> pauses;
  std::vector<v1::ResumeRunRequest> resumes;
  std::vector<v1::DeleteRunRequest> deletes;
  v1::QueryRunResponse query_answer;
  v1::RetryRunResponse retry_answer;

  // Every StartBatch, GetBatch and CancelBatch answers the next one; the last
  // one stays.
  std::vector<v1::Batch> batches;
  std::vector<v1::StartBatchRequest> batch_starts;
  std::vector<v1::TaskQueue> queues;
  std::vector<v1::UpdateTaskQueueRequest> queue_updates;
};

// Threads: safe to call from any.
class FakeServer {
 public:
  // On a loopback port; 0 takes a free one.
  explicit FakeServer(int port = 0);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // "127.0.0.1:PORT", the same after a restart.
  std::string address() const;
  void Stop();
  void Start();

  Canned canned;

 private:
  struct Services;

  std::unique_ptr<Services> services_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace anabranch::testing
