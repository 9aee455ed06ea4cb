// Calls on runs that exist, and what a start says beside its flow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>

#include "base/limits.h"
#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

using ::testing::HasSubstr;

constexpr Uid kUid{7};

class RunSteeringTest : public RpcTest {
 protected:
  // Makes a call on its own thread; the test plays the shard meanwhile.
  template <typename Request, typename Response>
  std::future<std::pair<grpc::Status, Response>> Begin(
      grpc::Status (api::RunService::Stub::*method)(grpc::ClientContext*,
                                                    const Request&, Response*),
      Request request) {
    return std::async(std::launch::async, [this, method, request] {
      grpc::ClientContext context;
      Response response;
      grpc::Status status = ((*runs_).*method)(&context, request, &response);
      return std::pair(status, response);
    });
  }

  static api::StartRunRequest Echo() {
    api::StartRunRequest request;
    request.set_flow("echo");
    request.set_run_id("r1");
    return request;
  }

  grpc::Status Start(const api::StartRunRequest& request) {
    return Begin(&api::RunService::Stub::StartRun, request).get().first;
  }
};

TEST_F(RunSteeringTest, StartsCarrySignalsATimeoutAndAPolicy) {
  api::StartRunRequest request = Echo();
  request.set_id_conflict_policy(api::ID_CONFLICT_POLICY_USE_EXISTING);
  request.mutable_run_timeout()->set_seconds(90);
  request.add_signals()->set_signal("go");
  request.add_signals()->set_signal("stop");
  request.mutable_signals(1)->mutable_input()->set_json_text("[1]");
  auto answer = Begin(&api::RunService::Stub::StartRun, request);
  auto start = shard_.Take<shard::StartRun>();
  EXPECT_TRUE(start.use_existing);
  EXPECT_EQ(start.run_timeout, absl::Seconds(90));
  ASSERT_EQ(start.signals.size(), 2u);
  EXPECT_EQ(start.signals[0].name(), "go");
  EXPECT_EQ(start.signals[0].input().json_text(), "null");
  EXPECT_EQ(start.signals[1].input().json_text(), "[1]");
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  start.reply(shard::StartedRun{start.name, kUid, true});
  EXPECT_TRUE(answer.get().first.ok());
}

TEST_F(RunSteeringTest, RefusesBadStartOptionsByTheirPath) {
  api::StartRunRequest request = Echo();
  request.mutable_run_timeout();
  grpc::Status status = Start(request);
  EXPECT_EQ(Reason(status), "INVALID_FIELD");
  EXPECT_THAT(status.error_message(), HasSubstr("run_timeout: must be posi"));
  request.mutable_run_timeout()->set_seconds(int64_t{1} << 40);
  EXPECT_THAT(Start(request).error_message(),
              HasSubstr("run_timeout: must be at most 876000h"));
  request = Echo();
  request.set_id_conflict_policy(static_cast<api::IdConflictPolicy>(9));
  EXPECT_THAT(Start(request).error_message(),
              HasSubstr("id_conflict_policy: there is no policy 9"));
  request = Echo();
  request.add_signals()->set_signal("go");
  request.add_signals()->set_signal("no name");
  EXPECT_THAT(Start(request).error_message(), HasSubstr("signals[1].signal"));
  request.mutable_signals(1)->set_signal("stop");
  request.mutable_signals(1)->mutable_input()->set_json_text("{");
  EXPECT_THAT(Start(request).error_message(), HasSubstr("signals[1].input"));
  request.mutable_signals(1)->mutable_input()->set_text(
      std::string(limits::kPayloadBytesMax + 1, 'x'));
  status = Start(request);
  EXPECT_EQ(Reason(status), "PAYLOAD_TOO_LARGE");
  EXPECT_THAT(status.error_message(), HasSubstr("signals[1].input"));
  request = Echo();
  for (int i = 0; i <= limits::kStartSignalsMax; ++i) {
    request.add_signals()->set_signal("go");
  }
  EXPECT_THAT(Start(request).error_message(), HasSubstr("at most 100"));
}

TEST_F(RunSteeringTest, ASignalBeyondTheLimitNamesTheLimit) {
  api::SignalRunRequest request;
  request.set_run_id("r1");
  request.set_signal("go");
  request.mutable_input()->set_text(
      std::string(limits::kPayloadBytesMax + 1, 'x'));
  auto [status, response] =
      Begin(&api::RunService::Stub::SignalRun, request).get();
  EXPECT_EQ(Reason(status), "PAYLOAD_TOO_LARGE");
  EXPECT_THAT(status.error_message(),
              HasSubstr("is 33554433 bytes; the limit is 33554432"));
}

TEST_F(RunSteeringTest, PausesAndResumesReachTheShard) {
  api::PauseRunRequest pause;
  pause.set_run_id("r1");
  pause.set_reason("too expensive");
  pause.set_request_id("q1");
  auto paused = Begin(&api::RunService::Stub::PauseRun, pause);
  auto input = shard_.Take<shard::PauseRun>();
  EXPECT_EQ(input.name.run_id, "r1");
  EXPECT_EQ(input.reason, "too expensive");
  EXPECT_EQ(input.request_id, "q1");
  input.reply(absl::OkStatus());
  EXPECT_TRUE(paused.get().first.ok());

  api::ResumeRunRequest resume;
  resume.set_run_id("r1");
  auto resumed = Begin(&api::RunService::Stub::ResumeRun, resume);
  shard_.Take<shard::ResumeRun>().reply(RunNotFound({"default", "r1"}));
  EXPECT_EQ(Reason(resumed.get().first), "RUN_NOT_FOUND");
  resume.set_reason(std::string(2000, 'x'));
  EXPECT_EQ(
      Reason(Begin(&api::RunService::Stub::ResumeRun, resume).get().first),
      "INVALID_FIELD");
}

TEST_F(RunSteeringTest, QueriesShowTheFlowsAnswer) {
  api::QueryRunRequest request;
  request.set_run_id("r1");
  request.set_query("progress");
  request.mutable_input()->set_json_text("{\"of\":2}");
  auto answer = Begin(&api::RunService::Stub::QueryRun, request);
  auto query = shard_.Take<shard::QueryRun>();
  EXPECT_EQ(query.query, "progress");
  EXPECT_EQ(query.input.json_text(), "{\"of\":2}");
  shard::QueryAnswer found;
  found.result.set_json_text("\"half\"");
  found.published = true;
  query.reply(found);
  auto [status, response] = answer.get();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.result().json().string_value(), "half");
  EXPECT_TRUE(response.published());

  request.set_query("");
  EXPECT_EQ(
      Reason(Begin(&api::RunService::Stub::QueryRun, request).get().first),
      "INVALID_FIELD");
}

TEST_F(RunSteeringTest, AnAnswerThatIsTooLargeIsRefused) {
  api::QueryRunRequest request;
  request.set_run_id("r1");
  request.set_query("all");
  auto answer = Begin(&api::RunService::Stub::QueryRun, request);
  shard::QueryAnswer found;
  found.result.set_text(std::string(limits::kAnswerBytesMax, 'x'));
  shard_.Take<shard::QueryRun>().reply(found);
  EXPECT_EQ(Reason(answer.get().first), "ANSWER_TOO_LARGE");
}

TEST_F(RunSteeringTest, RetriesSayWhatTheyDid) {
  api::RetryRunRequest request;
  request.set_run_id("r1");
  auto answer = Begin(&api::RunService::Stub::RetryRun, request);
  shard_.Take<shard::RetryRun>().reply(shard::RetriedRun{3, 2});
  auto [status, response] = answer.get();
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(response.released_activities(), 3);
  EXPECT_EQ(response.generation(), 2);
}

TEST_F(RunSteeringTest, DeletionsReachTheShard) {
  api::DeleteRunRequest request;
  request.set_run_id("r1");
  request.set_force(true);
  auto answer = Begin(&api::RunService::Stub::DeleteRun, request);
  auto deletion = shard_.Take<shard::DeleteRun>();
  EXPECT_TRUE(deletion.force);
  deletion.reply(absl::OkStatus());
  EXPECT_TRUE(answer.get().first.ok());
}

TEST_F(RunSteeringTest, HistoriesOfEarlierGenerationsAreRead) {
  // Generation 2 began with the first event of generation 1.
  Write([](log::BatchBuilder& batch) {
    auto put = [&batch](Uid uid, int64_t id, const std::string& marker) {
      storage::v1::ActivationRecord activation;
      auto& event = *activation.add_events();
      event.set_event_id(id);
      event.mutable_marker_recorded()->set_name(marker);
      batch.PutActivation(uid, activation);
    };
    put(Uid{1}, 1, "shared");
    put(Uid{1}, 2, "cut off");
    put(Uid{2}, 2, "own");
    storage::v1::StatusRecord status;
    status.mutable_run()->set_generation(1);
    batch.PutStatus(Uid{1}, status);
    status.mutable_run()->set_generation(2);
    status.set_previous_uid(1);
    auto& segment = *status.add_segments();
    segment.set_uid(1);
    segment.set_last_event_id(1);
    batch.PutStatus(Uid{2}, status);
    storage::v1::RunIndexRecord index;
    index.set_uid(2);
    batch.PutRunIndex({"default", "r1"}, index);
  });
  auto markers = [this](int32_t generation, int32_t page_size) {
    api::GetHistoryRequest request;
    request.set_run_id("r1");
    request.set_generation(generation);
    request.set_page_size(page_size);
    std::vector<std::string> names;
    do {
      auto [status, response] =
          Begin(&api::RunService::Stub::GetHistory, request).get();
      if (!status.ok()) return std::vector<std::string>{Reason(status)};
      for (const auto& event : response.events()) {
        names.push_back(event.marker_recorded().name());
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return names;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(markers(0, 100), ElementsAre("shared", "own"));
  EXPECT_THAT(markers(2, 1), ElementsAre("shared", "own"));
  EXPECT_THAT(markers(1, 1), ElementsAre("shared", "cut off"));
  EXPECT_THAT(markers(3, 1), ElementsAre("GENERATION_NOT_FOUND"));
  EXPECT_THAT(markers(-1, 1), ElementsAre("INVALID_FIELD"));
}

}  // namespace
}  // namespace anabranch::rpc
