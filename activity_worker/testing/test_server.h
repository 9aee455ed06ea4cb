// An orchestrator's ActivityService whose streams a test drives by hand.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "anabranch/v1/activity_service.grpc.pb.h"

namespace anabranch::activity_worker::testing {

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

}  // namespace anabranch::activity_worker::testing
