#include "claude/checkpoint.h"

#include <string>

#include "claude/json.h"
#include "claude/request.h"
#include "claude/transcript_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

Transcript Parse(const std::string& bytes) {
  const auto transcript = ParseTranscript(bytes, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status();
  return *transcript;
}

Transcript Load(const std::string& name) {
  return Parse(ReadTranscriptFile(name));
}

std::string Build(const Transcript& transcript, int step) {
  const auto checkpoint = BuildCheckpoint(transcript, step);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  if (!checkpoint.ok()) return "{}";
  EXPECT_TRUE(ValidateJson(*checkpoint).ok());
  return *checkpoint;
}

// A member's raw text.
std::string Get(const std::string& object, std::string_view key) {
  const auto parsed = JsonObject::Parse(object);
  EXPECT_TRUE(parsed.ok()) << object;
  return parsed.ok() ? std::string(parsed->Get(key)) : "";
}

TEST(ValidateForkPoint, JudgesTheStepsOfTheInPlaceBranch) {
  const Transcript transcript = Load("in_place_branch.jsonl");
  for (const int step : {1, 3, 5}) {
    EXPECT_TRUE(ValidateForkPoint(transcript, step, false).ok()) << step;
    EXPECT_TRUE(ValidateForkPoint(transcript, step, true).ok()) << step;
  }
  for (const int step : {4, 6}) {
    EXPECT_EQ(ValidateForkPoint(transcript, step, false).code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_TRUE(ValidateForkPoint(transcript, step, true).ok()) << step;
  }
  for (const bool has_message : {false, true}) {
    const absl::Status cut = ValidateForkPoint(transcript, 2, has_message);
    EXPECT_EQ(cut.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(cut.message(), HasSubstr("1 and 3"));
  }
  EXPECT_THAT(ValidateForkPoint(transcript, 4, false).message(),
              HasSubstr("3 and 5"));
  EXPECT_THAT(ValidateForkPoint(transcript, 6, false).message(),
              HasSubstr("is 5"));
}

TEST(ValidateForkPoint, NamesTheRange) {
  const Transcript transcript = Load("in_place_branch.jsonl");
  for (const int step : {-1, 0, 7}) {
    const absl::Status status = ValidateForkPoint(transcript, step, true);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("1 to 6"));
    EXPECT_EQ(BuildCheckpoint(transcript, step).status(), status);
  }
}

TEST(ValidateReplaceMessage, TakesPromptsOnly) {
  const Transcript transcript = Load("in_place_branch.jsonl");
  EXPECT_TRUE(ValidateReplaceMessage(transcript, 1).ok());
  EXPECT_TRUE(ValidateReplaceMessage(transcript, 5).ok());
  const absl::Status status = ValidateReplaceMessage(transcript, 3);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("1 and 5"));
  EXPECT_EQ(ValidateReplaceMessage(transcript, 9).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BuildCheckpoint, KeepsTheStepsWithoutTheirThinking) {
  const std::string checkpoint = Build(Load("in_place_branch.jsonl"), 4);
  EXPECT_EQ(
      Get(checkpoint, "messages"),
      R"([{"role":"user","content":"run echo please"},)"
      R"({"role":"assistant","content":[{"type":"text","text":"Running it.")"
      R"(,"citations":null},{"type":"tool_use","id":)"
      R"("toolu_017xAJD7XCfYOVZ1XUpzNJSZ","name":"Bash","input":{"command":)"
      R"("echo tool-output-42","description":"echo"},)"
      R"("caller":{"type":"direct"}}]},)"
      R"({"role":"user","content":[{"tool_use_id":)"
      R"("toolu_017xAJD7XCfYOVZ1XUpzNJSZ","type":"tool_result","content":)"
      R"("tool-output-42","is_error":false}]},)"
      R"({"role":"assistant","content":[{"type":"text","text":)"
      R"("The output was tool-output-42.","citations":null}]}])");
  EXPECT_EQ(Get(checkpoint, "conversation"),
            R"("11111111-1111-4111-8111-111111111111")");
  EXPECT_EQ(Get(checkpoint, "step"), "4");
  EXPECT_EQ(Get(checkpoint, "last"), R"("assistant")");
  EXPECT_EQ(Get(checkpoint, "default_model"), R"("claude-opus-5-5")");
}

TEST(BuildCheckpoint, TakesSystemAndToolsFromTheNewestSnapshotsInReach) {
  const Transcript transcript = Load("in_place_branch.jsonl");
  // Below step 1 stands a snapshot without tools, below step 3 one with them.
  const std::string first = Build(transcript, 1);
  EXPECT_EQ(Get(first, "tools"), "");
  const std::string system_raw = Get(first, "system");
  const auto system = JsonElements(system_raw);
  ASSERT_TRUE(system.ok());
  EXPECT_THAT(*system, SizeIs(10));
  EXPECT_EQ(system->front(), R"({"type":"text","text":"scrubbed"})");

  const std::string third = Build(transcript, 3);
  const std::string tools_raw = Get(third, "tools");
  const auto tools = JsonElements(tools_raw);
  ASSERT_TRUE(tools.ok());
  EXPECT_THAT(*tools, SizeIs(11));
  EXPECT_THAT(std::string(tools->front()),
              AllOf(HasSubstr(R"({"name":"Agent","description")"),
                    HasSubstr("input_schema"), Not(HasSubstr("\"schema\""))));
}

TEST(BuildCheckpoint, IncludesAttachmentsBelowTheLastStep) {
  const Transcript transcript = Load("with_api_errors.jsonl");
  EXPECT_EQ(Get(Build(transcript, 1), "tools"), "");
  EXPECT_NE(Get(Build(transcript, 2), "tools"), "");
}

TEST(BuildCheckpoint, TakesEachFieldFromItsOwnSnapshot) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"hi\"")
      .Attachment("p1", "u1",
                  R"({"type":"prompt_snapshot","systemPrompt":["old"],)"
                  R"("tools":[{"name":"T","schema":{"name":"T","x":1}}]})")
      .Attachment("p2", "p1",
                  R"({"type":"prompt_snapshot","systemPrompt":["new",""]})")
      .Assistant("a1", "p2", "m1", TextBlock("yes"))
      .Attachment("p3", "a1",
                  R"({"type":"prompt_snapshot","systemPrompt":["late"]})");
  const std::string checkpoint = Build(Parse(builder.text()), 1);
  EXPECT_EQ(Get(checkpoint, "system"), R"([{"type":"text","text":"new"}])");
  EXPECT_EQ(Get(checkpoint, "tools"), R"([{"name":"T","x":1}])");
  EXPECT_EQ(Get(Build(Parse(builder.text()), 2), "system"),
            R"([{"type":"text","text":"late"}])");
}

TEST(BuildCheckpoint, GivesUndeclaredToolsAnOpenSchema) {
  const Transcript transcript = Load("older_cli.jsonl");
  const std::string checkpoint = Build(transcript, 3);
  EXPECT_EQ(Get(checkpoint, "system"), "");
  EXPECT_EQ(Get(checkpoint, "tools"),
            R"([{"name":"Bash","input_schema":{"type":"object",)"
            R"("additionalProperties":true}}])");
  EXPECT_EQ(Get(Build(transcript, 1), "tools"), "");
}

TEST(BuildCheckpoint, DeclaresNoToolForABlockWithoutAName) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"list\"")
      .Assistant("a1", "u1", "m1",
                 R"({"type":"tool_use","id":"t1","input":{}})")
      .User("u2", "a1",
            R"([{"type":"tool_result","tool_use_id":"t1","content":"x"}])");
  EXPECT_EQ(Get(Build(Parse(builder.text()), 3), "tools"), "");
}

TEST(BuildCheckpoint, DropsEmptiedMessagesAndMergesNeighbours) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"one\"")
      .Assistant("a1", "u1", "m1", R"({"type":"thinking","thinking":"hm"})")
      .User("u2", "a1", "\"two\"")
      .User("u3", "u2", "\"three\"");
  const Transcript transcript = Parse(builder.text());
  ASSERT_THAT(transcript.steps, SizeIs(4));
  const std::string checkpoint = Build(transcript, 4);
  EXPECT_EQ(Get(checkpoint, "messages"),
            R"([{"role":"user","content":[{"type":"text","text":"one"},)"
            R"({"type":"text","text":"two"}]},)"
            R"({"role":"user","content":"three"}])");
  const auto body = BuildRequestBody(R"({"model":"m"})", checkpoint);
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_THAT(Get(*body, "messages"),
              HasSubstr(R"({"type":"text","text":"two"},)"
                        R"({"type":"text","text":"three"}])"));
  const auto replaced = BuildRequestBody(
      R"({"model":"m","replace_message":"other"})", checkpoint);
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_THAT(*replaced, AllOf(HasSubstr("\"two\""), HasSubstr("\"other\""),
                               Not(HasSubstr("three"))));
}

TEST(BuildCheckpoint, TellsTheOriginalsContinuation) {
  const std::string original =
      Get(Build(Load("in_place_branch.jsonl"), 1), "original");
  EXPECT_EQ(original,
            R"({"state":"COMPLETED","model":"claude-opus-5-5",)"
            R"("stop_reason":"end_turn","duration_ms":210,"turns":3,"usage":)"
            R"({"input_tokens":36736,"output_tokens":129,)"
            R"("cache_read_input_tokens":0,"cache_creation_input_tokens":0},)"
            R"("texts":["Running it.","The output was tool-output-42.",)"
            R"("in-place branch answer"],"text":"in-place branch answer"})");
}

TEST(BuildCheckpoint, CountsARefusedCallOfTheOriginal) {
  const std::string original =
      Get(Build(Load("with_refusal.jsonl"), 1), "original");
  EXPECT_EQ(Get(original, "turns"), "1");
  EXPECT_EQ(Get(Get(original, "usage"), "input_tokens"),
            std::to_string(12146 + 12209));
}

TEST(BuildCheckpoint, HasAnEmptyOriginalAtTheEnd) {
  const std::string checkpoint = Build(Load("in_place_branch.jsonl"), 6);
  EXPECT_EQ(Get(Get(checkpoint, "original"), "turns"), "0");
  EXPECT_EQ(Get(Get(checkpoint, "original"), "duration_ms"), "null");
  EXPECT_EQ(Get(checkpoint, "default_model"), R"("claude-opus-5-5")");
}

TEST(BuildCheckpoint, DefaultsToTheModelOfTheNextReply) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"one\"")
      .Assistant("a1", "u1", "m1", TextBlock("a"))
      .User("u2", "a1", "\"two\"")
      .Assistant("a2", "u2", "m2", TextBlock("b"));
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(Get(Build(transcript, 2), "default_model"), R"("m-m2")");
  EXPECT_EQ(Get(Build(transcript, 4), "default_model"), R"("m-m2")");
}

TEST(BuildCheckpoint, SendsEveryRealForkPoint) {
  for (const char* file :
       {"in_place_branch.jsonl", "forked_session.jsonl", "older_cli.jsonl",
        "33333333-3333-4333-8333-333333333333.jsonl", "with_refusal.jsonl",
        "with_api_errors.jsonl"}) {
    const Transcript transcript = Load(file);
    for (const Step& step : transcript.steps) {
      const auto checkpoint = BuildCheckpoint(transcript, step.number);
      EXPECT_EQ(checkpoint.ok(), step.forkable) << file << step.number;
      if (!checkpoint.ok()) continue;
      const auto body = BuildRequestBody(
          R"({"messages":[{"role":"user","content":"on"}]})", *checkpoint);
      ASSERT_TRUE(body.ok()) << body.status();
      EXPECT_TRUE(ValidateJson(*body).ok());
      EXPECT_THAT(*body, Not(HasSubstr("\"thinking\"")));
    }
  }
}

}  // namespace
}  // namespace anabranch::claude
