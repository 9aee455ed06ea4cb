// A server over a log in memory, with a shard that the test plays itself.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "anabranch/v1/activity_service.grpc.pb.h"
#include "anabranch/v1/conversation_service.grpc.pb.h"
#include "anabranch/v1/flow_service.grpc.pb.h"
#include "anabranch/v1/run_service.grpc.pb.h"
#include "base/clock.h"
#include "orchestrator/log/memory_event_log.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/server.h"

namespace anabranch::rpc {

namespace api = anabranch::v1;

// Inputs wait until the test takes them.
class FakeShard {
 public:
  void Post(shard::Input input) {
    std::lock_guard<std::mutex> lock(mutex_);
    inputs_.push_back(std::move(input));
    arrived_.notify_all();
  }

  // The next input of this kind; others before it are dropped.
  template <typename Input>
  Input Take() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      arrived_.wait(lock, [this] { return !inputs_.empty(); });
      shard::Input input = std::move(inputs_.front());
      inputs_.pop_front();
      if (auto* wanted = std::get_if<Input>(&input)) return std::move(*wanted);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<shard::Input> inputs_;
};

class RpcTest : public ::testing::Test {
 protected:
  RpcTest() : flows_("build-1"), backend_(log_, flows_, clock_) {
    flows_.Register(EchoFlow());
    backend_.post = [this](shard::Input input) {
      shard_.Post(std::move(input));
    };
    ServerOptions options;
    options.address = "127.0.0.1:0";
    server_ = Server::Start(backend_, options).value();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    channel_ = grpc::CreateCustomChannel(
        server_->address(), grpc::InsecureChannelCredentials(), arguments);
    runs_ = api::RunService::NewStub(channel_);
    flow_stub_ = api::FlowService::NewStub(channel_);
    conversations_ = api::ConversationService::NewStub(channel_);
    activities_ = api::ActivityService::NewStub(channel_);
  }

  ~RpcTest() override {
    backend_.notifier.Stop();
    server_->Shutdown(absl::Seconds(1));
  }

  static sdk::FlowDefinition EchoFlow();

  // Writes what `fill` puts into a batch.
  void Write(const std::function<void(log::BatchBuilder&)>& fill);

  // A run of `echo` in the store, with one event.
  void WriteRun(const std::string& run_id, Uid uid, api::RunState state);
  // Adds `count` markers with `bytes` each to a run's history.
  void WriteMarkers(const std::string& run_id, Uid uid, int count,
                    size_t bytes);

  static std::string Reason(const grpc::Status& status);

  RealClock clock_;
  log::MemoryEventLog log_;
  sdk::FlowRegistry flows_;
  Backend backend_;
  FakeShard shard_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<api::RunService::Stub> runs_;
  std::unique_ptr<api::FlowService::Stub> flow_stub_;
  std::unique_ptr<api::ConversationService::Stub> conversations_;
  std::unique_ptr<api::ActivityService::Stub> activities_;

 private:
  int64_t position_ = 0;
  std::map<uint64_t, int64_t> events_;
};

}  // namespace anabranch::rpc
