// StartBatch, GetBatch, ListBatches, CancelBatch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BatchServiceTest : public RpcTest {
 protected:
  static api::StartBatchRequest CancelFailed() {
    api::StartBatchRequest request;
    request.set_action(api::BATCH_ACTION_CANCEL);
    request.set_filter("state = RUNNING");
    return request;
  }

  grpc::Status Start(const api::StartBatchRequest& request,
                     api::StartBatchResponse* response = nullptr) {
    grpc::ClientContext context;
    api::StartBatchResponse ignored;
    return runs_->StartBatch(&context, request,
                             response != nullptr ? response : &ignored);
  }

  std::string Problem(const api::StartBatchRequest& request) {
    grpc::Status status = Start(request);
    return Reason(status) + " " + status.error_message();
  }

  void WriteBatch(const std::string& id, int64_t second) {
    Write([&](log::BatchBuilder& batch) {
      storage::v1::BatchRecord record;
      record.set_namespace_("default");
      record.set_batch_id(id);
      record.set_action(api::BATCH_ACTION_SIGNAL);
      record.set_filter("*");
      record.set_signal("go");
      record.mutable_input()->set_json_text("1");
      record.set_succeeded(3);
      record.add_failures("r1: it is closed");
      batch.PutBatch(record);
      batch.PutBatchListing("default", absl::FromUnixSeconds(second), id);
    });
  }
};

TEST_F(BatchServiceTest, StartsReachTheShard) {
  api::StartBatchRequest request = CancelFailed();
  request.set_batch_id("b1");
  request.set_reason("too expensive");
  auto answer = std::async(std::launch::async, [&] {
    api::StartBatchResponse response;
    EXPECT_TRUE(Start(request, &response).ok());
    return response;
  });
  auto start = shard_.Take<shard::StartBatch>();
  EXPECT_EQ(start.record.namespace_(), "default");
  EXPECT_EQ(start.record.batch_id(), "b1");
  EXPECT_EQ(start.record.action(), api::BATCH_ACTION_CANCEL);
  EXPECT_EQ(start.record.filter(), "state = RUNNING");
  EXPECT_EQ(start.record.reason(), "too expensive");
  start.record.set_looked_at(5);
  start.reply(start.record);
  EXPECT_EQ(answer.get().batch().looked_at(), 5);
}

TEST_F(BatchServiceTest, RefusesBadStarts) {
  api::StartBatchRequest request = CancelFailed();
  request.clear_filter();
  EXPECT_THAT(Problem(request),
              HasSubstr("INVALID_FILTER filter: column 1: the filter is "
                        "empty; '*' matches every run"));
  request.set_filter("state = DONE");
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FILTER filter: column 9"));
  request = CancelFailed();
  request.clear_action();
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FIELD action: is required"));
  request.set_action(static_cast<api::BatchAction>(42));
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FIELD action"));
  request = CancelFailed();
  request.set_signal("go");
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FIELD signal: only a"));
  request.clear_signal();
  request.mutable_input()->set_json_text("1");
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FIELD input: only a"));
  request.set_action(api::BATCH_ACTION_SIGNAL);
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FIELD signal: is required"));
  request.set_signal("go");
  request.mutable_input()->set_json_text("{");
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_JSON input"));
  request = CancelFailed();
  request.set_batch_id("no id");
  EXPECT_THAT(Problem(request), HasSubstr("INVALID_FIELD batch_id"));
}

TEST_F(BatchServiceTest, ValidatesOnly) {
  api::StartBatchRequest request = CancelFailed();
  request.set_validate_only(true);
  api::StartBatchResponse response;
  EXPECT_TRUE(Start(request, &response).ok());
  EXPECT_EQ(response.batch().filter(), "state = RUNNING");
  EXPECT_FALSE(response.batch().has_create_time());
}

TEST_F(BatchServiceTest, ShowsABatch) {
  WriteBatch("b1", 1000);
  api::GetBatchRequest request;
  request.set_batch_id("b1");
  api::GetBatchResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(runs_->GetBatch(&context, request, &response).ok());
  EXPECT_EQ(response.batch().succeeded(), 3);
  EXPECT_THAT(response.batch().failures(), ElementsAre("r1: it is closed"));
  EXPECT_EQ(response.batch().input().json().number_value(), 1);
  request.set_batch_id("nope");
  grpc::ClientContext other;
  EXPECT_EQ(Reason(runs_->GetBatch(&other, request, &response)),
            "BATCH_NOT_FOUND");
}

TEST_F(BatchServiceTest, ListsBatchesInPages) {
  for (int i = 1; i <= 5; ++i) WriteBatch("b" + std::to_string(i), 1000 + i);
  api::ListBatchesRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  int pages = 0;
  do {
    grpc::ClientContext context;
    api::ListBatchesResponse response;
    ASSERT_TRUE(runs_->ListBatches(&context, request, &response).ok());
    for (const auto& batch : response.batches())
      ids.push_back(batch.batch_id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, ElementsAre("b5", "b4", "b3", "b2", "b1"));
  EXPECT_EQ(pages, 3);
}

TEST_F(BatchServiceTest, CancelsReachTheShard) {
  auto answer = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    api::CancelBatchRequest request;
    request.set_batch_id("b1");
    api::CancelBatchResponse response;
    EXPECT_TRUE(runs_->CancelBatch(&context, request, &response).ok());
    return response;
  });
  auto cancel = shard_.Take<shard::CancelBatch>();
  EXPECT_EQ(cancel.batch_id, "b1");
  storage::v1::BatchRecord record;
  record.set_cancelled(true);
  cancel.reply(record);
  EXPECT_TRUE(answer.get().batch().cancelled());
}

}  // namespace
}  // namespace anabranch::rpc
