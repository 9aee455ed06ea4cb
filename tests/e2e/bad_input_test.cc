// What users get wrong, against the real processes: each is refused with a
// code, a stable reason and a sentence that says what to do, and nothing of it
// is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "client/lib/error_details.h"
#include "client/lib/payload.h"
#include "tests/e2e/fork_job.h"
#include "tests/support/cluster_fixture.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class BadInput : public support::ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  }

  void Import() {
    const auto conversation = ImportTranscript(client(), kTranscript);
    ASSERT_TRUE(conversation.ok()) << conversation.status();
    conversation_ = *conversation;
  }

  Json ForkInput(int step, const Json& branches) {
    return {{"conversation", conversation_},
            {"fork_at_step", step},
            {"branches", branches}};
  }

  absl::Status StartFork(int step, const Json& branches) {
    return StartFlow(client(), "fork_compare", ForkInput(step, branches).dump())
        .status();
  }

  // Nothing refused may leave a run behind.
  void ExpectNoRuns() {
    const auto runs = client().ListRuns({});
    ASSERT_TRUE(runs.ok()) << runs.status();
    EXPECT_EQ(runs->runs_size(), 0);
  }

  std::string conversation_;
};

void ExpectRefused(const absl::Status& status, absl::StatusCode code,
                   std::string_view reason, const std::string& words) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(client::DetailsOf(status).reason, reason) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(words));
}

TEST_F(BadInput, UnknownNames) {
  v1::GetRunRequest run;
  run.set_run_id("nobody");
  ExpectRefused(client().GetRun(run).status(), absl::StatusCode::kNotFound,
                "RUN_NOT_FOUND", "nobody");
  ExpectRefused(StartFlow(client(), "no_flow", "{}").status(),
                absl::StatusCode::kNotFound, "FLOW_NOT_FOUND", "claude_chat");
  v1::GetConversationRequest conversation;
  conversation.set_conversation_id("nothing");
  ExpectRefused(client().GetConversation(conversation).status(),
                absl::StatusCode::kNotFound, "CONVERSATION_NOT_FOUND",
                "nothing");
  conversation_ = "nothing";
  ExpectRefused(StartFork(1, {{{"name", "a"}}}), absl::StatusCode::kNotFound,
                "CONVERSATION_NOT_FOUND", "nothing");
  ExpectNoRuns();
}

TEST_F(BadInput, MalformedEmptyAndEnormousInput) {
  ExpectRefused(StartFlow(client(), "claude_chat", "{\"prompt\":").status(),
                absl::StatusCode::kInvalidArgument, "INVALID_JSON", "input");
  ExpectRefused(StartFlow(client(), "claude_chat", "").status(),
                absl::StatusCode::kInvalidArgument, "INVALID_JSON", "input");
  ExpectRefused(StartFlow(client(), "claude_chat", "{}").status(),
                absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "prompt");
  const std::string huge =
      "\"" + std::string(limits::kPayloadBytesMax, 'x') + "\"";
  ExpectRefused(StartFlow(client(), "echo", huge).status(),
                absl::StatusCode::kInvalidArgument, "PAYLOAD_TOO_LARGE",
                absl::StrCat(limits::kPayloadBytesMax));
  ExpectNoRuns();
}

TEST_F(BadInput, TranscriptsThatAreNone) {
  v1::ImportConversationRequest request;
  request.mutable_source()->set_data("{\"type\":\"\xff\xfe\"}\n");
  ExpectRefused(client().ImportConversation(request).status(),
                absl::StatusCode::kInvalidArgument, "INVALID_UTF8", "UTF-8");
  request.mutable_source()->set_data("not a transcript\n");
  ExpectRefused(client().ImportConversation(request).status(),
                absl::StatusCode::kInvalidArgument, "INVALID_TRANSCRIPT",
                "transcript");
  request.mutable_source()->set_data("");
  EXPECT_EQ(client().ImportConversation(request).status().code(),
            absl::StatusCode::kInvalidArgument);
  const auto kept = client().ListConversations({});
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->conversations_size(), 0);
}

TEST_F(BadInput, StepsAtWhichNothingCanBeForked) {
  ASSERT_NO_FATAL_FAILURE(Import());
  const absl::Status open_tool = StartFork(2, {{{"name", "a"}}});
  ExpectRefused(open_tool, absl::StatusCode::kFailedPrecondition,
                "FORK_POINT_INVALID", "fork_at_step");
  EXPECT_THAT(std::string(open_tool.message()),
              AllOf(HasSubstr("1"), HasSubstr("3")));
  ExpectRefused(StartFork(4, {{{"name", "a"}}}),
                absl::StatusCode::kFailedPrecondition, "FORK_POINT_INVALID",
                "message");
  EXPECT_EQ(StartFork(7, {{{"name", "a"}}}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(StartFork(0, {{{"name", "a"}}}).code(),
            absl::StatusCode::kInvalidArgument);
  ExpectNoRuns();
}

TEST_F(BadInput, BranchesThatCannotBe) {
  ASSERT_NO_FATAL_FAILURE(Import());
  ExpectRefused(StartFork(5, Json::array()), absl::StatusCode::kInvalidArgument,
                "INVALID_FIELD", "branches");
  ExpectRefused(StartFork(5, {{{"name", "a"}}, {{"name", "a"}}}),
                absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "branches[1].name");
  ExpectRefused(StartFork(5, {{{"name", "a"},
                               {"inject_message", {"one", "two", "three"}},
                               {"max_turns", 2}}}),
                absl::StatusCode::kInvalidArgument, "INVALID_FIELD",
                "max_turns");
  ExpectNoRuns();
}

TEST_F(BadInput, AnUnknownModelFailsItsBranchAlone) {
  ASSERT_NO_FATAL_FAILURE(StartWorker());
  ASSERT_NO_FATAL_FAILURE(Import());
  const auto run_id =
      StartFlow(client(), "fork_compare",
                ForkInput(5, {{{"name", "real"}, {"model", "claude-haiku-5-5"}},
                              {{"name", "unreal"}, {"model", "claude-none-1"}}})
                    .dump());
  ASSERT_TRUE(run_id.ok()) << run_id.status();
  const auto run = client().AwaitRun(*run_id);
  ASSERT_TRUE(run.ok()) << run.status();
  const auto result = ResultOf(client(), *run);
  ASSERT_TRUE(result.ok()) << result.status();
  const Json branches = Json::parse(*result).at("branches");
  ASSERT_EQ(branches.size(), 3u);
  EXPECT_EQ(branches[1].at("state"), "COMPLETED");
  EXPECT_EQ(branches[2].at("state"), "FAILED");
  EXPECT_EQ(branches[2].at("failure").at("type"), "not_found_error");
  EXPECT_THAT(branches[2].at("failure").at("message").get<std::string>(),
              HasSubstr("claude-none-1"));
}

TEST_F(BadInput, WithoutWorkersARunWaitsAndSaysForWhat) {
  const auto run_id = StartFlow(client(), "echo", "{\"say\":\"hi\"}");
  ASSERT_TRUE(run_id.ok()) << run_id.status();
  v1::GetRunRequest request;
  request.set_run_id(*run_id);
  const auto run = client().GetRun(request);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->state(), v1::RUN_STATE_RUNNING);
  EXPECT_THAT(run->waiting_for(),
              AllOf(HasSubstr("worker"), HasSubstr("echo")));
  ASSERT_EQ(run->waiting_activities_size(), 1);
  EXPECT_TRUE(run->waiting_activities(0).no_worker());
  ASSERT_NO_FATAL_FAILURE(StartWorker());
  const auto done = client().AwaitRun(*run_id);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->state(), v1::RUN_STATE_COMPLETED);
}

// --- processes that cannot start ---

class BadStart : public support::ClusterTest {
 protected:
  // How an orchestrator ends that refuses to start, and what it says.
  void ExpectRefusal(const std::string& data_dir, const std::string& address,
                     const std::string& words) {
    const std::string log = folder_->File("refused.log");
    const auto run = support::RunProcess(
        {.program = programs_.orchestrator,
         .arguments = {"--data-dir", data_dir, "--address", address},
         .stderr_file = log},
        support::kPatience);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_EQ(run->end.exit_code, 1) << ToString(run->end);
    EXPECT_EQ(run->out, "");
    EXPECT_THAT(ReadFile(log), HasSubstr(words));
  }
};

TEST_F(BadStart, ADataFolderInUse) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  ExpectRefusal(
      cluster_->data_dir(), "127.0.0.1:0",
      absl::StrCat("in use by process ", cluster_->orchestrator().pid()));
}

TEST_F(BadStart, ADataFolderThatCannotBeWritten) {
  // Root may write anywhere but here.
  ExpectRefusal("/proc/anabranch-data", "127.0.0.1:0", "cannot be written");
  std::ofstream(folder_->File("file")) << "x";
  ExpectRefusal(folder_->File("file"), "127.0.0.1:0", "is not a folder");
}

TEST_F(BadStart, APortInUse) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  ExpectRefusal(folder_->File("other"), cluster_->address(),
                cluster_->address());
}

TEST_F(BadStart, AnUnreachableOrchestrator) {
  const std::string log = folder_->File("cli.log");
  const auto run = support::RunProcess(
      {.program = programs_.anabranch,
       .arguments = {"runs", "list", "--address", cluster_->address()},
       .stderr_file = log},
      support::kPatience);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->end.exit_code, 3);
  EXPECT_THAT(ReadFile(log),
              AllOf(HasSubstr(cluster_->address()), HasSubstr("anabranch up")));
}

}  // namespace
}  // namespace anabranch::e2e
