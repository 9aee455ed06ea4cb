// Waiting for and watching runs that go from generation to generation.
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

constexpr Uid kFirst{7};
constexpr Uid kSecond{8};

class GenerationsTest : public RpcTest {
 protected:
  // One event and the status of that generation; `next` makes it the current
  // one.
  void WriteGeneration(Uid uid, int32_t generation, api::RunState state) {
    Write([&](log::BatchBuilder& batch) {
      storage::v1::ActivationRecord activation;
      auto& event = *activation.add_events();
      event.set_event_id(1);
      event.mutable_run_started()->set_generation(generation);
      batch.PutActivation(uid, activation);
      storage::v1::StatusRecord status;
      api::Run& run = *status.mutable_run();
      run.set_namespace_("default");
      run.set_run_id("r1");
      run.set_state(state);
      run.set_uid(uid.ToHex());
      run.set_generation(generation);
      run.set_history_events(1);
      if (generation > 1) status.set_previous_uid(kFirst.value);
      batch.PutStatus(uid, status);
      if (state == api::RUN_STATE_CONTINUED_AS_NEW) return;
      storage::v1::RunIndexRecord index;
      index.set_uid(uid.value);
      batch.PutRunIndex({"default", "r1"}, index);
    });
  }

  void ContinueAsNew() {
    WriteGeneration(kSecond, 2, api::RUN_STATE_RUNNING);
    WriteGeneration(kFirst, 1, api::RUN_STATE_CONTINUED_AS_NEW);
    backend_.RunChanged(kFirst, true);
    backend_.RunChanged(kSecond, false);
  }

  void Complete() {
    WriteGeneration(kSecond, 2, api::RUN_STATE_COMPLETED);
    backend_.RunChanged(kSecond, true);
  }

  using Reader = grpc::ClientReader<api::WatchRunResponse>;

  std::unique_ptr<Reader> Watch(grpc::ClientContext& context,
                                const std::string& cursor = "") {
    api::WatchRunRequest request;
    request.set_run_id("r1");
    request.set_cursor(cursor);
    return runs_->WatchRun(&context, request);
  }

  static api::WatchRunResponse Next(Reader& reader) {
    api::WatchRunResponse message;
    EXPECT_TRUE(reader.Read(&message));
    return message;
  }
};

TEST_F(GenerationsTest, AWaitGoesOnWithTheNextOne) {
  WriteGeneration(kFirst, 1, api::RUN_STATE_RUNNING);
  auto answer = std::async(std::launch::async, [this] {
    grpc::ClientContext context;
    api::AwaitRunRequest request;
    request.set_run_id("r1");
    request.mutable_timeout()->set_seconds(600);
    api::AwaitRunResponse response;
    EXPECT_TRUE(runs_->AwaitRun(&context, request, &response).ok());
    return response;
  });
  ContinueAsNew();
  Complete();
  api::AwaitRunResponse response = answer.get();
  EXPECT_TRUE(response.done());
  EXPECT_EQ(response.run().generation(), 2);
  EXPECT_EQ(response.run().state(), api::RUN_STATE_COMPLETED);
}

TEST_F(GenerationsTest, AWaitIsNotOverWithItsFirstGeneration) {
  WriteGeneration(kFirst, 1, api::RUN_STATE_RUNNING);
  ContinueAsNew();
  grpc::ClientContext context;
  api::AwaitRunRequest request;
  request.set_run_id("r1");
  request.mutable_timeout();
  api::AwaitRunResponse response;
  ASSERT_TRUE(runs_->AwaitRun(&context, request, &response).ok());
  EXPECT_FALSE(response.done());
  EXPECT_EQ(response.run().generation(), 2);
}

TEST_F(GenerationsTest, AWatchShowsThemOneAfterTheOther) {
  WriteGeneration(kFirst, 1, api::RUN_STATE_RUNNING);
  grpc::ClientContext context;
  auto reader = Watch(context);
  EXPECT_EQ(Next(*reader).event().run_started().generation(), 1);
  ContinueAsNew();
  EXPECT_EQ(Next(*reader).event().run_started().generation(), 2);
  Complete();
  api::WatchRunResponse last = Next(*reader);
  EXPECT_EQ(last.final_run().generation(), 2);
  api::WatchRunResponse none;
  EXPECT_FALSE(reader->Read(&none));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GenerationsTest, AWatchGoesOnFromAnEarlierOne) {
  WriteGeneration(kFirst, 1, api::RUN_STATE_RUNNING);
  std::string cursor;
  {
    grpc::ClientContext context;
    auto reader = Watch(context);
    cursor = Next(*reader).cursor();
    context.TryCancel();
    reader->Finish();
  }
  ContinueAsNew();
  Complete();
  grpc::ClientContext context;
  auto reader = Watch(context, cursor);
  EXPECT_EQ(Next(*reader).event().run_started().generation(), 2);
  EXPECT_TRUE(Next(*reader).has_final_run());
}

TEST_F(GenerationsTest, ARetriedRunIsWatchedOn) {
  WriteGeneration(kFirst, 1, api::RUN_STATE_FAILED);
  grpc::ClientContext first;
  auto failed = Watch(first);
  std::string cursor = Next(*failed).cursor();
  EXPECT_EQ(Next(*failed).final_run().state(), api::RUN_STATE_FAILED);
  WriteGeneration(kSecond, 2, api::RUN_STATE_COMPLETED);
  grpc::ClientContext second;
  auto reader = Watch(second, cursor);
  EXPECT_EQ(Next(*reader).event().run_started().generation(), 2);
  EXPECT_EQ(Next(*reader).final_run().state(), api::RUN_STATE_COMPLETED);
}

TEST_F(GenerationsTest, CursorsOfUnknownGenerationsAreRefused) {
  WriteGeneration(kFirst, 1, api::RUN_STATE_RUNNING);
  grpc::ClientContext context;
  auto reader = Watch(context, "5.1");
  api::WatchRunResponse none;
  EXPECT_FALSE(reader->Read(&none));
  EXPECT_EQ(Reason(reader->Finish()), "INVALID_CURSOR");
}

}  // namespace
}  // namespace anabranch::rpc
