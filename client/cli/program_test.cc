#include "client/cli/program.h"

#include <string>

#include "base/build_id.h"
#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProgramTest : public testing::CliTest {};

TEST_F(ProgramTest, HelpOfEveryCommandHasAnExample) {
  const std::vector<std::vector<std::string>> commands = {
      {},
      {"up"},
      {"flows"},
      {"run"},
      {"conversations"},
      {"conversations", "import"},
      {"conversations", "list"},
      {"conversations", "show"},
      {"runs"},
      {"runs", "list"},
      {"runs", "show"},
      {"runs", "history"},
      {"runs", "watch"},
      {"runs", "cancel"},
      {"runs", "terminate"},
      {"runs", "signal"},
      {"status"},
      {"completion"},
      {"version"}};
  for (std::vector<std::string> command : commands) {
    command.push_back("--help");
    EXPECT_EQ(Run(command), 0);
    EXPECT_THAT(out, HasSubstr("Example:\n  anabranch ")) << out;
    EXPECT_THAT(err, IsEmpty());
  }
}

TEST_F(ProgramTest, HelpDocumentsTheExitCodes) {
  Run({"--help"});
  EXPECT_THAT(out, HasSubstr("3  no orchestrator answers"));
}

TEST_F(ProgramTest, BadUsageIsTwo) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"nonsense"}), 2);
  EXPECT_EQ(Run({"runs", "show"}), 2);
  EXPECT_EQ(Run({"runs", "list", "--limit", "0"}), 2);
  EXPECT_EQ(Run({"run", "x", "--wait", "--detach"}), 2);
  EXPECT_EQ(Run({"run"}), 2);
  EXPECT_EQ(Run({"status", "--address", "nowhere"}), 2);
  EXPECT_THAT(err, HasSubstr("error: \"nowhere\" is no address"));
  EXPECT_THAT(out, IsEmpty());
}

TEST_F(ProgramTest, AnUnreachableServerIsThree) {
  server.Stop();
  EXPECT_EQ(Run({"runs", "list"}), 3);
  EXPECT_THAT(err, HasSubstr(server.address()));
  EXPECT_THAT(err, HasSubstr("anabranch up"));
}

TEST_F(ProgramTest, ErrorsSayWhatWhyAndWhatToDo) {
  canned.errors["StartRun"] = {testing::ErrorWith(
      grpc::StatusCode::INVALID_ARGUMENT, "The input does not fit.",
      {.reason = "INVALID_FIELD",
       .domain = "anabranch",
       .metadata = {{"flow", "claude_chat"}},
       .field_violations = {{"input.prompt", "must be a string"}}})};
  EXPECT_EQ(Run({"run", "claude_chat", "prompt=1"}), 2);
  EXPECT_THAT(out, IsEmpty());
  EXPECT_EQ(
      err,
      "error: The input does not fit.\n"
      "  reason: INVALID_FIELD (flow: claude_chat)\n"
      "  field input.prompt: must be a string\n"
      "  hint: 'anabranch flows NAME' shows a flow's input and an example\n");
}

TEST_F(ProgramTest, ErrorsAreJsonWhereAskedFor) {
  EXPECT_EQ(Run({"runs", "show", "nope", "--json"}), 2);
  EXPECT_THAT(out, IsEmpty());
  EXPECT_EQ(err, R"({"code":"NOT_FOUND","message":"There is no run \"nope\".",)"
                 R"("reason":"RUN_NOT_FOUND","metadata":{"run_id":"nope"},)"
                 R"("fieldViolations":[]})"
                 "\n");
}

TEST_F(ProgramTest, ErrorsCannotWriteToTheTerminal) {
  canned.errors["ListRuns"] = {
      {grpc::StatusCode::INTERNAL, "bad \x1b[2J thing"}};
  EXPECT_EQ(Run({"runs", "list"}), 1);
  EXPECT_EQ(err, "error: bad  [2J thing\n  code: INTERNAL\n");
}

TEST_F(ProgramTest, GlobalOptionsStandAnywhere) {
  EXPECT_EQ(Run({"--json", "version"}), 0);
  EXPECT_EQ(out, "{\"version\":\"" + BuildId() + "\"}\n");
  variables.clear();
  EXPECT_EQ(Run({"--address", server.address(), "runs", "list"}), 0);
  EXPECT_EQ(Run({"runs", "list", "--address", server.address()}), 0);
}

TEST_F(ProgramTest, HintsFitTheField) {
  canned.errors["StartRun"] = {testing::ErrorWith(
      grpc::StatusCode::INVALID_ARGUMENT, "run_id: is not valid",
      {.reason = "INVALID_FIELD",
       .domain = "anabranch",
       .field_violations = {{"run_id", "is not valid"}}})};
  EXPECT_EQ(Run({"run", "claude_chat", "--id", "a b"}), 2);
  EXPECT_EQ(err.find("hint"), std::string::npos);
}

TEST_F(ProgramTest, ShowsStatus) {
  v1::Flow& flow = canned.flows.emplace_back();
  flow.set_name("claude_chat");
  v1::Worker& worker = canned.workers.emplace_back();
  worker.set_label("host-1");
  worker.set_state(v1::WORKER_STATE_CONNECTED);
  worker.set_slots(8);
  worker.set_running(2);
  worker.add_activity_types("claude.messages");
  worker.mutable_connect_time()->set_seconds(1700000000);
  EXPECT_EQ(Run({"status"}), 0);
  EXPECT_EQ(out, "server   " + server.address() +
                     "  serving  build build-1\n"
                     "flows    claude_chat\n"
                     "workers  1\n"
                     "\n"
                     "WORKER  STATE      RUNNING  SLOTS  SINCE                "
                     "ACTIVITIES\n"
                     "host-1  CONNECTED  2        8      2023-11-14 22:13:20  "
                     "claude.messages\n");
  EXPECT_EQ(Run({"status", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"serving\":true,\"listWorkers\":{\"workers\":"));
}

TEST_F(ProgramTest, SaysThatNoWorkerIsThere) {
  EXPECT_EQ(Run({"status"}), 0);
  EXPECT_THAT(err, HasSubstr("No worker is connected"));
}

TEST_F(ProgramTest, ListsAndShowsFlows) {
  v1::Flow& flow = canned.flows.emplace_back();
  flow.set_name("claude_chat");
  flow.set_description("One call.");
  (*flow.mutable_example()->mutable_struct_value()->mutable_fields())["prompt"]
      .set_string_value("Say hi");
  EXPECT_EQ(Run({"flows"}), 0);
  EXPECT_EQ(out, "FLOW         DESCRIPTION\nclaude_chat  One call.\n");
  EXPECT_EQ(Run({"flows", "claude_chat"}), 0);
  EXPECT_EQ(out,
            "claude_chat: One call.\n\nexample input:\n{\n  \"prompt\": \"Say "
            "hi\"\n}\n");
  EXPECT_EQ(Run({"flows", "claude_chat", "--json"}), 0);
  EXPECT_EQ(out,
            "{\"flow\":{\"name\":\"claude_chat\",\"description\":\"One call.\","
            "\"example\":{\"prompt\":\"Say hi\"}}}\n");
  EXPECT_EQ(Run({"flows", "nope"}), 2);
  EXPECT_THAT(err, HasSubstr("'anabranch flows' shows"));
}

}  // namespace
}  // namespace anabranch::cli
