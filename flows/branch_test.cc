// Branches as fork_compare plays them, behind a fixed checkpoint.
#include "flows/branch.h"

#include <string>

#include "claude/json.h"
#include "flows/fork_compare.h"
#include "flows/testing/flow_driver.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kContent[] =
    R"([ {"type":"text","text":"\u00e9\ud83d","n":1e2} ])";

std::string Reply(const std::string& stop_reason, const std::string& text,
                  const std::string& content = kContent,
                  const std::string& usage = "null") {
  return R"({"content":)" + content + R"(,"stop_reason":")" + stop_reason +
         R"(","model":"m","usage":)" + usage + R"(,"text":")" + text + "\"}";
}

// A run of fork_compare whose branches have begun.
class BranchRun : public FlowDriver {
 public:
  explicit BranchRun(const std::string& branches,
                     const std::string& load = R"({"default_model":"m-0"})")
      : FlowDriver(ForkCompare()) {
    Start(
        R"({"conversation":"c","fork_at_step":3,"branches":)" + branches + "}",
        {{"conversation", sdk::JsonPayload("\"transcript\"")}});
    Complete("load", load);
    Complete("checkpoint", "{}");
  }

  // The result of that branch, once compare has been asked for.
  std::string Result(size_t index) const {
    const std::string json = InputJson("compare");
    const auto input = claude::JsonObject::Parse(json);
    const auto results = claude::JsonElements(input->Get("branches"));
    return std::string((*results)[index]);
  }
};

TEST(Branch, OfOneTurnSendsNothingBeyondTheCheckpoint) {
  BranchRun run(R"([{"name":"a"}])");
  ASSERT_THAT(run.OpenActivities(), ElementsAre("a/turn-1"));
  const auto& turn = run.Activity("a/turn-1");
  EXPECT_EQ(turn.activity_type(), "claude.messages");
  EXPECT_EQ(turn.input().json_text(),
            R"({"model":"m-0","max_tokens":4096,"messages":[]})");
  EXPECT_EQ(turn.attachments().at("checkpoint").json_text(), "{}");
  EXPECT_EQ(turn.attachments().size(), 1u);
  run.Advance(absl::Milliseconds(1500));
  run.Complete("a/turn-1", Reply("end_turn", "hi", kContent,
                                 R"({"input_tokens":3,"output_tokens":4,)"
                                 R"("cache_read_input_tokens":5})"));
  EXPECT_EQ(run.Result(0),
            R"({"name":"a","state":"COMPLETED","model":"m-0",)"
            R"("stop_reason":"end_turn","duration_ms":1500,"turns":1,)"
            R"("usage":{"input_tokens":3,"output_tokens":4,)"
            R"("cache_read_input_tokens":5,"cache_creation_input_tokens":0},)"
            R"("texts":["hi"],"text":"hi"})");
}

TEST(Branch, PassesItsOwnWordsOnAsTheyStand) {
  BranchRun run(
      R"([{"name":"a","model":"m\u0031","inject_message":"\ud83d",)"
      R"("replace_message":"\u00e9","system_prompt":"S","max_tokens":7},)"
      R"({"name":"b","system_prompt":""}])");
  EXPECT_EQ(run.InputJson("a/turn-1"),
            R"({"model":"m\u0031","max_tokens":7,"system":"S",)"
            R"("replace_message":"\u00e9","messages":[)"
            R"({"role":"user","content":"\ud83d"}]})");
  EXPECT_EQ(run.InputJson("b/turn-1"),
            R"({"model":"m-0","max_tokens":4096,"system":"","messages":[]})");
}

TEST(Branch, SendsEachFurtherMessageAfterTheReplyToTheOneBefore) {
  BranchRun run(R"([{"name":"a","inject_message":["one","two","three"],)"
                R"("system_prompt":"S","replace_message":"R"}])");
  const std::string head =
      R"({"model":"m-0","max_tokens":4096,"system":"S","replace_message":"R",)"
      R"("messages":[{"role":"user","content":"one"})";
  EXPECT_EQ(run.InputJson("a/turn-1"), head + "]}");
  run.Complete("a/turn-1", Reply("end_turn", "1"));
  ASSERT_THAT(run.OpenActivities(), ElementsAre("a/turn-2"));
  // Content to the byte: spaces, escapes, a lone surrogate, the number's form.
  const std::string second = head + R"(,{"role":"assistant","content":)" +
                             kContent + R"(},{"role":"user","content":"two"})";
  EXPECT_EQ(run.InputJson("a/turn-2"), second + "]}");
  run.Complete("a/turn-2", Reply("stop_sequence", "2", "[]"));
  EXPECT_EQ(run.InputJson("a/turn-3"),
            second + R"(,{"role":"assistant","content":[]},)"
                     R"({"role":"user","content":"three"}]})");
  run.Complete("a/turn-3", Reply("end_turn", R"(3\ud83d)"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"("turns":3,"usage":{"input_tokens":0,)"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"("texts":["1","2","3\ud83d"],"text":"3\ud83d"})"));
}

TEST(Branch, SumsUsageOverItsTurns) {
  BranchRun run(R"([{"name":"a","inject_message":["1","2","3"]}])");
  run.Complete("a/turn-1", Reply("end_turn", "", "[]",
                                 R"({"input_tokens":1,"output_tokens":10,)"
                                 R"("cache_creation_input_tokens":7})"));
  run.Complete("a/turn-2",
               Reply("end_turn", "", "[]",
                     R"({"input_tokens":9223372036854775807,)"
                     R"("output_tokens":-5,"cache_read_input_tokens":"x"})"));
  run.Complete("a/turn-3",
               Reply("end_turn", "", "[]", R"({"output_tokens":20})"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"("usage":{"input_tokens":9223372036854775807,)"
                        R"("output_tokens":30,"cache_read_input_tokens":0,)"
                        R"("cache_creation_input_tokens":7})"));
}

TEST(Branch, GoesOnWithAPausedTurnBeforeItsNextMessage) {
  BranchRun run(R"([{"name":"a","inject_message":["one","two"]}])");
  run.Complete("a/turn-1", Reply("pause_turn", "p"));
  const std::string paused =
      R"({"model":"m-0","max_tokens":4096,"messages":[)"
      R"({"role":"user","content":"one"},{"role":"assistant","content":)" +
      std::string(kContent) + "}";
  EXPECT_EQ(run.InputJson("a/turn-2"), paused + "]}");
  run.Complete("a/turn-2", Reply("end_turn", "q", "[7]"));
  EXPECT_EQ(run.InputJson("a/turn-3"),
            paused + R"(,{"role":"assistant","content":[7]},)"
                     R"({"role":"user","content":"two"}]})");
  run.Complete("a/turn-3", Reply("pause_turn", "r"));
  run.Complete("a/turn-4", Reply("end_turn", "s"));
  EXPECT_THAT(run.Result(0), HasSubstr(R"("texts":["p","q","r","s"])"));
  EXPECT_THAT(run.Result(0), Not(HasSubstr("note")));
}

TEST(Branch, StopsAtMaxTurns) {
  BranchRun run(R"([{"name":"a","inject_message":["1","2"],"max_turns":2},)"
                R"({"name":"b","max_turns":1}])");
  run.Complete("a/turn-1", Reply("pause_turn", ""));
  run.Complete("a/turn-2", Reply("end_turn", ""));
  run.Complete("b/turn-1", Reply("pause_turn", "half"));
  EXPECT_THAT(run.Result(0), HasSubstr(R"("turns":2)"));
  EXPECT_THAT(run.Result(0), HasSubstr(R"("state":"COMPLETED")"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"("note":"1 of 2 messages was not sent"})"));
  EXPECT_THAT(run.Result(1), HasSubstr(R"("stop_reason":"pause_turn")"));
  EXPECT_THAT(run.Result(1),
              HasSubstr(R"("note":"the reply is not complete: max_turns (1) )"
                        R"(was reached while it paused"})"));
}

TEST(Branch, EndsWhereNoMessageCanFollow) {
  for (const char* reason :
       {"tool_use", "max_tokens", "refusal", "model_context_window_exceeded"}) {
    BranchRun run(R"([{"name":"a","inject_message":["1","2","3"]}])");
    run.Complete("a/turn-1", Reply(reason, "t"));
    EXPECT_THAT(run.Result(0), HasSubstr(R"("state":"COMPLETED")"));
    EXPECT_THAT(run.Result(0), HasSubstr(reason));
    EXPECT_THAT(run.Result(0),
                HasSubstr(R"("note":"2 of 3 messages were not sent")"));
  }
}

TEST(Branch, GoesOnAfterAStopReasonThatNobodyKnows) {
  BranchRun run(R"([{"name":"a","inject_message":["1","2"]}])");
  run.Complete("a/turn-1", Reply("new_reason", "t"));
  EXPECT_THAT(run.OpenActivities(), ElementsAre("a/turn-2"));
  run.Complete("a/turn-2", R"({"content":[],"stop_reason":null})");
  EXPECT_THAT(run.Result(0), HasSubstr(R"("stop_reason":null)"));
  EXPECT_THAT(run.Result(0), HasSubstr(R"("texts":["t",""],"text":"")"));
}

TEST(Branch, FailsAloneAndTheOthersGoOn) {
  BranchRun run(R"([{"name":"a","inject_message":["1","2"]},{"name":"b"}])");
  EXPECT_THAT(run.OpenActivities(), ElementsAre("a/turn-1", "b/turn-1"));
  run.Complete("a/turn-1", Reply("end_turn", "first"));
  run.Fail("a/turn-2", "not_found_error", "model: \"x\"");
  EXPECT_THAT(run.OpenActivities(), ElementsAre("b/turn-1"));
  run.Complete("b/turn-1", Reply("end_turn", "well"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"({"name":"a","state":"FAILED","model":"m-0",)"));
  EXPECT_THAT(run.Result(0), HasSubstr(R"("turns":1,)"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"("texts":["first"],"text":"first","failure":)"
                        R"({"type":"not_found_error","message":"model: \"x\""})"
                        "}"));
  EXPECT_THAT(run.Result(1), HasSubstr(R"("state":"COMPLETED")"));
}

TEST(Branch, FailsWhenATurnRunsOutOfAttempts) {
  BranchRun run(R"([{"name":"a"}])");
  run.TimeOut("a/turn-1");
  EXPECT_THAT(run.Result(0), HasSubstr(R"("state":"FAILED")"));
  EXPECT_THAT(run.Result(0), HasSubstr(R"("failure":{"type":"timeout")"));
}

TEST(Branch, FailsOnAResultThatIsNoReply) {
  BranchRun run(R"([{"name":"a"},{"name":"b"}])");
  run.Complete("a/turn-1", "[]");
  run.Complete("b/turn-1", R"({"content":"text"})");
  EXPECT_THAT(run.Result(0), HasSubstr(R"("type":"invalid_result")"));
  EXPECT_THAT(run.Result(1), HasSubstr(R"("type":"invalid_result")"));
}

TEST(Branch, TimesOutWithWhatItHas) {
  BranchRun run(R"([{"name":"a","inject_message":["1","2"],)"
                R"("timeout_seconds":60},{"name":"b"}])");
  EXPECT_EQ(run.OpenTimers(), 1u);
  run.Complete("a/turn-1",
               Reply("end_turn", "first", kContent, R"({"output_tokens":9})"));
  run.FireTimer();
  EXPECT_THAT(run.cancelled(), ElementsAre("a/turn-2"));
  EXPECT_THAT(run.OpenActivities(), ElementsAre("b/turn-1"));
  run.Complete("b/turn-1", Reply("end_turn", ""));
  EXPECT_EQ(run.Result(0),
            R"({"name":"a","state":"TIMED_OUT","model":"m-0",)"
            R"("stop_reason":"end_turn","duration_ms":60000,"turns":1,)"
            R"("usage":{"input_tokens":0,"output_tokens":9,)"
            R"("cache_read_input_tokens":0,"cache_creation_input_tokens":0},)"
            R"("texts":["first"],"text":"first","failure":{"type":"timeout",)"
            R"("message":"the branch's time, 60 s, was up in turn 2"}})");
}

TEST(Branch, SaysWhatATimeoutLeftUnsent) {
  BranchRun run(R"([{"name":"a","inject_message":["1","2"],)"
                R"("timeout_seconds":1}])");
  run.FireTimer();
  EXPECT_THAT(run.Result(0), HasSubstr(R"("state":"TIMED_OUT")"));
  EXPECT_THAT(run.Result(0),
              HasSubstr(R"("note":"1 of 2 messages was not sent")"));
}

TEST(Branch, GivesItsTimerUpOnceItHasEnded) {
  BranchRun run(R"([{"name":"a","timeout_seconds":60}])");
  run.Complete("a/turn-1", Reply("end_turn", ""));
  EXPECT_EQ(run.OpenTimers(), 0u);
  EXPECT_THAT(run.Result(0), HasSubstr(R"("state":"COMPLETED")"));
}

TEST(Branch, FailsWhenALimitRefusesItsTurnOrTimer) {
  BranchRun run(R"([{"name":"a"},{"name":"b","timeout_seconds":60}])");
  run.Refuse("a/turn-1");
  run.RefuseTimer();
  EXPECT_THAT(run.cancelled(), ElementsAre("b/turn-1"));
  for (const size_t index : {0, 1}) {
    EXPECT_THAT(run.Result(index), HasSubstr(R"("state":"FAILED")"));
    EXPECT_THAT(
        run.Result(index),
        HasSubstr(R"({"type":"command_refused","message":"too many"})"));
  }
}

TEST(Branch, EndsWithTheRunThatIsCancelled) {
  BranchRun run(R"([{"name":"a","timeout_seconds":60},{"name":"b"}])");
  run.Complete("b/turn-1", Reply("end_turn", ""));
  run.RequestCancel();
  EXPECT_THAT(run.cancelled(), ElementsAre("a/turn-1"));
  EXPECT_EQ(run.OpenTimers(), 0u);
  EXPECT_TRUE(run.closing().has_cancel_run());
  EXPECT_THAT(run.OpenActivities(), IsEmpty());
}

TEST(Branch, TakesTheModelOfTheConversationAsItStands) {
  BranchRun run(R"([{"name":"a"},{"name":"b","model":"own"}])",
                R"({"default_model":"\u006d"})");
  EXPECT_THAT(run.InputJson("a/turn-1"), HasSubstr(R"("model":"\u006d")"));
  EXPECT_THAT(run.InputJson("b/turn-1"), HasSubstr(R"("model":"own")"));
}

}  // namespace
}  // namespace anabranch::flows
