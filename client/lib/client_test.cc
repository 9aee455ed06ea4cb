#include "client/lib/client.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/lib/error_details.h"
#include "client/lib/payload.h"
#include "client/testing/fake_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> Connect(ClientOptions options = {}) {
    options.address = server.address();
    auto client = Client::Connect(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  // Progress messages with texts "1", "2", …, then the closed run.
  void CannedWatch(int count) {
    for (int i = 1; i <= count; ++i) {
      v1::WatchRunResponse message;
      message.mutable_progress()->set_text(absl::StrCat(i));
      server.canned.watch.push_back(message);
    }
    v1::WatchRunResponse last;
    last.mutable_final_run()->set_state(v1::RUN_STATE_COMPLETED);
    server.canned.watch.push_back(last);
  }

  testing::FakeServer server;
};

TEST_F(ClientTest, KeepsTheDetailsOfErrors) {
  server.canned.errors["StartRun"] = {testing::ErrorWith(
      grpc::StatusCode::INVALID_ARGUMENT, "The input does not fit.",
      {.reason = "INPUT_INVALID",
       .domain = "anabranch",
       .metadata = {{"flow", "claude_chat"}},
       .field_violations = {{"input.prompt", "must be a string"}}})};
  const auto response = Connect()->StartRun({});
  ASSERT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(response.status().message(), "The input does not fit.");
  const ErrorDetails details = DetailsOf(response.status());
  EXPECT_EQ(details.reason, "INPUT_INVALID");
  EXPECT_EQ(details.domain, "anabranch");
  EXPECT_EQ(details.metadata.at("flow"), "claude_chat");
  ASSERT_THAT(details.field_violations, SizeIs(1));
  EXPECT_EQ(details.field_violations[0].field, "input.prompt");
  EXPECT_EQ(details.field_violations[0].description, "must be a string");
}

TEST_F(ClientTest, TriesAgainOnUnavailableWithTheSameRequestId) {
  server.canned.errors["SignalRun"] = {
      {grpc::StatusCode::UNAVAILABLE, "starting"},
      {grpc::StatusCode::UNAVAILABLE, "starting"}};
  v1::SignalRunRequest request;
  request.set_run_id("a");
  ASSERT_TRUE(Connect()->SignalRun(request).ok());
  ASSERT_THAT(server.canned.signals, SizeIs(3));
  EXPECT_THAT(server.canned.signals[0].request_id(), Not(IsEmpty()));
  EXPECT_EQ(server.canned.signals[0].request_id(),
            server.canned.signals[2].request_id());
}

TEST_F(ClientTest, LeavesAGivenRequestIdAlone) {
  v1::SignalRunRequest request;
  request.set_request_id("mine");
  ASSERT_TRUE(Connect()->SignalRun(request).ok());
  EXPECT_EQ(server.canned.signals.at(0).request_id(), "mine");
}

TEST_F(ClientTest, TriesNothingElseAgain) {
  for (const auto code :
       {grpc::StatusCode::INTERNAL, grpc::StatusCode::ABORTED,
        grpc::StatusCode::RESOURCE_EXHAUSTED,
        grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::CANCELLED}) {
    server.canned.signals.clear();
    server.canned.errors["SignalRun"] = {{code, "no"}};
    EXPECT_FALSE(Connect()->SignalRun({}).ok());
    EXPECT_THAT(server.canned.signals, SizeIs(1)) << code;
  }
}

TEST_F(ClientTest, SaysThatNobodyAnswers) {
  auto client = Connect({.connect_patience = absl::ZeroDuration()});
  server.Stop();
  const absl::Status status = client->ListFlows().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(status).reason, kReasonUnreachable);
  EXPECT_EQ(DetailsOf(status).metadata.at("address"), server.address());
}

TEST_F(ClientTest, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "host", "host:", ":1", "host:port"}) {
    EXPECT_EQ(Client::Connect({.address = address}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << address;
  }
  EXPECT_TRUE(Client::Connect({.address = "unix:/tmp/a"}).ok());
  EXPECT_TRUE(Client::Connect({.address = "[::1]:7400"}).ok());
}

TEST_F(ClientTest, RidesOutARestart) {
  int outages = 0;
  ClientOptions options;
  options.on_outage = [&](const absl::Status&) {
    ++outages;
    server.Start();
  };
  auto client = Connect(options);
  ASSERT_TRUE(client->ListFlows().ok());
  server.Stop();
  EXPECT_TRUE(client->ListFlows().ok());
  EXPECT_EQ(outages, 1);
}

TEST_F(ClientTest, WatchGoesOnAfterARestart) {
  CannedWatch(5);
  server.canned.watch_stalls_after = 3;
  std::vector<std::string> seen;
  auto client = Connect();
  const absl::Status status =
      client->WatchRun({}, [&](const v1::WatchRunResponse& message) {
        seen.push_back(message.has_final_run() ? "final"
                                               : message.progress().text());
        if (seen.size() == 3) {
          server.Stop();
          server.canned.watch_stalls_after = SIZE_MAX;
          server.Start();
        }
        return true;
      });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(seen, ElementsAre("1", "2", "3", "4", "5", "final"));
  ASSERT_THAT(server.canned.watches, SizeIs(2));
  EXPECT_EQ(server.canned.watches[1].cursor(), "3");
}

TEST_F(ClientTest, WatchGoesOnAfterAStreamWithoutItsEnd) {
  CannedWatch(2);
  const v1::WatchRunResponse last = server.canned.watch.back();
  server.canned.watch.pop_back();  // the stream ends with OK, too early
  std::vector<std::string> cursors;
  const absl::Status status =
      Connect()->WatchRun({}, [&](const v1::WatchRunResponse& message) {
        cursors.push_back(message.cursor());
        if (message.cursor() == "2") {
          const std::lock_guard<std::mutex> lock(server.canned.mutex);
          server.canned.watch.push_back(last);
        }
        return true;
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(cursors, ElementsAre("1", "2", "3"));
}

TEST_F(ClientTest, WatchEndsWhenTheCallbackSaysSo) {
  CannedWatch(5);
  int count = 0;
  EXPECT_TRUE(
      Connect()->WatchRun({}, [&](const auto&) { return ++count < 2; }).ok());
  EXPECT_EQ(count, 2);
}

TEST_F(ClientTest, WatchPassesOtherErrorsOn) {
  server.canned.errors["WatchRun"] = {{grpc::StatusCode::NOT_FOUND, "no"}};
  EXPECT_EQ(Connect()->WatchRun({}, [](const auto&) { return true; }).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ClientTest, AwaitAsksUntilTheRunIsClosed) {
  server.canned.runs["a"].set_state(v1::RUN_STATE_COMPLETED);
  server.canned.await_not_done = 3;
  const auto run = Connect()->AwaitRun("a");
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->state(), v1::RUN_STATE_COMPLETED);
}

TEST_F(ClientTest, AwaitWithATimeoutSaysThatItRanOut) {
  server.canned.runs["a"];
  server.canned.await_not_done = 1;
  v1::AwaitRunRequest request;
  request.set_run_id("a");
  const auto response = Connect()->AwaitRun(request, absl::ZeroDuration());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_FALSE(response->done());
}

TEST_F(ClientTest, ReadsWhatAReferenceStandsFor) {
  const std::string json = absl::StrCat("\"", std::string(5000, 'x'), "\"");
  server.canned.payloads["abc"] = json;
  v1::Payload payload;
  payload.mutable_ref()->set_sha256("abc");
  payload.mutable_ref()->set_size_bytes(static_cast<int64_t>(json.size()));
  payload.mutable_ref()->set_encoding(v1::PAYLOAD_ENCODING_JSON);
  const auto text = Connect()->ResolveJson(payload);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, json);
  payload.mutable_ref()->set_size_bytes(1);
  EXPECT_EQ(Connect()->ResolveJson(payload).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, SendsMoreThanStockLimitsAllow) {
  v1::ImportConversationRequest request;
  request.mutable_source()->set_data(std::string(20 * 1024 * 1024, 'x'));
  const auto response = Connect()->ImportConversation(std::move(request));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(server.canned.imports.at(0).source().data().size(),
            20u * 1024 * 1024);
}

TEST_F(ClientTest, AsksForHealth) {
  const auto serving = Connect()->IsServing();
  ASSERT_TRUE(serving.ok()) << serving.status();
  EXPECT_TRUE(*serving);
}

TEST(Payload, BecomesJson) {
  v1::Payload payload;
  EXPECT_EQ(*PayloadToJson(payload), "null");
  payload.set_text("a\"b");
  EXPECT_EQ(*PayloadToJson(payload), R"("a\"b")");
  payload.set_data("\xff");
  EXPECT_EQ(*PayloadToJson(payload), R"("/w==")");
  payload.mutable_json()->set_number_value(1.5);
  EXPECT_EQ(*PayloadToJson(payload), "1.5");
  auto& members = *payload.mutable_json()->mutable_struct_value();
  for (const char* key : {"c", "a", "d", "b"}) {
    (*members.mutable_fields())[key].set_number_value(7);
  }
  EXPECT_EQ(*PayloadToJson(payload), R"({"a":7,"b":7,"c":7,"d":7})");
  EXPECT_EQ(*PayloadToJson(JsonPayload("1.50")), "1.50");
  payload.mutable_ref();
  EXPECT_FALSE(PayloadToJson(payload).ok());
}

}  // namespace
}  // namespace anabranch::client
