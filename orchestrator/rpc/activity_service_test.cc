#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "orchestrator/rpc/fragment_assembler.h"
#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

class ActivityServiceTest : public RpcTest {
 protected:
  using Stream =
      grpc::ClientReaderWriter<api::ConnectRequest, api::ConnectResponse>;

  static api::ConnectRequest Hello() {
    api::ConnectRequest frame;
    auto& hello = *frame.add_messages()->mutable_hello();
    hello.set_session("session-1");
    hello.set_label("test");
    hello.add_activity_types("echo");
    hello.set_slots(4);
    hello.set_protocol_version(1);
    return frame;
  }

  static std::string Token() {
    return TaskToken{Epoch{1, 2}, ActivityId{Uid{3}, 4}, 1}.ToString();
  }

  // The frames' messages until one of them is not a piece of a larger one.
  static api::ServerMessage Next(Stream& stream) {
    FragmentAssembler assembler;
    while (true) {
      api::ConnectResponse frame;
      if (!stream.Read(&frame)) {
        ADD_FAILURE() << "the stream has ended";
        return {};
      }
      EXPECT_EQ(frame.messages_size(), 1);
      if (!frame.messages(0).has_fragment()) return frame.messages(0);
      auto whole = assembler.Take(frame.messages(0).fragment());
      EXPECT_TRUE(whole.ok());
      if (!whole->has_value()) continue;
      api::ServerMessage message;
      EXPECT_TRUE(message.ParseFromString(**whole));
      return message;
    }
  }

  static std::vector<api::ServerMessage> One(api::ServerMessage message) {
    return {std::move(message)};
  }
};

TEST_F(ActivityServiceTest, ConnectsAndTalks) {
  grpc::ClientContext context;
  auto stream = activities_->Connect(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  auto connected = shard_.Take<shard::WorkerConnected>();
  EXPECT_EQ(connected.hello.session(), "session-1");
  api::ServerMessage welcome;
  welcome.mutable_welcome()->set_epoch("e1");
  backend_.SendToWorker(connected.stream, One(welcome));
  EXPECT_EQ(Next(*stream).welcome().epoch(), "e1");

  api::ConnectRequest frame;
  frame.add_messages()->mutable_credit()->set_count(4);
  auto& progress = *frame.add_messages()->mutable_progress();
  progress.set_token(Token());
  progress.set_text("hi");
  ASSERT_TRUE(stream->Write(frame));
  auto taken = shard_.Take<shard::WorkerFrame>();
  while (taken.messages.empty()) taken = shard_.Take<shard::WorkerFrame>();
  ASSERT_EQ(taken.messages.size(), 1);
  EXPECT_EQ(taken.messages[0].credit().count(), 4);
  EXPECT_EQ(taken.stream, connected.stream);
  EXPECT_EQ(backend_.progress.Read(Uid{3}, {}, 100).at(0).text(), "hi");

  stream->WritesDone();
  EXPECT_EQ(shard_.Take<shard::WorkerDisconnected>().stream, connected.stream);
  api::ConnectResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ActivityServiceTest, NonsenseEndsTheStreamAlone) {
  grpc::ClientContext good_context;
  auto good = activities_->Connect(&good_context);
  ASSERT_TRUE(good->Write(Hello()));
  auto connected = shard_.Take<shard::WorkerConnected>();

  grpc::ClientContext bad_context;
  auto bad = activities_->Connect(&bad_context);
  api::ConnectRequest hello = Hello();
  hello.mutable_messages(0)->mutable_hello()->set_session("session-2");
  ASSERT_TRUE(bad->Write(hello));
  auto other = shard_.Take<shard::WorkerConnected>();
  api::ConnectRequest nonsense;
  nonsense.add_messages();
  bad->Write(nonsense);
  api::ConnectResponse none;
  EXPECT_FALSE(bad->Read(&none));
  grpc::Status status = bad->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Reason(status), "UNKNOWN_MESSAGE");
  EXPECT_EQ(shard_.Take<shard::WorkerDisconnected>().stream, other.stream);

  api::ServerMessage drain;
  drain.mutable_drain()->set_reason("r");
  backend_.SendToWorker(connected.stream, One(drain));
  EXPECT_TRUE(Next(*good).has_drain());
  good_context.TryCancel();
}

TEST_F(ActivityServiceTest, WhoDoesNotGreetIsSentAway) {
  grpc::ClientContext context;
  auto stream = activities_->Connect(&context);
  api::ConnectRequest frame;
  frame.add_messages()->mutable_beat();
  stream->Write(frame);
  api::ConnectResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_EQ(Reason(stream->Finish()), "HELLO_EXPECTED");
}

TEST_F(ActivityServiceTest, TheShardClosesAStreamAfterItsLastWords) {
  grpc::ClientContext context;
  auto stream = activities_->Connect(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  auto connected = shard_.Take<shard::WorkerConnected>();
  api::ServerMessage drain;
  drain.mutable_drain()->set_reason("bye");
  backend_.SendToWorker(connected.stream, One(drain));
  backend_.CloseStream(connected.stream, Draining());
  EXPECT_EQ(Next(*stream).drain().reason(), "bye");
  api::ConnectResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_EQ(Reason(stream->Finish()), "DRAINING");
  // Nobody is there any more: dropped.
  backend_.SendToWorker(connected.stream, One(drain));
}

TEST_F(ActivityServiceTest, TasksCarryTheirContent) {
  api::PayloadRef ref;
  ref.set_sha256(std::string(64, 'b'));
  ref.set_size_bytes(200'000);
  ref.set_encoding(api::PAYLOAD_ENCODING_JSON);
  std::string content = "\"" + std::string(200'000 - 2, 'c') + "\"";
  Write([&](log::BatchBuilder& batch) { batch.PutPayload(ref, content); });
  grpc::ClientContext context;
  auto stream = activities_->Connect(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  auto connected = shard_.Take<shard::WorkerConnected>();
  api::ServerMessage task;
  task.mutable_task()->set_token(Token());
  *task.mutable_task()->mutable_input()->mutable_ref() = ref;
  *(*task.mutable_task()->mutable_attachments())["conversation"].mutable_ref() =
      ref;
  backend_.SendToWorker(connected.stream, One(task));
  api::ServerMessage received = Next(*stream);
  EXPECT_EQ(received.task().input().json_text(), content);
  EXPECT_EQ(received.task().attachments().at("conversation").json_text(),
            content);
  context.TryCancel();
}

TEST_F(ActivityServiceTest, LargeResultsArriveWhole) {
  grpc::ClientContext context;
  auto stream = activities_->Connect(&context);
  ASSERT_TRUE(stream->Write(Hello()));
  shard_.Take<shard::WorkerConnected>();
  api::WorkerMessage completed;
  completed.mutable_completed()->set_token(Token());
  completed.mutable_completed()->mutable_result()->set_text(
      std::string(5'000'000, 'y'));
  std::string bytes = completed.SerializeAsString();
  for (size_t at = 0; at < bytes.size(); at += limits::kFragmentBytesMax) {
    api::ConnectRequest frame;
    auto& piece = *frame.add_messages()->mutable_fragment();
    piece.set_transfer_id(1);
    piece.set_data(bytes.substr(at, limits::kFragmentBytesMax));
    piece.set_last(at + limits::kFragmentBytesMax >= bytes.size());
    ASSERT_TRUE(stream->Write(frame));
  }
  auto taken = shard_.Take<shard::WorkerFrame>();
  while (taken.messages.empty()) taken = shard_.Take<shard::WorkerFrame>();
  EXPECT_EQ(taken.messages[0].completed().result().text().size(), 5'000'000);
  context.TryCancel();
}

TEST_F(ActivityServiceTest, SetsLimitsOfAQueueAndListsThem) {
  api::UpdateTaskQueueRequest request;
  request.set_name("gpu");
  request.mutable_settings()->set_tasks_per_second(2.5);
  (*request.mutable_settings()->mutable_key_limits())["tenant 7"] = 3;
  std::thread shard([this] {
    auto input = shard_.Take<shard::SetTaskQueue>();
    EXPECT_EQ(input.record.tasks_per_second(), 2.5);
    EXPECT_EQ(input.record.key_limits().at("tenant 7"), 3);
    api::TaskQueue queue;
    queue.set_name(input.record.name());
    queue.mutable_settings()->set_tasks_per_second(2.5);
    backend_.TaskQueuesChanged({queue});
    input.reply(absl::OkStatus());
  });
  grpc::ClientContext context;
  api::UpdateTaskQueueResponse response;
  EXPECT_TRUE(activities_->UpdateTaskQueue(&context, request, &response).ok());
  shard.join();
  EXPECT_EQ(response.task_queue().settings().tasks_per_second(), 2.5);
  grpc::ClientContext again;
  api::ListTaskQueuesResponse list;
  ASSERT_TRUE(activities_->ListTaskQueues(&again, {}, &list).ok());
  ASSERT_EQ(list.task_queues_size(), 1);
  EXPECT_EQ(list.task_queues(0).name(), "gpu");
}

TEST_F(ActivityServiceTest, NamesEveryLimitThatIsWrong) {
  api::UpdateTaskQueueRequest request;
  request.set_name("gpu");
  request.mutable_settings()->set_tasks_per_second(-1);
  request.mutable_settings()->set_burst(-1);
  (*request.mutable_settings()->mutable_key_limits())[""] = 1;
  grpc::ClientContext context;
  api::UpdateTaskQueueResponse response;
  grpc::Status status =
      activities_->UpdateTaskQueue(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(
      status.error_message(),
      ::testing::AllOf(::testing::HasSubstr("settings.tasks_per_second"),
                       ::testing::HasSubstr("settings.burst"),
                       ::testing::HasSubstr("settings.key_limits")));
}

TEST_F(ActivityServiceTest, ListsWorkersByLabel) {
  api::Worker b;
  b.set_label("b");
  api::Worker a;
  a.set_label("a");
  backend_.WorkersChanged({b, a});
  grpc::ClientContext context;
  api::ListWorkersResponse response;
  ASSERT_TRUE(activities_->ListWorkers(&context, {}, &response).ok());
  ASSERT_EQ(response.workers_size(), 2);
  EXPECT_EQ(response.workers(0).label(), "a");
}

}  // namespace
}  // namespace anabranch::rpc
