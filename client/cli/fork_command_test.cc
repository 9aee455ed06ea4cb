#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/branch_board.h"
#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kComparison[] =
    R"({"branches":[{"name":"original","no_cost":true,"state":"COMPLETED",)"
    R"("model":"claude-sonnet-4-5","stop_reason":"end_turn",)"
    R"("duration_ms":null,"turns":1,"tokens":{"input":0,"output":0,)"
    R"("cache_read":0,"cache_creation":0},"text":"Hi","texts":["Hi"],)"
    R"("failure":null,"first_difference":null,"differences":[]},)"
    R"({"name":"opus","state":"COMPLETED","model":"claude-opus-5-5",)"
    R"("stop_reason":"end_turn","duration_ms":1234,"turns":1,"tokens":)"
    R"({"input":10,"output":20,"cache_read":3,"cache_creation":4},)"
    R"("text":"Hello","texts":["Hello"],"failure":null,)"
    R"("first_difference":{"turn":1,"line":1,"column":2,"offset":1,)"
    R"("from":["original"]},"differences":[{"from":"original","turn":1,)"
    R"("line":1,"column":2,"offset":1}]},)"
    R"({"name":"bad","state":"FAILED","model":"nope","stop_reason":"",)"
    R"("duration_ms":5,"turns":0,"tokens":{"input":0,"output":0,)"
    R"("cache_read":0,"cache_creation":0},"text":"","texts":[],)"
    R"("failure":{"type":"not_found_error","message":"model: nope"},)"
    R"("first_difference":null,"differences":[]}],"total":2,"completed":1,)"
    R"("failed":1,"averages":{"duration_ms":1234,"turns":1,"tokens":)"
    R"({"input":10,"output":20,"cache_read":3,"cache_creation":4}}})";

class ForkTest : public testing::CliTest {
 protected:
  ForkTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(std::getenv("TEST_TMPDIR")) / info->name();
    fs::create_directories(root_);
    v1::Run& run = canned.runs["run-1"];
    run.set_run_id("run-1");
    run.set_state(v1::RUN_STATE_COMPLETED);
    // Larger than what answers carry: it comes as a reference.
    canned.payloads["abc"] = kComparison;
    v1::PayloadRef& reference = *run.mutable_result()->mutable_ref();
    reference.set_sha256("abc");
    reference.set_size_bytes(sizeof(kComparison) - 1);
    reference.set_encoding(v1::PAYLOAD_ENCODING_JSON);
    AddWatch();
  }

  void AddWatch() {
    v1::WatchRunResponse scheduled;
    auto& event = *scheduled.mutable_event()->mutable_activity_scheduled();
    event.set_seq(3);
    event.set_name("opus/turn-1");
    v1::WatchRunResponse running;
    running.mutable_activity()->set_seq(3);
    running.mutable_activity()->set_attempt(1);
    running.mutable_activity()->set_state(v1::ACTIVITY_STATE_RUNNING);
    v1::WatchRunResponse tokens;
    tokens.mutable_progress()->set_seq(3);
    tokens.mutable_progress()->set_attempt(1);
    tokens.mutable_progress()->set_text("Hello");
    v1::WatchRunResponse done;
    auto& completed = *done.mutable_event()->mutable_activity_completed();
    completed.set_seq(3);
    completed.mutable_info()->set_usage_json(R"({"output_tokens":20})");
    v1::WatchRunResponse last;
    *last.mutable_final_run() = canned.runs["run-1"];
    canned.watch = {scheduled, running, tokens, done, last};
  }

  std::vector<std::string> Command(std::vector<std::string> more) {
    std::vector<std::string> command = {
        "run", "fork-compare", "--conversation",        "c", "--fork-at",
        "3",   "--output-dir", (root_ / "out").string()};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  std::string Read(const std::string& name) {
    std::ifstream file(root_ / name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  fs::path root_;
};

TEST_F(ForkTest, MakesABranchOfEachOption) {
  EXPECT_EQ(Run(Command({"--model", "opus", "--model", "nope", "--system",
                         "Be brief.", "--message", "Why?", "--leaf", "l",
                         "--max-turns", "4"})),
            0)
      << err;
  EXPECT_EQ(canned.starts.at(0).flow(), "fork_compare");
  EXPECT_EQ(canned.starts.at(0).input().json_text(),
            R"({"conversation":"c","fork_at_step":3,"leaf":"l","branches":[)"
            R"({"name":"opus","model":"opus"},{"name":"nope","model":"nope"},)"
            R"({"name":"system","system_prompt":"Be brief."},)"
            R"({"name":"message","inject_message":"Why?"}],)"
            R"("settings":{"max_turns":4}})");
}

TEST_F(ForkTest, ShowsProgressTheTableAndSaves) {
  EXPECT_EQ(Run(Command({"--model", "opus"})), 0);
  EXPECT_EQ(err,
            "run run-1 started with 1 branches; Ctrl-C leaves it running\n"
            "opus: turn 1 started\n"
            "opus: turn 1 done, 20 tokens out\n"
            "saved as " +
                (root_ / "out/run-1").string() + ".json and .md\n");
  EXPECT_THAT(out, HasSubstr("\nopus      COMPLETED  claude-opus-5-5    "
                             "end_turn  1      1.2 s  10  20   3/4    turn 1, "
                             "line 1 from original  Hello\n"));
  EXPECT_THAT(out, HasSubstr("\nbad failed: not_found_error: model: nope\n"));
  EXPECT_THAT(out, HasSubstr("\n1 of 2 branches completed; on average 1.2 s, "
                             "1 turns, 10 tokens in, 20 out\n"));
  EXPECT_EQ(Read("out/run-1.json"), absl::StrCat(kComparison, "\n"));
  EXPECT_THAT(Read("out/run-1.md"), HasSubstr("opus"));
}

TEST_F(ForkTest, JsonAloneOnStandardOutput) {
  EXPECT_EQ(Run(Command({"--model", "opus", "--json", "--no-save"})), 0);
  EXPECT_THAT(out, HasSubstr("{\"run\":{\"runId\":\"run-1\""));
  EXPECT_THAT(out, HasSubstr("\"jsonText\":"));
  EXPECT_THAT(err, IsEmpty());
  EXPECT_FALSE(fs::exists(root_ / "out"));
}

TEST_F(ForkTest, DrawsABoardOnATerminal) {
  terminal = true;
  width = 80;
  EXPECT_EQ(Run(Command({"--model", "opus", "--no-save"})), 0);
  EXPECT_THAT(err, HasSubstr("\x1b[1A\x1b[2Kopus  turn 1 done"));
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
}

TEST_F(ForkTest, TakesAConfigFile) {
  std::ofstream(root_ / "fork.yaml")
      << "conversation: other\nfork_at_step: 9\n"
         "branches:\n  - name: b\n    model: ${M:-m}\n"
         "settings:\n  output_dir: "
      << (root_ / "configured").string() << "\n";
  EXPECT_EQ(Run({"run", "fork-compare", "--config",
                 (root_ / "fork.yaml").string(), "--fork-at", "3"}),
            0)
      << err;
  EXPECT_EQ(canned.starts.at(0).input().json_text(),
            R"({"conversation":"other","fork_at_step":3,"branches":[)"
            R"({"name":"b","model":"m"}]})");
  EXPECT_TRUE(fs::exists(root_ / "configured/run-1.md"));
}

TEST_F(ForkTest, ImportsAFileFirst) {
  std::ofstream(root_ / "t.jsonl") << "{}";
  EXPECT_EQ(Run({"run", "fork-compare", "--conversation",
                 (root_ / "t.jsonl").string(), "--fork-at", "1", "--model", "m",
                 "--no-save"}),
            0)
      << err;
  EXPECT_EQ(canned.imports.at(0).source().data(), "{}");
  EXPECT_THAT(canned.starts.at(0).input().json_text(),
              HasSubstr("{\"conversation\":\"from-transcript\""));
}

TEST_F(ForkTest, SaysWhatIsMissing) {
  EXPECT_EQ(Run({"run", "fork-compare"}), 2);
  EXPECT_THAT(err, HasSubstr("--conversation"));
  EXPECT_EQ(Run({"run", "fork-compare", "--conversation", "c"}), 2);
  EXPECT_THAT(err, HasSubstr("--fork-at"));
  EXPECT_EQ(Run(Command({})), 2);
  EXPECT_THAT(err, HasSubstr("at least one branch"));
  EXPECT_EQ(Run(Command({"--config", "/no/such.yaml"})), 2);
  EXPECT_EQ(Run({"run", "fork-compare", "--conversation", "/no/such.jsonl",
                 "--fork-at", "1", "--model", "m"}),
            2);
  EXPECT_TRUE(canned.starts.empty());
}

TEST_F(ForkTest, DetachPrintsTheId) {
  EXPECT_EQ(Run(Command({"--model", "m", "--detach"})), 0);
  EXPECT_EQ(out, "run-1\n");
}

TEST_F(ForkTest, AFailedRunIsOne) {
  canned.runs["run-1"].set_state(v1::RUN_STATE_CANCELLED);
  canned.runs["run-1"].clear_result();
  EXPECT_EQ(Run(Command({"--model", "m"})), 1);
  EXPECT_THAT(err, HasSubstr("run run-1 CANCELLED"));
}

TEST(BranchBoard, DrawsBelowWhatOthersPrint) {
  std::ostringstream drawn;
  BranchBoard board(drawn, {"a", "b"}, /*live=*/true, 80);
  v1::WatchRunResponse last;
  last.mutable_final_run();
  board.Take(last);
  EXPECT_EQ(drawn.str(), "\x1b[2Ka  waits\n\x1b[2Kb  waits\n");
  drawn.str("");
  board.Take(last);
  EXPECT_EQ(drawn.str(), "\x1b[2A\x1b[2Ka  waits\n\x1b[2Kb  waits\n");
  board.Release();
  drawn.str("");
  board.Take(last);
  EXPECT_EQ(drawn.str(), "\x1b[2Ka  waits\n\x1b[2Kb  waits\n");
}

TEST(TurnName, IsBranchAndTurn) {
  EXPECT_EQ(ParseTurnName("opus/turn-12").branch, "opus");
  EXPECT_EQ(ParseTurnName("opus/turn-12").turn, 12);
  EXPECT_EQ(ParseTurnName("load").branch, "load");
  EXPECT_EQ(ParseTurnName("load").turn, 0);
  EXPECT_EQ(ParseTurnName("a/turn-x").turn, 0);
}

}  // namespace
}  // namespace anabranch::cli
