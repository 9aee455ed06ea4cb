#include "activity_worker/stream_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "activity_worker/activities/basic_activities.h"
#include "activity_worker/executor/activity_registry.h"
#include "activity_worker/executor/executor.h"
#include "activity_worker/testing/test_server.h"
#include "base/clock.h"

namespace anabranch::activity_worker {
namespace {

using testing::TestServer;

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
