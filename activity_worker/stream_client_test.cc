#include "activity_worker/stream_client.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "activity_worker/activities/basic_activities.h"
#include "activity_worker/executor/activity_registry.h"
#include "activity_worker/executor/executor.h"
#include "anabranch/v1/activity_service.grpc.pb.h"
#include "base/clock.h"

namespace anabranch::activity_worker {
namespace {

using ServerStream =
    grpc::ServerReaderWriter<v1::ConnectResponse, v1::ConnectRequest>;

// A stream as the test sees it: it reads and writes in the server's place.
class Connection {
 public:
  Connection(ServerStream* stream, grpc::ServerContext* context)
      : stream_(stream), context_(context) {}

  // The next message that is no beat; kind not set when the stream has ended.
  v1::WorkerMessage Read() {
    while (true) {
      while (!messages_.empty()) {
        v1::WorkerMessage message = std::move(messages_.front());
        messages_.pop_front();
        if (!message.has_beat()) return message;
        ++beats_;
      }
      v1::ConnectRequest frame;
      if (!stream_->Read(&frame)) return {};
      messages_.insert(messages_.end(), frame.messages().begin(),
                       frame.messages().end());
    }
  }

  void Send(v1::ServerMessage message) {
    v1::ConnectResponse frame;
    *frame.add_messages() = std::move(message);
    stream_->Write(frame);
  }

  // Reads Hello, answers Welcome with KEEP for all, reads the credit.
  v1::Hello Greet(int credit) {
    const v1::Hello hello = Read().hello();
    v1::ServerMessage welcome;
    welcome.mutable_welcome()->set_epoch("e");
    for (const auto& tokens : {hello.running_tokens(), hello.held_tokens()}) {
      for (const std::string& token : tokens) {
        v1::Verdict* verdict = welcome.mutable_welcome()->add_verdicts();
        verdict->set_token(token);
        verdict->set_kind(v1::VERDICT_KIND_KEEP);
      }
    }
    Send(welcome);
    if (credit > 0) {
      v1::WorkerMessage message = Read();
      while (message.has_completed()) {
        again_.push_back(message.completed());
        message = Read();
      }
      EXPECT_EQ(message.credit().count(), credit) << message.DebugString();
    }
    return hello;
  }

  void SendTask(const std::string& token, const std::string& type,
                const std::string& input) {
    v1::ServerMessage message;
    v1::Task* task = message.mutable_task();
    task->set_token(token);
    task->set_activity_type(type);
    task->mutable_input()->set_json_text(input);
    Send(message);
    EXPECT_EQ(Read().task_accepted().token(), token);
  }

  void SendRecorded(const std::string& token) {
    v1::ServerMessage message;
    message.mutable_recorded()->set_token(token);
    Send(message);
  }

  // Ends the stream from the server's side.
  void End() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  void Break() {
    const std::scoped_lock lock(mutex_);
    if (ended_) return;  // the context is gone
    context_->TryCancel();
    ended_ = true;
    changed_.notify_all();
  }
  void WaitUntilEnded() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_; });
  }

  int beats() const { return beats_; }
  // Results that came between Welcome and the credit.
  const std::vector<v1::Completed>& again() const { return again_; }

 private:
  ServerStream* stream_;
  grpc::ServerContext* context_;
  std::deque<v1::WorkerMessage> messages_;
  std::vector<v1::Completed> again_;
  int beats_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
};

// An ActivityService whose streams the test drives.
class TestServer : public v1::ActivityService::Service {
 public:
  explicit TestServer(int port = 0) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port),
                             grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~TestServer() override { Kill(); }

  // Breaks all streams.
  void Kill() {
    if (server_ == nullptr) return;
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& connection : all_) connection->Break();
      killed_ = true;
    }
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  grpc::Status Connect(grpc::ServerContext* context,
                       ServerStream* stream) override {
    auto connection = std::make_shared<Connection>(stream, context);
    {
      const std::scoped_lock lock(mutex_);
      if (killed_) return grpc::Status::CANCELLED;
      all_.push_back(connection);
      new_.push_back(connection);
      changed_.notify_all();
    }
    connection->WaitUntilEnded();
    return grpc::Status::OK;
  }

  std::shared_ptr<Connection> Accept() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !new_.empty(); });
    auto connection = new_.front();
    new_.pop_front();
    return connection;
  }

  int port() const { return port_; }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Connection>> all_;
  std::deque<std::shared_ptr<Connection>> new_;
  bool killed_ = false;
};

// A worker on a thread of its own, as main() has it.
class TestWorker {
 public:
  explicit TestWorker(int port) {
    RegisterBasicActivities(registry_);
    executor_ =
        std::make_unique<Executor>(registry_, clock_, Executor::Options{});
    client_ = std::make_unique<StreamClient>(
        WorkerCore::Options{.session = "s1",
                            .label = "test",
                            .activity_types = registry_.Types(),
                            .slots = 4},
        *executor_, clock_,
        StreamClient::Options{.address = "127.0.0.1:" + std::to_string(port)});
    executor_->Start(*client_);
    thread_ = std::thread([this] { clean_ = client_->Run(); });
  }
  ~TestWorker() {
    if (thread_.joinable()) Leave(absl::ZeroDuration());
    executor_->Shutdown();
  }

  // Returns what Run() returned.
  bool Leave(absl::Duration grace) {
    client_->Leave(grace);
    thread_.join();
    return clean_;
  }
  void StartLeaving(absl::Duration grace) { client_->Leave(grace); }
  bool Join() {
    thread_.join();
    return clean_;
  }

 private:
  RealClock clock_;
  ActivityRegistry registry_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<StreamClient> client_;
  std::thread thread_;
  bool clean_ = false;
};

TEST(StreamClient, CarriesOutATask) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  const v1::Hello hello = connection->Greet(4);
  EXPECT_EQ(hello.session(), "s1");
  EXPECT_EQ(hello.activity_types_size(), 3);
  connection->SendTask("t1", "echo", R"({"a":1.50})");
  const v1::Completed completed = connection->Read().completed();
  EXPECT_EQ(completed.token(), "t1");
  EXPECT_EQ(completed.result().json_text(), R"({"a":1.50})");
  connection->SendRecorded("t1");
  EXPECT_EQ(connection->Read().credit().count(), 1);
  connection->End();
}

TEST(StreamClient, SendsHeldResultsAgainOnANewStream) {
  TestServer server;
  TestWorker worker(server.port());
  auto connection = server.Accept();
  connection->Greet(4);
  connection->SendTask("t1", "echo", "1");
  EXPECT_EQ(connection->Read().completed().token(), "t1");
  connection->Break();

  connection = server.Accept();
  const v1::Hello hello = connection->Greet(3);
  ASSERT_EQ(hello.held_tokens_size(), 1);
  EXPECT_EQ(hello.held_tokens(0), "t1");
  ASSERT_EQ(connection->again().size(), 1u);
  EXPECT_EQ(connection->again()[0].token(), "t1");
  connection->SendRecorded("t1");
  EXPECT_EQ(connection->Read().credit().count(), 1);
  connection->End();
}

TEST(StreamClient, WhatRunsOutlivesTheServer) {
  auto server = std::make_unique<TestServer>();
  const int port = server->port();
  TestWorker worker(port);
  auto connection = server->Accept();
  connection->Greet(4);
  connection->SendTask("t1", "sleep", R"({"seconds":0.5})");
  connection->SendTask("t2", "sleep", R"({"seconds":600})");
  server->Kill();
  server = std::make_unique<TestServer>(port);
  connection = server->Accept();
  const v1::Hello hello = connection->Greet(0);
  EXPECT_EQ(hello.running_tokens_size() + hello.held_tokens_size(), 2);
  bool completed = false;
  for (int i = 0; i < 2 && !completed; ++i) {
    const v1::WorkerMessage message = connection->Read();
    completed = message.completed().token() == "t1";
  }
  EXPECT_TRUE(completed);
  connection->End();
}

TEST(StreamClient, CancelEndsATask) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  connection->Greet(4);
  connection->SendTask("t1", "sleep", R"({"seconds":600})");
  v1::ServerMessage cancel;
  cancel.mutable_cancel()->set_token("t1");
  cancel.mutable_cancel()->set_reason("not needed");
  connection->Send(cancel);
  const v1::Failed failed = connection->Read().failed();
  EXPECT_EQ(failed.token(), "t1");
  EXPECT_EQ(failed.failure().type(), "cancelled");
  EXPECT_EQ(failed.failure().message(), "not needed");
  connection->SendRecorded("t1");
  connection->End();
}

TEST(StreamClient, ALargeResultComesInPieces) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  connection->Greet(4);
  const std::string text = "\"" + std::string(1'000'000, 'x') + "\"";
  connection->SendTask("t1", "echo", text);
  std::string bytes;
  while (true) {
    const v1::Fragment piece = connection->Read().fragment();
    bytes += piece.data();
    if (piece.last() || piece.data().empty()) break;
  }
  v1::WorkerMessage whole;
  ASSERT_TRUE(whole.ParseFromString(bytes));
  EXPECT_EQ(whole.completed().result().json_text(), text);
  connection->SendRecorded("t1");
  connection->End();
}

TEST(StreamClient, BeatsWhileThereIsNothingElse) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  connection->Greet(4);
  connection->SendTask("t1", "sleep", R"({"seconds":1.2})");
  EXPECT_EQ(connection->Read().completed().token(), "t1");
  EXPECT_GE(connection->beats(), 1);
  connection->SendRecorded("t1");
  connection->End();
}

TEST(StreamClient, LeavesAServerThatBreaksTheProtocol) {
  TestServer server;
  TestWorker worker(server.port());
  auto connection = server.Accept();
  connection->Greet(4);
  v1::ServerMessage welcome;
  welcome.mutable_welcome();
  connection->Send(welcome);
  EXPECT_EQ(connection->Read().kind_case(), v1::WorkerMessage::KIND_NOT_SET);
  connection->End();
  connection = server.Accept();
  connection->Greet(4);
  connection->End();
}

TEST(StreamClient, FailsTypesThatItDoesNotOffer) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  connection->Greet(4);
  connection->SendTask("t1", "unheard.of", "1");
  const v1::Failed failed = connection->Read().failed();
  EXPECT_EQ(failed.failure().type(), "unknown_activity_type");
  connection->SendRecorded("t1");
  connection->End();
}

TEST(StreamClient, LeavesWhenWhatRunsIsRecorded) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  connection->Greet(4);
  connection->SendTask("t1", "sleep", R"({"seconds":0.2})");
  worker.StartLeaving(absl::Hours(1));
  EXPECT_TRUE(connection->Read().has_leaving());
  EXPECT_EQ(connection->Read().completed().token(), "t1");
  connection->SendRecorded("t1");
  // The worker ends its side; nothing follows.
  EXPECT_EQ(connection->Read().kind_case(), v1::WorkerMessage::KIND_NOT_SET);
  connection->End();
  EXPECT_TRUE(worker.Join());
}

TEST(StreamClient, ReportsWhatItHadToStopWhenLeaving) {
  TestServer server;
  TestWorker worker(server.port());
  const auto connection = server.Accept();
  connection->Greet(4);
  connection->SendTask("t1", "sleep", R"({"seconds":600})");
  worker.StartLeaving(absl::ZeroDuration());
  EXPECT_TRUE(connection->Read().has_leaving());
  const v1::Failed failed = connection->Read().failed();
  EXPECT_EQ(failed.failure().type(), "worker_leaving");
  EXPECT_TRUE(failed.failure().retryable());
  connection->SendRecorded("t1");
  EXPECT_EQ(connection->Read().kind_case(), v1::WorkerMessage::KIND_NOT_SET);
  connection->End();
  EXPECT_TRUE(worker.Join());
}

TEST(StreamClient, LeavesAtOnceWithoutAServer) {
  TestServer server;
  const int port = server.port();
  server.Kill();
  TestWorker worker(port);
  EXPECT_TRUE(worker.Leave(absl::Hours(1)));
}

}  // namespace
}  // namespace anabranch::activity_worker
