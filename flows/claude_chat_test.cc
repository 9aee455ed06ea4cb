#include "flows/claude_chat.h"

#include <string>

#include "base/error_details.h"
#include "flows/testing/flow_driver.h"
#include "flows/testing/prepare_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Refused(std::string_view input) {
  FakePrepareContext context;
  return Refusal(ClaudeChat(), input, context);
}

constexpr char kReply[] =
    R"({"content":[{"type":"text","text":"hi \ud83d"}],)"
    R"("stop_reason":"end_turn","stop_sequence":null,"stop_details":null,)"
    R"("model":"m-1","id":"msg_1","request_id":"req_1",)"
    R"("usage":{"input_tokens":1e2, "x":[1.0]},"text":"hi \ud83d"})";

TEST(ClaudeChat, MakesOneCallAndGivesItsReplyInTheApisOwnWords) {
  FlowDriver run(ClaudeChat());
  run.Start(R"({"prompt":"Say \u00e9 \ud83d"})");
  ASSERT_THAT(run.OpenActivities(), ElementsAre("turn-1"));
  EXPECT_EQ(run.Activity("turn-1").activity_type(), "claude.messages");
  EXPECT_EQ(run.InputJson("turn-1"),
            R"({"model":"claude-sonnet-5-5","max_tokens":4096,)"
            R"("messages":[{"role":"user","content":"Say \u00e9 \ud83d"}]})");
  run.Complete("turn-1", kReply);
  EXPECT_EQ(run.ResultJson(),
            R"({"text":"hi \ud83d","model":"m-1","stop_reason":"end_turn",)"
            R"("usage":{"input_tokens":1e2, "x":[1.0]},"request_id":"req_1"})");
}

TEST(ClaudeChat, PassesItsOptionsOn) {
  FlowDriver run(ClaudeChat());
  run.Start(R"({"max_tokens":7,"system":"Be brief","model":"m","prompt":"p"})");
  EXPECT_EQ(run.InputJson("turn-1"),
            R"({"model":"m","max_tokens":7,"system":"Be brief",)"
            R"("messages":[{"role":"user","content":"p"}]})");
}

TEST(ClaudeChat, LimitsAnAttemptsTimeWhenAsked) {
  FlowDriver run(ClaudeChat());
  run.Start(R"({"prompt":"p","timeout_seconds":2})");
  const auto& options = run.Activity("turn-1").options();
  EXPECT_EQ(options.start_to_close_timeout().seconds(), 2);
  EXPECT_THAT(Refused(R"({"prompt":"p","timeout_seconds":0})"),
              HasSubstr("timeout_seconds"));
}

TEST(ClaudeChat, ReadsStoredInputsAndResults) {
  FlowDriver run(ClaudeChat());
  run.StoreAbove(0);
  run.Start(R"({"prompt":"p","system":""})");
  EXPECT_EQ(run.InputJson("turn-1"),
            R"({"model":"claude-sonnet-5-5","max_tokens":4096,)"
            R"("messages":[{"role":"user","content":"p"}]})");
  run.Complete("turn-1", R"({"text":"t"})");
  EXPECT_EQ(run.ResultJson(),
            R"({"text":"t","model":null,"stop_reason":null,"usage":null,)"
            R"("request_id":null})");
}

TEST(ClaudeChat, FailsAsItsCallDoes) {
  FlowDriver run(ClaudeChat());
  run.Start(R"({"prompt":"p"})");
  run.Fail("turn-1", "not_found_error", "model: m");
  EXPECT_EQ(run.Failure(), "not_found_error: model: m");
}

TEST(ClaudeChat, IsCancelledWithItsCall) {
  FlowDriver run(ClaudeChat());
  run.Start(R"({"prompt":"p"})");
  run.RequestCancel();
  EXPECT_THAT(run.cancelled(), ElementsAre("turn-1"));
  EXPECT_TRUE(run.closing().has_cancel_run());
}

TEST(ClaudeChat, RefusesAtTheDoorNamingTheField) {
  EXPECT_EQ(Refused(R"({"prompt":"p"})"), "OK");
  EXPECT_EQ(Refused(R"({"prompt":"p","max_tokens":128000,"system":""})"), "OK");
  EXPECT_EQ(Refused("{}"), "prompt: is required");
  EXPECT_EQ(Refused(R"({"prompt":" "})"), "prompt: must not be empty");
  EXPECT_EQ(Refused(R"({"prompt":["p"]})"),
            "prompt: must be a string, not an array");
  EXPECT_EQ(Refused(R"({"prompt":"p","max_tokens":0})"),
            "max_tokens: must be an integer from 1 to 128000");
  EXPECT_EQ(Refused(R"({"prompt":"p","max_tokens":128001})"),
            "max_tokens: must be an integer from 1 to 128000");
  EXPECT_EQ(Refused(R"({"prompt":"p","model":""})"),
            "model: must not be empty");
  EXPECT_EQ(Refused(R"({"prompt":"p","system":1})"),
            "system: must be a string, not a number");
  EXPECT_EQ(Refused(R"({"prompt":"p","promt":1})"),
            "promt: is unknown; known: prompt, model, system, max_tokens, "
            "timeout_seconds");
  EXPECT_EQ(Refused("\"p\""), "input: must be a JSON object, not a string");
  EXPECT_THAT(Refused("{\"prompt\":\"\xff\"}"), HasSubstr("input: "));
  EXPECT_THAT(Refused("{\"prompt\":"), HasSubstr("cut off"));
}

TEST(ClaudeChat, RefusesWithDetails) {
  FakePrepareContext context;
  const auto refused =
      ClaudeChat().prepare(R"({"prompt":1,"max_tokens":-1})", context);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(refused.status()), "INVALID_FIELD");
  ASSERT_EQ(FieldProblems(refused.status()).size(), 2u);
  EXPECT_EQ(FieldProblems(refused.status())[1].field, "max_tokens");
}

}  // namespace
}  // namespace anabranch::flows
