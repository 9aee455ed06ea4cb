#include "orchestrator/rpc/payload_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "anabranch/v1/history.pb.h"
#include "base/error_details.h"
#include "orchestrator/log/memory_event_log.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

class PayloadDoorTest : public ::testing::Test {
 protected:
  PayloadDoorTest() : reader_(log_), door_(reader_) {}

  api::Payload Stored(const std::string& content, api::PayloadEncoding encoding,
                      char digit = 'a') {
    api::Payload payload;
    api::PayloadRef& ref = *payload.mutable_ref();
    ref.set_sha256(std::string(64, digit));
    ref.set_size_bytes(static_cast<int64_t>(content.size()));
    ref.set_encoding(encoding);
    log::BatchBuilder batch;
    batch.PutPayload(ref, content);
    log::AppendRequest request;
    request.lease_epoch = log_.epoch().counter;
    request.expected_position = position_++;
    request.batch = batch.Take();
    log_.Append(std::move(request), [](log::AppendResult result) {
      EXPECT_EQ(result, log::AppendResult::kDurable);
    });
    return payload;
  }

  log::MemoryEventLog log_;
  log::StoreReader reader_;
  PayloadDoor door_;

 private:
  int64_t position_ = 0;
};

TEST_F(PayloadDoorTest, JsonBecomesText) {
  api::Payload payload;
  payload.mutable_json()->set_number_value(3);
  auto accepted = door_.Accept(payload, "input", "{}");
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(accepted->json_text(), "3");
}

TEST_F(PayloadDoorTest, JsonTextIsKeptByteForByte) {
  api::Payload payload;
  payload.set_json_text("{ \"b\": 1.0, \"a\": 1e2 }");
  auto accepted = door_.Accept(payload, "input", "{}");
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(accepted->json_text(), "{ \"b\": 1.0, \"a\": 1e2 }");
}

TEST_F(PayloadDoorTest, NothingBecomesTheDefault) {
  EXPECT_EQ(door_.Accept({}, "input", "{}")->json_text(), "{}");
}

TEST_F(PayloadDoorTest, TheFieldIsNamed) {
  api::Payload payload;
  payload.set_json_text("nope");
  absl::Status status = door_.Accept(payload, "input", "{}").status();
  EXPECT_EQ(ErrorReason(status), "INVALID_JSON");
  EXPECT_TRUE(absl::StartsWith(status.message(), "input: ")) << status;
}

TEST_F(PayloadDoorTest, WhatTheCallerSaysOfAReferenceIsNotBelieved) {
  api::Payload payload = Stored("\"x\"", api::PAYLOAD_ENCODING_JSON);
  payload.mutable_ref()->set_size_bytes(1'000'000);
  payload.mutable_ref()->set_encoding(api::PAYLOAD_ENCODING_DATA);
  auto accepted = door_.Accept(payload, "input", "{}");
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(accepted->ref().size_bytes(), 3);
  EXPECT_EQ(accepted->ref().encoding(), api::PAYLOAD_ENCODING_JSON);
  EXPECT_EQ(*door_.JsonOf(*accepted, "input"), "\"x\"");
}

TEST_F(PayloadDoorTest, InlinesWhatIsSmallEnough) {
  api::Payload payload = Stored("hello", api::PAYLOAD_ENCODING_TEXT);
  ASSERT_TRUE(door_.Inline(payload, 4).ok());
  EXPECT_TRUE(payload.has_ref());
  ASSERT_TRUE(door_.Inline(payload, 5).ok());
  EXPECT_EQ(payload.text(), "hello");
}

TEST_F(PayloadDoorTest, AMissingContentIsDataLoss) {
  api::Payload payload;
  payload.mutable_ref()->set_sha256(std::string(64, 'e'));
  const absl::Status missing = door_.Inline(payload, 100);
  EXPECT_TRUE(absl::IsDataLoss(missing));
  EXPECT_EQ(ErrorReason(missing), "STORE_DAMAGED");
}

TEST_F(PayloadDoorTest, WalksAllPayloadsOfAMessage) {
  api::HistoryEvent event;
  auto& scheduled = *event.mutable_activity_scheduled();
  scheduled.mutable_input()->set_json_text("[1]");
  (*scheduled.mutable_attachments())["big"] =
      Stored("words", api::PAYLOAD_ENCODING_TEXT);
  EXPECT_TRUE(HasReference(event));
  ASSERT_TRUE(InlinePayloads(event, door_, 100).ok());
  EXPECT_FALSE(HasReference(event));
  EXPECT_EQ(scheduled.attachments().at("big").text(), "words");
  ShowPayloads(event);
  EXPECT_EQ(scheduled.input().json().list_value().values_size(), 1);
}

TEST_F(PayloadDoorTest, ShowsTextWhereJsonWouldNotFit) {
  api::Payload payload;
  payload.set_json_text("[1,1,1,1,1,1,1,1,1,1]");
  PayloadDoor::Show(payload, 50);
  EXPECT_TRUE(payload.has_json_text());
  PayloadDoor::Show(payload, 500);
  EXPECT_TRUE(payload.has_json());
}

}  // namespace
}  // namespace anabranch::rpc
