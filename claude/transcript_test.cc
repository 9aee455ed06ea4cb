#include "claude/transcript.h"

#include <string>
#include <vector>

#include "claude/json.h"
#include "claude/transcript_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

Transcript Parse(const std::string& bytes, const std::string& leaf = "") {
  const auto transcript = ParseTranscript(bytes, {.leaf = leaf});
  EXPECT_TRUE(transcript.ok()) << transcript.status();
  return transcript.ok() ? *transcript : Transcript();
}

// "prompt assistant! …": `!` needs a message, `x` is no fork point.
std::string Shape(const Transcript& transcript) {
  std::string out;
  for (const Step& step : transcript.steps) {
    if (!out.empty()) out.push_back(' ');
    out.append(StepKindName(step.kind));
    if (!step.forkable) out.push_back('x');
    if (step.needs_message) out.push_back('!');
  }
  return out;
}

constexpr char kSubagentFile[] =
    "33333333-3333-4333-8333-333333333333/subagents/"
    "agent-a8a7510889e5954cd.jsonl";

TEST(Transcript, LoadsEveryRealFileWithItsSteps) {
  const struct {
    const char* file;
    const char* session;
    size_t steps;
  } rows[] = {
      {"in_place_branch.jsonl", "11111111-1111-4111-8111-111111111111", 6},
      {"forked_session.jsonl", "", 8},
      {"33333333-3333-4333-8333-333333333333.jsonl",
       "33333333-3333-4333-8333-333333333333", 6},
      {"older_cli.jsonl", "", 4},
      {"with_api_errors.jsonl", "4d4ac93c-5d34-43be-b964-52d5d0fd85d8", 2},
      {"with_refusal.jsonl", "3d67a086-3052-4f37-8597-3e6cb9704b97", 2},
      {kSubagentFile,
       "33333333-3333-4333-8333-333333333333.agent-a8a7510889e5954cd", 2},
  };
  for (const auto& row : rows) {
    const Transcript transcript = Parse(ReadTranscriptFile(row.file));
    EXPECT_THAT(transcript.steps, SizeIs(row.steps)) << row.file;
    EXPECT_THAT(transcript.session_id, Not(IsEmpty())) << row.file;
    if (*row.session != '\0') EXPECT_EQ(transcript.session_id, row.session);
    EXPECT_FALSE(transcript.torn) << row.file;
  }
}

TEST(Transcript, TellsTheStepsOfTheInPlaceBranch) {
  const Transcript transcript =
      Parse(ReadTranscriptFile("in_place_branch.jsonl"));
  EXPECT_EQ(Shape(transcript),
            "prompt assistantx tool_results assistant! prompt assistant!");
  const Step& call = transcript.steps[1];
  EXPECT_THAT(call.nearest, ElementsAre(1, 3));
  EXPECT_THAT(call.why_not, HasSubstr("step 3"));
  EXPECT_THAT(call.uuids, SizeIs(3));
  EXPECT_EQ(call.message_id, "msg_01MFIwTZP8Hk8GYdy5ZSi21Y");
  EXPECT_EQ(call.model, "claude-opus-5-5");
  EXPECT_EQ(call.stop_reason, "tool_use");
  EXPECT_EQ(call.text, "Running it.");
  EXPECT_THAT(call.usage_raw, HasSubstr("\"output_tokens\":77"));
  EXPECT_EQ(transcript.steps[4].text, "in-place branched question");
  EXPECT_EQ(transcript.steps[5].text, "in-place branch answer");
}

TEST(Transcript, KeepsTheBytesOfEveryBlock) {
  const Transcript transcript =
      Parse(ReadTranscriptFile("in_place_branch.jsonl"));
  EXPECT_EQ(
      transcript.steps[1].content_raw,
      R"([{"type":"thinking","thinking":"I should run echo.","signature":)"
      R"("SIG/abc+def==verbatim"},{"type":"text","text":"Running it.")"
      R"(,"citations":null},{"type":"tool_use","id":)"
      R"("toolu_017xAJD7XCfYOVZ1XUpzNJSZ","name":"Bash","input":{"command":)"
      R"("echo tool-output-42","description":"echo"},)"
      R"("caller":{"type":"direct"}}])");
}

TEST(Transcript, ListsBothLeavesAndTakesTheCallersChoice) {
  const std::string bytes = ReadTranscriptFile("in_place_branch.jsonl");
  const Transcript newest = Parse(bytes);
  ASSERT_THAT(newest.leaves, SizeIs(2));
  EXPECT_EQ(newest.leaves[0].uuid, newest.leaf);
  EXPECT_TRUE(newest.leaves[0].chosen);
  EXPECT_EQ(newest.leaves[0].preview, "in-place branch answer");
  EXPECT_EQ(newest.leaves[1].preview, "second answer");
  EXPECT_EQ(newest.leaves[1].forked_at, newest.steps[3].uuids.back());

  const Transcript other = Parse(bytes, newest.leaves[1].uuid);
  ASSERT_THAT(other.steps, SizeIs(6));
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(other.steps[i].content_raw, newest.steps[i].content_raw);
  }
  EXPECT_EQ(other.steps[4].text, "second question");
  EXPECT_EQ(other.steps[5].text, "second answer");
  EXPECT_TRUE(other.leaves[1].chosen);
}

TEST(Transcript, CutsAtALeafInTheMiddle) {
  const std::string bytes = ReadTranscriptFile("in_place_branch.jsonl");
  const Transcript whole = Parse(bytes);
  const Transcript cut = Parse(bytes, whole.steps[2].uuids[0]);
  EXPECT_EQ(Shape(cut), "prompt assistantx tool_results");
  EXPECT_EQ(ParseTranscript(bytes, {.leaf = "no-such"}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Transcript, LeavesOutMetaEmptyAndSyntheticLines) {
  const Transcript refusal = Parse(ReadTranscriptFile("with_refusal.jsonl"));
  EXPECT_EQ(Shape(refusal), "prompt assistant!");
  EXPECT_EQ(refusal.steps[1].text, "?");
  EXPECT_THAT(refusal.calls, SizeIs(2));  // the refused one was paid for, too

  TranscriptBuilder builder;
  builder.User("u1", "", "\"hi\"")
      .User("u2", "u1", "\"\"")
      .User("u3", "u2", "\"reminder\"", R"("isMeta":true,)")
      .Assistant("a1", "u3", "m1", TextBlock("No response requested."),
                 R"("isApiErrorMessage":true,)")
      .Assistant("a2", "a1", "m2", TextBlock(""))
      .Raw(R"({"type":"assistant","uuid":"a3","parentUuid":"a2","message":)"
           R"({"model":"<synthetic>","id":"m3","content":[{"type":"text",)"
           R"("text":"API Error"}]}})")
      .User("u4", "a3", R"([{"type":"text","text":"  "}])")
      .Assistant("a4", "u4", "m4", TextBlock("yes"));
  const Transcript built = Parse(builder.text());
  EXPECT_EQ(Shape(built), "prompt assistant!");
  EXPECT_EQ(built.steps[1].text, "yes");
  EXPECT_THAT(built.leaves, SizeIs(1));
}

TEST(Transcript, TakesANotificationForAPrompt) {
  const Transcript transcript =
      Parse(ReadTranscriptFile("33333333-3333-4333-8333-333333333333.jsonl"));
  EXPECT_EQ(Shape(transcript),
            "prompt assistantx tool_results assistant! prompt assistant!");
  EXPECT_THAT(transcript.steps[4].text, HasSubstr("<task-notification>"));
  EXPECT_THAT(transcript.steps[4].preview, Not(HasSubstr("\n")));
}

TEST(Transcript, LeavesSidechainsOfTheMainFileOut) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"hi\"")
      .Assistant("a1", "u1", "m1", TextBlock("yes"))
      .User("x1", "", "\"sub\"", R"("isSidechain":true,)")
      .Assistant("x2", "x1", "m2", TextBlock("sub answer"),
                 R"("isSidechain":true,)");
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(Shape(transcript), "prompt assistant!");
  EXPECT_EQ(transcript.leaf, "a1");
  EXPECT_THAT(transcript.leaves, SizeIs(1));
}

TEST(Transcript, GoesOnAcrossACompactBoundary) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"first\"")
      .Assistant("a1", "u1", "m1", TextBlock("one"))
      .Raw(R"({"type":"system","subtype":"compact_boundary","uuid":"b",)"
           R"("parentUuid":null,"logicalParentUuid":"a1","sessionId":"s1"})")
      .User("u2", "b", "\"summary\"", R"("isCompactSummary":true,)")
      .User("u3", "u2", "\"second\"")
      .Assistant("a2", "u3", "m2", TextBlock("two"));
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(Shape(transcript), "prompt assistant! prompt prompt assistant!");
  EXPECT_EQ(transcript.steps[0].text, "first");
  EXPECT_THAT(transcript.leaves, SizeIs(1));
}

TEST(Transcript, JoinsParallelCallsWhoseResultSitsBetweenTheBlocks) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"go\"")
      .Assistant("a1", "u1", "m1", ToolUseBlock("t1"))
      .User("r1", "a1", "[" + ToolResultBlock("t1") + "]")
      .Assistant("a2", "r1", "m1", ToolUseBlock("t2"))
      .User("r2", "a2", "[" + ToolResultBlock("t2") + "]")
      .Assistant("a3", "r2", "m2", TextBlock("done"));
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(Shape(transcript), "prompt assistantx tool_results assistant!");
  EXPECT_EQ(transcript.steps[1].content_raw,
            "[" + ToolUseBlock("t1") + "," + ToolUseBlock("t2") + "]");
  EXPECT_EQ(transcript.steps[2].content_raw,
            "[" + ToolResultBlock("t1") + "," + ToolResultBlock("t2") + "]");
  EXPECT_THAT(transcript.steps[1].open_tool_uses, IsEmpty());
  EXPECT_THAT(transcript.calls, SizeIs(2));
}

// Each result hangs on its own block; the chain goes on from one of them only.
TranscriptBuilder ForkingParallelCalls(const std::string& goes_on_from) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"go\"")
      .Assistant("a0", "u1", "m1", TextBlock("calling"))
      .Assistant("a1", "a0", "m1", ToolUseBlock("t1"))
      .Assistant("a2", "a1", "m1", ToolUseBlock("t2"))
      .User("r1", "a1", "[" + ToolResultBlock("t1") + "]")
      .User("r2", "a2", "[" + ToolResultBlock("t2") + "]")
      .Assistant("a3", goes_on_from, "m2", TextBlock("done"));
  return builder;
}

TEST(Transcript, JoinsParallelCallsWhoseChainForks) {
  for (const char* parent : {"r1", "r2", "a2"}) {
    const Transcript transcript = Parse(ForkingParallelCalls(parent).text());
    EXPECT_EQ(Shape(transcript), "prompt assistantx tool_results assistant!")
        << parent;
    EXPECT_THAT(transcript.leaves, SizeIs(1)) << parent;
    EXPECT_THAT(transcript.steps[1].uuids, ElementsAre("a0", "a1", "a2"));
    EXPECT_THAT(transcript.steps[2].uuids, ElementsAre("r1", "r2"));
    EXPECT_EQ(transcript.steps[2].content_raw,
              "[" + ToolResultBlock("t1") + "," + ToolResultBlock("t2") + "]")
        << parent;
  }
}

TEST(Transcript, DoesNotCompleteAMessageSomebodyResumedIn) {
  TranscriptBuilder builder = ForkingParallelCalls("r2");
  builder.User("u2", "a0", "\"other\"")
      .Assistant("a4", "u2", "m3", TextBlock("else"));
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(Shape(transcript), "prompt assistant! prompt assistant!");
  ASSERT_THAT(transcript.leaves, SizeIs(2));
  EXPECT_EQ(transcript.leaves[1].uuid, "a3");
  EXPECT_EQ(transcript.leaves[1].forked_at, "a0");
}

TEST(Transcript, PutsResultsBeforeTheTextOfTheirLines) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"go\"")
      .Assistant("a1", "u1", "m1", ToolUseBlock("t1"))
      .Assistant("a2", "a1", "m1", ToolUseBlock("t2"))
      .User("r1", "a2",
            "[" + TextBlock("note") + "," + ToolResultBlock("t1") + "]")
      .User("r2", "r1", "[" + ToolResultBlock("t2") + "]");
  const Transcript transcript = Parse(builder.text());
  ASSERT_THAT(transcript.steps, SizeIs(3));
  EXPECT_EQ(transcript.steps[2].content_raw, "[" + ToolResultBlock("t1") + "," +
                                                 ToolResultBlock("t2") + "," +
                                                 TextBlock("note") + "]");
}

TEST(Transcript, ListsAnUnansweredCallAsAnInvalidCut) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"go\"")
      .Assistant("a1", "u1", "m1", ToolUseBlock("t1"));
  const Transcript torn = Parse(builder.text());
  EXPECT_EQ(Shape(torn), "prompt assistantx");
  EXPECT_THAT(torn.steps[1].open_tool_uses, ElementsAre("t1"));
  EXPECT_THAT(torn.steps[1].nearest, ElementsAre(1));
  EXPECT_THAT(torn.steps[1].why_not, HasSubstr("t1"));

  builder.User("u2", "a1", "\"on\"")
      .Assistant("a2", "u2", "m2", TextBlock("ok"));
  const Transcript gone_on = Parse(builder.text());
  EXPECT_EQ(Shape(gone_on), "prompt assistantx promptx assistantx");
  EXPECT_THAT(gone_on.steps[3].why_not, HasSubstr("step 2"));
}

TEST(Transcript, DropsResultsThatAnswerNothing) {
  TranscriptBuilder builder;
  builder.User("r0", "gone", "[" + ToolResultBlock("t0") + "]")
      .User("u1", "r0",
            "[" + ToolResultBlock("t9") + "," + TextBlock("hi") + "]")
      .Assistant("a1", "u1", "m1", TextBlock("yes"));
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(Shape(transcript), "prompt assistant!");
  EXPECT_EQ(transcript.steps[0].content_raw, "[" + TextBlock("hi") + "]");
}

TEST(Transcript, ToleratesATornLastLine) {
  const std::string whole = ReadTranscriptFile("in_place_branch.jsonl");
  const size_t last = whole.rfind("\n{", whole.size() - 2);
  for (const std::string& cut :
       {whole.substr(0, last + 20), whole.substr(0, last + 2),
        whole.substr(0, last + 20) + "\n",
        whole.substr(0, last + 1) + std::string(100, '\0')}) {
    const Transcript transcript = Parse(cut);
    EXPECT_THAT(transcript.steps, SizeIs(6));
    EXPECT_TRUE(transcript.torn);
  }
  EXPECT_FALSE(Parse(whole.substr(0, whole.size() - 1)).torn);
}

TEST(Transcript, LoadsEveryPrefixOfARealFile) {
  const std::string whole = ReadTranscriptFile("older_cli.jsonl");
  const size_t first_message = whole.find("\"uuid\"");
  for (size_t size = whole.find('\n', first_message) + 1; size <= whole.size();
       ++size) {
    const auto transcript = ParseTranscript(whole.substr(0, size), {});
    ASSERT_TRUE(transcript.ok()) << size << transcript.status();
    EXPECT_GE(transcript->steps.size(), 1u);
  }
}

TEST(Transcript, NamesADamagedLineElsewhere) {
  std::string bytes = ReadTranscriptFile("older_cli.jsonl");
  bytes.insert(bytes.find('\n') + 1, "{\"cut\":\n\n");
  const auto damaged = ParseTranscript(bytes, {});
  EXPECT_EQ(damaged.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(damaged.status().message(), HasSubstr("line 2 "));
}

TEST(Transcript, RefusesWhatHoldsNoMessage) {
  for (const char* bytes : {"", "\n", "hello", "{}", "{\"type\":\"mode\"}\n"}) {
    EXPECT_EQ(ParseTranscript(bytes, {}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bytes;
  }
}

TEST(Transcript, SurvivesCyclesAndStrayLines) {
  TranscriptBuilder builder;
  builder.User("u1", "a1", "\"hi\"")
      .Assistant("a1", "u1", "m1", TextBlock("yes"))
      .Attachment("x1", "x2", "{}")
      .Attachment("x2", "x1", "{}")
      .Raw("[1]")
      .User("u2", "x2", "\"on\"");
  EXPECT_FALSE(ParseTranscript(builder.text(), {}).ok());  // "[1]" is damage
  TranscriptBuilder good;
  good.User("u1", "a1", "\"hi\"")
      .Assistant("a1", "u1", "m1", TextBlock("yes"))
      .Attachment("x1", "x2", "{}")
      .Attachment("x2", "x1", "{}")
      .Raw(R"({"type":"novel","uuid":"n","parentUuid":"x1"})")
      .User("u2", "n", "\"on\"");
  EXPECT_EQ(Shape(Parse(good.text())), "prompt");
}

TEST(Transcript, KeepsLoneSurrogates) {
  TranscriptBuilder builder;
  builder.User("u1", "", R"("a\ud83d")");
  const Transcript transcript = Parse(builder.text());
  EXPECT_EQ(transcript.steps[0].content_raw, R"("a\ud83d")");
}

TEST(CompareIdentity, KnowsSameLongerAndOther) {
  TranscriptBuilder builder;
  builder.User("u1", "", "\"hi\"");
  builder.Assistant("a1", "u1", "m1", TextBlock("yes"));
  const Transcript known = Parse(builder.text());
  const Transcript same = Parse(builder.text() + "{\"type\":\"mode\"}\n");
  EXPECT_EQ(CompareIdentity(known.identity, same.identity), Revision::kSame);

  std::string changed = builder.text();
  changed.replace(changed.find("hi"), 2, "ho");
  EXPECT_EQ(CompareIdentity(known.identity, Parse(changed).identity),
            Revision::kOther);

  builder.User("u0", "a1", "\"more\"");
  const Transcript longer = Parse(builder.text());
  EXPECT_EQ(CompareIdentity(known.identity, longer.identity),
            Revision::kSuperset);
  EXPECT_EQ(CompareIdentity(longer.identity, known.identity), Revision::kOther);
}

TEST(CompareIdentity, ToldByAFixedHash) {
  TranscriptBuilder builder;
  builder.Raw(R"({"type":"user","uuid":"u","message":{"content":"x"}})");
  EXPECT_THAT(Parse(builder.text()).identity,
              ElementsAre(LineIdentity{"u", 7138232063565889722u}));
}

}  // namespace
}  // namespace anabranch::claude
