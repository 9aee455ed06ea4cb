#include "claude/conversation_activities.h"

#include <string>

#include "claude/json.h"
#include "claude/transcript.h"
#include "claude/transcript_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::HasSubstr;

std::string Load(std::string_view input) {
  const auto result =
      LoadConversation(ReadTranscriptFile("in_place_branch.jsonl"), input);
  return result.ok() ? *result : result.status().ToString();
}

TEST(LoadConversation, SummarisesTheForkPoint) {
  const std::string summary = Load(R"({"fork_at_step":4})");
  EXPECT_THAT(summary, HasSubstr(R"("steps":6,"fork":{"step":4,"kind":)"
                                 R"("assistant","needs_message":true},)"
                                 R"("default_model":"claude-)"));
  EXPECT_THAT(Load(R"({"fork_at_step":1})"),
              HasSubstr(R"("kind":"prompt","needs_message":false)"));
}

TEST(LoadConversation, FollowsTheLeaf) {
  const auto transcript =
      ParseTranscript(ReadTranscriptFile("in_place_branch.jsonl"), {});
  ASSERT_TRUE(transcript.ok());
  for (const TranscriptLeaf& leaf : transcript->leaves) {
    EXPECT_THAT(Load(R"({"fork_at_step":5,"leaf":")" + leaf.uuid + "\"}"),
                HasSubstr(R"("leaf":")" + leaf.uuid + "\""));
  }
  EXPECT_THAT(Load(R"({"fork_at_step":5,"leaf":"none"})"),
              HasSubstr("NOT_FOUND"));
}

TEST(LoadConversation, RefusesWhatIsNoForkPoint) {
  EXPECT_THAT(Load(R"({"fork_at_step":2})"), HasSubstr("FAILED_PRECONDITION"));
  EXPECT_THAT(Load(R"({"fork_at_step":7})"), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(Load("{}"), HasSubstr("fork_at_step: must be an integer"));
  EXPECT_THAT(Load("x"), HasSubstr("input: "));
}

TEST(CompareConversation, PutsTheCheckpointsOriginalFirst) {
  const auto checkpoint = CheckpointConversation(
      ReadTranscriptFile("in_place_branch.jsonl"), R"({"fork_at_step":4})");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto comparison = CompareConversation(
      *checkpoint,
      R"({"branches":[{"name":"b","state":"COMPLETED","text":"t"}]})");
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  const auto object = JsonObject::Parse(*comparison);
  const auto columns = JsonElements(object->Get("branches"));
  ASSERT_EQ(columns->size(), 2u);
  EXPECT_EQ(JsonObject::Parse((*columns)[0])->GetString("name"), "original");
  EXPECT_EQ(JsonObject::Parse((*columns)[1])->GetString("name"), "b");
  EXPECT_EQ(object->GetInt("total"), 1);
}

TEST(CompareConversation, NamesWhatIsMissing) {
  EXPECT_THAT(CompareConversation("{}", "{}").status().ToString(),
              HasSubstr("branches"));
  EXPECT_THAT(CompareConversation("", R"({"branches":[]})").status().ToString(),
              HasSubstr("checkpoint"));
}

}  // namespace
}  // namespace anabranch::claude
