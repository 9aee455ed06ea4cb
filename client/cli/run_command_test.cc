#include <cstdlib>
#include <fstream>
#include <string>

#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RunCommandTest : public testing::CliTest {
 protected:
  void CloseWith(v1::RunState state) {
    v1::Run& run = canned.runs["run-1"];
    run.set_run_id("run-1");
    run.set_state(state);
    if (state == v1::RUN_STATE_COMPLETED) {
      run.mutable_result()->set_json_text(R"({"text":"Hi"})");
    } else {
      run.mutable_failure()->set_type("overloaded_error");
      run.mutable_failure()->set_message("Overloaded");
    }
    v1::WatchRunResponse tokens;
    tokens.mutable_progress()->set_seq(1);
    tokens.mutable_progress()->set_attempt(1);
    tokens.mutable_progress()->set_text("Hi");
    v1::WatchRunResponse last;
    *last.mutable_final_run() = run;
    canned.watch = {tokens, last};
  }
};

TEST_F(RunCommandTest, WaitsStreamsAndPrintsTheResult) {
  CloseWith(v1::RUN_STATE_COMPLETED);
  EXPECT_EQ(Run({"run", "claude_chat", "prompt=Say hi", "max_tokens=5"}), 0);
  EXPECT_EQ(out, "{\n  \"text\": \"Hi\"\n}\n");
  EXPECT_THAT(err, HasSubstr("run run-1 started"));
  EXPECT_THAT(err, HasSubstr("run run-1 COMPLETED"));
  ASSERT_EQ(canned.starts.size(), 1u);
  EXPECT_EQ(canned.starts[0].flow(), "claude_chat");
  EXPECT_EQ(canned.starts[0].input().json_text(),
            R"({"prompt":"Say hi","max_tokens":5})");
  EXPECT_THAT(canned.starts[0].request_id(), Not(IsEmpty()));
}

TEST_F(RunCommandTest, JsonIsTheAnswerOfStartRunAlone) {
  CloseWith(v1::RUN_STATE_COMPLETED);
  EXPECT_EQ(Run({"run", "claude_chat", "--json", "--id", "run-1"}), 0);
  EXPECT_EQ(out, R"({"run":{"runId":"run-1","state":"RUN_STATE_COMPLETED",)"
                 R"("result":{"jsonText":"{\"text\":\"Hi\"}"}},"created":true,)"
                 R"("done":true})"
                 "\n");
  EXPECT_THAT(err, IsEmpty());
  EXPECT_EQ(canned.starts.at(0).run_id(), "run-1");
}

TEST_F(RunCommandTest, AFailedRunIsOne) {
  CloseWith(v1::RUN_STATE_FAILED);
  EXPECT_EQ(Run({"run", "claude_chat"}), 1);
  EXPECT_THAT(out, IsEmpty());
  EXPECT_THAT(err, HasSubstr("FAILED: overloaded_error: Overloaded"));
  EXPECT_THAT(err, HasSubstr("'anabranch runs history run-1'"));
  EXPECT_EQ(Run({"run", "claude_chat", "--json"}), 1);
  EXPECT_THAT(out, HasSubstr("RUN_STATE_FAILED"));
}

TEST_F(RunCommandTest, DetachPrintsTheId) {
  EXPECT_EQ(Run({"run", "claude_chat", "--detach"}), 0);
  EXPECT_EQ(out, "run-1\n");
  EXPECT_TRUE(canned.watches.empty());
  EXPECT_EQ(Run({"run", "claude_chat", "--detach", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("{\"run\":{\"runId\":\"run-1\""));
}

TEST_F(RunCommandTest, ReadsItsInputFromAFileAndStandardInput) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/in.json";
  std::ofstream(path) << R"({"prompt":"a"})";
  EXPECT_EQ(Run({"run", "f", "--detach", "--input", "@" + path, "x=1"}), 0);
  EXPECT_EQ(canned.starts.at(0).input().json_text(), R"({"prompt":"a","x":1})");
  input = R"({"prompt":"b"})";
  EXPECT_EQ(Run({"run", "f", "--detach", "--input", "-"}), 0);
  EXPECT_EQ(canned.starts.at(1).input().json_text(), R"({"prompt":"b"})");
}

TEST_F(RunCommandTest, BadInputStartsNothing) {
  EXPECT_EQ(Run({"run", "f", "--input", "{"}), 2);
  EXPECT_THAT(err, HasSubstr("no JSON"));
  EXPECT_EQ(Run({"run", "f", "noequals"}), 2);
  EXPECT_EQ(Run({"run", "f", "--input", "@/no/such/file"}), 2);
  EXPECT_TRUE(canned.starts.empty());
}

TEST_F(RunCommandTest, ValidateOnlyAsksTheServer) {
  EXPECT_EQ(Run({"run", "f", "--validate-only"}), 0);
  EXPECT_TRUE(canned.starts.at(0).validate_only());
  EXPECT_EQ(out, "valid: nothing was started\n");
}

TEST_F(RunCommandTest, TellsThatNoWorkerIsThere) {
  CloseWith(v1::RUN_STATE_COMPLETED);
  v1::ActivityInfo& activity = *canned.runs["run-1"].add_waiting_activities();
  activity.set_activity_type("claude.messages");
  activity.set_no_worker(true);
  // The watch says nothing before the hint has asked.
  canned.watch_until_get_run = true;
  hint_after = absl::ZeroDuration();
  EXPECT_EQ(Run({"run", "claude_chat"}), 0);
  EXPECT_THAT(err, HasSubstr("no connected worker offers claude.messages"));
}

TEST_F(RunCommandTest, RidesOutARestartWhileItWaits) {
  CloseWith(v1::RUN_STATE_COMPLETED);
  canned.errors["WatchRun"] = {{grpc::StatusCode::UNAVAILABLE, "going down"}};
  EXPECT_EQ(Run({"run", "claude_chat"}), 0);
  EXPECT_THAT(err, HasSubstr("lost the connection"));
  EXPECT_EQ(canned.watches.size(), 2u);
}

}  // namespace
}  // namespace anabranch::cli
