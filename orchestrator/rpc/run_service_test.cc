#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/limits.h"
#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

using ::testing::HasSubstr;

constexpr Uid kUid{7};

class RunServiceTest : public RpcTest {
 protected:
  grpc::Status Start(const api::StartRunRequest& request,
                     api::StartRunResponse* response = nullptr) {
    grpc::ClientContext context;
    api::StartRunResponse ignored;
    return runs_->StartRun(&context, request,
                           response != nullptr ? response : &ignored);
  }

  static api::StartRunRequest Echo(const std::string& run_id) {
    api::StartRunRequest request;
    request.set_flow("echo");
    request.set_run_id(run_id);
    return request;
  }

  grpc::Status Get(const std::string& run_id, api::GetRunResponse* response) {
    grpc::ClientContext context;
    api::GetRunRequest request;
    request.set_run_id(run_id);
    return runs_->GetRun(&context, request, response);
  }
};

TEST_F(RunServiceTest, StartsARun) {
  api::StartRunRequest request = Echo("r1");
  (*request.mutable_input()
        ->mutable_json()
        ->mutable_struct_value()
        ->mutable_fields())["n"]
      .set_number_value(1000000);
  auto answer = std::async(std::launch::async, [&] {
    api::StartRunResponse response;
    EXPECT_TRUE(Start(request, &response).ok());
    return response;
  });
  auto start = shard_.Take<shard::StartRun>();
  EXPECT_EQ(start.name.ns, "default");
  EXPECT_EQ(start.input.json_text(), R"({"n":1000000})");
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  start.reply(shard::StartedRun{start.name, kUid, true});
  api::StartRunResponse response = answer.get();
  EXPECT_TRUE(response.created());
  EXPECT_FALSE(response.done());
  EXPECT_EQ(response.run().run_id(), "r1");
  EXPECT_TRUE(response.run().input().has_json());
}

TEST_F(RunServiceTest, StartWaitsForTheEnd) {
  api::StartRunRequest request = Echo("r1");
  request.mutable_wait()->set_seconds(60);
  auto answer = std::async(std::launch::async, [&] {
    api::StartRunResponse response;
    EXPECT_TRUE(Start(request, &response).ok());
    return response;
  });
  auto start = shard_.Take<shard::StartRun>();
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  start.reply(shard::StartedRun{start.name, kUid, true});
  WriteRun("r1", kUid, api::RUN_STATE_COMPLETED);
  backend_.RunChanged(kUid, true);
  api::StartRunResponse response = answer.get();
  EXPECT_TRUE(response.done());
  EXPECT_EQ(response.run().result().json().string_value(), "hi");
}

TEST_F(RunServiceTest, RefusesBadStarts) {
  api::StartRunRequest request = Echo("r1");
  request.set_flow("nope");
  grpc::Status status = Start(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Reason(status), "FLOW_NOT_FOUND");
  EXPECT_THAT(status.error_message(), HasSubstr("echo"));

  EXPECT_EQ(Reason(Start(api::StartRunRequest())), "INVALID_FIELD");
  EXPECT_EQ(Reason(Start(Echo("not an id"))), "INVALID_FIELD");

  request = Echo("r1");
  request.mutable_input()->set_json_text("{\"a\":");
  status = Start(request);
  EXPECT_EQ(Reason(status), "INVALID_JSON");
  EXPECT_THAT(status.error_message(), HasSubstr("byte 5"));

  request.mutable_input()->set_json_text("");
  EXPECT_EQ(Reason(Start(request)), "INVALID_JSON");
  request.mutable_input()->set_text("words");
  EXPECT_EQ(Reason(Start(request)), "INVALID_FIELD");
  request.mutable_input()->set_json_text(R"({"bad":1})");
  status = Start(request);
  EXPECT_EQ(Reason(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("branches[1].name"));
  request.mutable_input()->set_json_text(R"({"conversation":1})");
  EXPECT_EQ(Reason(Start(request)), "CONVERSATION_NOT_FOUND");
  request.mutable_input()->mutable_ref()->set_sha256(std::string(64, 'a'));
  EXPECT_EQ(Reason(Start(request)), "PAYLOAD_NOT_FOUND");
  request.mutable_input()->mutable_ref()->set_sha256("x");
  EXPECT_EQ(Reason(Start(request)), "INVALID_FIELD");
  request = Echo("r1");
  request.mutable_wait()->set_seconds(-1);
  EXPECT_EQ(Reason(Start(request)), "INVALID_FIELD");
  request = Echo("r1");
  request.set_request_id(std::string(200, 'x'));
  EXPECT_EQ(Reason(Start(request)), "INVALID_FIELD");
}

TEST_F(RunServiceTest, NamesTheLimitOfPayloads) {
  api::StartRunRequest request = Echo("r1");
  request.mutable_input()->set_json_text(
      std::string(limits::kPayloadBytesMax + 1, ' '));
  grpc::Status status = Start(request);
  EXPECT_EQ(Reason(status), "PAYLOAD_TOO_LARGE");
  EXPECT_THAT(status.error_message(), HasSubstr("33554432"));
  request.mutable_input()->set_json_text(
      std::string(limits::kRequestBytesMax + 1, ' '));
  EXPECT_EQ(Start(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(RunServiceTest, ValidatesOnly) {
  api::StartRunRequest request = Echo("r1");
  request.set_validate_only(true);
  api::StartRunResponse response;
  EXPECT_TRUE(Start(request, &response).ok());
  EXPECT_FALSE(response.created());
  EXPECT_EQ(response.run().flow(), "echo");
}

TEST_F(RunServiceTest, UnknownRunsAreNotFound) {
  api::GetRunResponse response;
  grpc::Status status = Get("nope", &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Reason(status), "RUN_NOT_FOUND");
}

TEST_F(RunServiceTest, GetRunSaysWhatItWaitsFor) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  Write([](log::BatchBuilder& batch) {
    storage::v1::ActivityRecord record;
    record.set_uid(kUid.value);
    record.mutable_info()->set_seq(1);
    record.mutable_info()->set_activity_type("claude.messages");
    record.mutable_info()->set_state(api::ACTIVITY_STATE_READY);
    record.mutable_scheduled()->set_seq(1);
    batch.PutActivity(record);
  });
  api::GetRunResponse response;
  ASSERT_TRUE(Get("r1", &response).ok());
  ASSERT_EQ(response.run().waiting_activities_size(), 1);
  EXPECT_TRUE(response.run().waiting_activities(0).no_worker());
  EXPECT_THAT(response.run().waiting_for(), HasSubstr("no connected worker"));
}

TEST_F(RunServiceTest, ListsRunsInPages) {
  for (uint64_t i = 1; i <= 5; ++i) {
    WriteRun("r" + std::to_string(i), Uid{i}, api::RUN_STATE_RUNNING);
  }
  api::ListRunsRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  std::string first_token;
  do {
    grpc::ClientContext context;
    api::ListRunsResponse response;
    ASSERT_TRUE(runs_->ListRuns(&context, request, &response).ok());
    EXPECT_LE(response.runs_size(), 2);
    for (const auto& run : response.runs()) ids.push_back(run.run_id());
    request.set_page_token(response.next_page_token());
    if (first_token.empty()) first_token = response.next_page_token();
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ::testing::ElementsAre("r5", "r4", "r3", "r2", "r1"));

  auto reason = [&](const api::ListRunsRequest& bad) {
    grpc::ClientContext context;
    api::ListRunsResponse response;
    return Reason(runs_->ListRuns(&context, bad, &response));
  };
  request.set_page_token("nonsense");
  EXPECT_EQ(reason(request), "INVALID_PAGE_TOKEN");
  request.set_page_token(first_token);
  request.set_namespace_("other");
  EXPECT_EQ(reason(request), "INVALID_PAGE_TOKEN");
  request.clear_page_token();
  request.set_page_size(-1);
  EXPECT_EQ(reason(request), "INVALID_FIELD");
  request.set_page_size(0);
  request.set_page_token(first_token);
  request.set_filter("state = RUNNING");
  EXPECT_EQ(reason(request), "INVALID_PAGE_TOKEN");
  request.clear_page_token();
  request.set_filter("state = DONE");
  EXPECT_EQ(reason(request), "INVALID_FILTER");
}

TEST_F(RunServiceTest, ListsTheRunsThatAFilterMeans) {
  for (uint64_t i = 1; i <= 500; ++i) {
    WriteRun("r" + std::to_string(i), Uid{i},
             i % 100 == 0 ? api::RUN_STATE_FAILED : api::RUN_STATE_RUNNING);
  }
  api::ListRunsRequest request;
  request.set_page_size(2);
  request.set_filter("state = FAILED AND run_id != r300");
  std::vector<std::string> ids;
  int pages = 0;
  do {
    grpc::ClientContext context;
    api::ListRunsResponse response;
    ASSERT_TRUE(runs_->ListRuns(&context, request, &response).ok());
    for (const auto& run : response.runs()) ids.push_back(run.run_id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ::testing::ElementsAre("r500", "r400", "r200", "r100"));
  EXPECT_LE(pages, 3);
}

TEST_F(RunServiceTest, APageOfAFilterThatMatchesNothingEnds) {
  Write([](log::BatchBuilder& batch) {
    for (uint64_t i = 1; i <= 6000; ++i) {
      storage::v1::StatusRecord status;
      status.mutable_run()->set_state(api::RUN_STATE_RUNNING);
      batch.PutStatus(Uid{i}, status);
      batch.PutListing("default", absl::FromUnixSeconds(1000), Uid{i});
    }
  });
  api::ListRunsRequest request;
  request.set_filter("state = FAILED");
  api::ListRunsResponse response;
  grpc::ClientContext first;
  ASSERT_TRUE(runs_->ListRuns(&first, request, &response).ok());
  EXPECT_EQ(response.runs_size(), 0);
  ASSERT_NE(response.next_page_token(), "");
  request.set_page_token(response.next_page_token());
  grpc::ClientContext second;
  ASSERT_TRUE(runs_->ListRuns(&second, request, &response).ok());
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(RunServiceTest, HistoryPagesStayBelowTheLimit) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  WriteMarkers("r1", kUid, 1000, 4000);
  api::GetHistoryRequest request;
  request.set_run_id("r1");
  request.set_page_size(1000);
  int64_t next = 1;
  int pages = 0;
  do {
    grpc::ClientContext context;
    api::GetHistoryResponse response;
    ASSERT_TRUE(runs_->GetHistory(&context, request, &response).ok());
    EXPECT_LE(static_cast<int64_t>(response.ByteSizeLong()),
              limits::kAnswerBytesMax);
    for (const auto& event : response.events()) {
      EXPECT_EQ(event.event_id(), next++);
    }
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(next, 1002);
  EXPECT_EQ(pages, 2);
}

TEST_F(RunServiceTest, HistoryEndsWithOpenActivities) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  for (int64_t seq = 1; seq <= 3; ++seq) {
    Write([&](log::BatchBuilder& batch) {
      storage::v1::ActivityRecord record;
      record.set_uid(kUid.value);
      record.mutable_info()->set_seq(seq);
      record.mutable_scheduled()->set_seq(seq);
      batch.PutActivity(record);
    });
  }
  grpc::ClientContext context;
  api::GetHistoryRequest request;
  request.set_run_id("r1");
  api::GetHistoryResponse response;
  ASSERT_TRUE(runs_->GetHistory(&context, request, &response).ok());
  EXPECT_EQ(response.events_size(), 1);
  EXPECT_EQ(response.open_activities_size(), 3);
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(RunServiceTest, AwaitAnswersWhenTheTimeIsUp) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  grpc::ClientContext context;
  api::AwaitRunRequest request;
  request.set_run_id("r1");
  request.mutable_timeout();
  api::AwaitRunResponse response;
  ASSERT_TRUE(runs_->AwaitRun(&context, request, &response).ok());
  EXPECT_FALSE(response.done());
  EXPECT_EQ(response.run().run_id(), "r1");
}

TEST_F(RunServiceTest, AwaitEndsBeforeTheCallersDeadline) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(1500));
  api::AwaitRunRequest request;
  request.set_run_id("r1");
  api::AwaitRunResponse response;
  grpc::Status status = runs_->AwaitRun(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_FALSE(response.done());
}

TEST_F(RunServiceTest, AwaitOfADrainingServerIsUnavailable) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  backend_.notifier.Stop();
  grpc::ClientContext context;
  api::AwaitRunRequest request;
  request.set_run_id("r1");
  api::AwaitRunResponse response;
  grpc::Status status = runs_->AwaitRun(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(status), "DRAINING");
}

TEST_F(RunServiceTest, SignalsReachTheShard) {
  auto answer = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    api::SignalRunRequest request;
    request.set_run_id("r1");
    request.set_signal("go");
    api::SignalRunResponse response;
    return runs_->SignalRun(&context, request, &response);
  });
  auto signal = shard_.Take<shard::SignalRun>();
  EXPECT_EQ(signal.input.json_text(), "null");
  signal.reply(RunNotFound(signal.name));
  EXPECT_EQ(Reason(answer.get()), "RUN_NOT_FOUND");
}

TEST_F(RunServiceTest, ReadsPayloadsInPieces) {
  api::PayloadRef ref;
  ref.set_sha256(std::string(64, 'b'));
  ref.set_encoding(api::PAYLOAD_ENCODING_TEXT);
  std::string content(200'000, 'c');
  Write([&](log::BatchBuilder& batch) { batch.PutPayload(ref, content); });
  grpc::ClientContext context;
  api::ReadPayloadRequest request;
  request.set_sha256(ref.sha256());
  auto reader = runs_->ReadPayload(&context, request);
  std::string read;
  api::ReadPayloadResponse piece;
  while (reader->Read(&piece)) {
    EXPECT_LE(piece.data().size(), 64 * 1024);
    read += piece.data();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(read, content);

  grpc::ClientContext other;
  request.set_sha256(std::string(64, 'd'));
  auto none = runs_->ReadPayload(&other, request);
  EXPECT_FALSE(none->Read(&piece));
  EXPECT_EQ(Reason(none->Finish()), "PAYLOAD_NOT_FOUND");
}

TEST_F(RunServiceTest, LargeResultsStayReferences) {
  WriteRun("r1", kUid, api::RUN_STATE_COMPLETED);
  Write([&](log::BatchBuilder& batch) {
    auto put = [&](char digit, size_t size, api::Payload& value) {
      auto& ref = *value.mutable_ref();
      ref.set_sha256(std::string(64, digit));
      ref.set_size_bytes(static_cast<int64_t>(size));
      ref.set_encoding(api::PAYLOAD_ENCODING_TEXT);
      batch.PutPayload(ref, std::string(size, 'x'));
    };
    auto status = backend_.reader.ReadStatus(kUid).value().value();
    put('1', 100'000, *status.mutable_run()->mutable_input());
    put('2', 2'000'000, *status.mutable_run()->mutable_result());
    batch.PutStatus(kUid, status);
  });
  api::GetRunResponse response;
  ASSERT_TRUE(Get("r1", &response).ok());
  EXPECT_EQ(response.run().input().text().size(), 100'000);
  EXPECT_TRUE(response.run().result().has_ref());
}

TEST_F(RunServiceTest, FlowsAreDescribed) {
  grpc::ClientContext context;
  api::ListFlowsResponse list;
  ASSERT_TRUE(flow_stub_->ListFlows(&context, {}, &list).ok());
  EXPECT_EQ(list.flows_size(), 1);
  EXPECT_EQ(list.build_id(), "build-1");
  grpc::ClientContext second;
  api::GetFlowRequest request;
  request.set_flow("echo");
  api::GetFlowResponse response;
  ASSERT_TRUE(flow_stub_->GetFlow(&second, request, &response).ok());
  EXPECT_EQ(response.flow()
                .example()
                .struct_value()
                .fields()
                .at("say")
                .string_value(),
            "hi");
  grpc::ClientContext third;
  request.set_flow("nope");
  EXPECT_EQ(Reason(flow_stub_->GetFlow(&third, request, &response)),
            "FLOW_NOT_FOUND");
}

}  // namespace
}  // namespace anabranch::rpc
