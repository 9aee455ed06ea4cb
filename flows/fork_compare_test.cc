#include "flows/fork_compare.h"

#include <string>

#include "claude/conversation_activities.h"
#include "claude/json.h"
#include "claude/request.h"
#include "claude/transcript_fixture.h"
#include "flows/testing/flow_driver.h"
#include "flows/testing/prepare_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kInput[] =
    R"({"conversation":"c","fork_at_step":3,"leaf":"u","branches":[)"
    R"({"name":"a"},{"name":"b","model":"m-b"}]})";

FlowDriver::Attachments Conversation() {
  return {{"conversation", sdk::JsonPayload("\"transcript\"")}};
}

TEST(ForkCompareFlow, LoadsCutsBranchesAndCompares) {
  FlowDriver run(ForkCompare());
  run.Start(kInput, Conversation());
  ASSERT_THAT(run.OpenActivities(), ElementsAre("load"));
  EXPECT_EQ(run.Activity("load").activity_type(), "conversation.load");
  EXPECT_EQ(run.InputJson("load"), R"({"fork_at_step":3,"leaf":"u"})");
  EXPECT_EQ(run.Activity("load").attachments().at("conversation").json_text(),
            "\"transcript\"");
  run.Complete("load", R"({"default_model":"m-0"})");
  ASSERT_THAT(run.OpenActivities(), ElementsAre("checkpoint"));
  EXPECT_EQ(run.Activity("checkpoint").activity_type(),
            "conversation.checkpoint");
  EXPECT_EQ(run.InputJson("checkpoint"), R"({"fork_at_step":3,"leaf":"u"})");
  EXPECT_EQ(run.Activity("checkpoint").attachments().size(), 1u);
  run.Complete("checkpoint", R"({"messages":[]})");
  ASSERT_THAT(run.OpenActivities(), ElementsAre("a/turn-1", "b/turn-1"));
  run.Complete("b/turn-1", R"({"content":[],"text":"B"})");
  run.Complete("a/turn-1", R"({"content":[],"text":"A"})");
  ASSERT_THAT(run.OpenActivities(), ElementsAre("compare"));
  EXPECT_EQ(run.Activity("compare").activity_type(), "conversation.compare");
  EXPECT_EQ(run.Activity("compare").attachments().at("checkpoint").json_text(),
            R"({"messages":[]})");
  // In the order of the input, whichever ended first.
  EXPECT_THAT(run.InputJson("compare"),
              HasSubstr(R"({"branches":[{"name":"a",)"));
  run.Complete("compare", R"({"branches":[],"total":2})");
  EXPECT_EQ(run.ResultJson(), R"({"branches":[],"total":2})");
}

TEST(ForkCompareFlow, HandsReferencesOnWithoutReadingThem) {
  FlowDriver run(ForkCompare());
  run.StoreAbove(0);
  run.Start(kInput, {{"conversation", run.Store("transcript")}});
  run.Complete("load", R"({"default_model":"m-0"})");
  run.Complete("checkpoint", R"({"messages":[]})");
  const auto& turn = run.Activity("a/turn-1");
  const auto& checkpoint = turn.attachments().at("checkpoint");
  EXPECT_TRUE(checkpoint.has_ref());
  EXPECT_THAT(turn.input().json_text(), HasSubstr(R"("model":"m-0")"));
  run.Complete("a/turn-1", R"({"content":[],"text":"A"})");
  run.Complete("b/turn-1", R"({"content":[],"text":"B"})");
  EXPECT_EQ(
      run.Activity("compare").attachments().at("checkpoint").ref().sha256(),
      checkpoint.ref().sha256());
  run.Complete("compare", R"({"total":2})");
  EXPECT_EQ(run.ResultJson(), R"({"total":2})");
}

TEST(ForkCompareFlow, FailsWhenItCannotCut) {
  FlowDriver first(ForkCompare());
  first.Start(kInput, Conversation());
  first.Fail("load", "invalid_argument", "line 3 is damaged");
  EXPECT_EQ(first.Failure(), "invalid_argument: line 3 is damaged");
  FlowDriver second(ForkCompare());
  second.Start(kInput, Conversation());
  second.Complete("load", "{}");
  second.Fail("checkpoint", "worker_lost", "gone");
  EXPECT_EQ(second.Failure(), "worker_lost: gone");
}

TEST(ForkCompareFlow, FailsWhenItCannotCompare) {
  FlowDriver run(ForkCompare());
  run.Start(kInput, Conversation());
  run.Complete("load", "{}");
  run.Complete("checkpoint", "{}");
  run.Fail("a/turn-1", "x", "y");
  run.Fail("b/turn-1", "x", "y");
  EXPECT_FALSE(run.closed());
  run.Fail("compare", "internal", "no");
  EXPECT_EQ(run.Failure(), "internal: no");
}

TEST(ForkCompareFlow, FailsWithoutItsConversation) {
  FlowDriver run(ForkCompare());
  run.Start(kInput);
  EXPECT_THAT(run.Failure(), HasSubstr("no conversation attached"));
}

TEST(ForkCompareFlow, IsCancelledAtEveryStage) {
  for (int stage = 0; stage < 4; ++stage) {
    SCOPED_TRACE(stage);
    FlowDriver run(ForkCompare());
    run.Start(kInput, Conversation());
    if (stage > 0) run.Complete("load", "{}");
    if (stage > 1) run.Complete("checkpoint", "{}");
    if (stage > 2) {
      run.Complete("a/turn-1", R"({"content":[],"text":"A"})");
      run.Complete("b/turn-1", R"({"content":[],"text":"B"})");
    }
    const auto open = run.OpenActivities();
    run.RequestCancel();
    EXPECT_EQ(run.cancelled(), open);
    EXPECT_TRUE(run.closing().has_cancel_run());
  }
}

std::string ReplyFrom(const std::string& name) {
  return R"({"content":[{"type":"text","text":"from )" + name +
         R"("}],"stop_reason":"end_turn","text":"from )" + name +
         R"(","usage":{"input_tokens":1,"output_tokens":2}})";
}

// The activities as a worker carries them out, over a real transcript.
TEST(ForkCompareFlow, MeetsItsActivities) {
  const std::string transcript =
      claude::ReadTranscriptFile("in_place_branch.jsonl");
  FakePrepareContext context;
  const sdk::FlowDefinition flow = ForkCompare();
  const auto object = claude::JsonObject::Parse(flow.example);
  context.Add(object->GetString("conversation"), transcript);
  ASSERT_EQ(Refusal(flow, flow.example, context), "OK");

  FlowDriver run(flow);
  run.Start(flow.example, Conversation());
  const auto summary =
      claude::LoadConversation(transcript, run.InputJson("load"));
  ASSERT_TRUE(summary.ok()) << summary.status();
  run.Complete("load", *summary);
  const auto checkpoint =
      claude::CheckpointConversation(transcript, run.InputJson("checkpoint"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  run.Complete("checkpoint", *checkpoint);
  while (run.OpenActivities() != std::vector<std::string>{"compare"}) {
    ASSERT_FALSE(run.OpenActivities().empty());
    const std::string name = run.OpenActivities().front();
    const auto body =
        claude::BuildRequestBody(run.InputJson(name), *checkpoint);
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_THAT(*body, HasSubstr(R"("model":"claude-)"));
    run.Complete(name, ReplyFrom(name));
  }
  const auto comparison =
      claude::CompareConversation(*checkpoint, run.InputJson("compare"));
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  run.Complete("compare", *comparison);
  const std::string json = run.ResultJson();
  const auto result = claude::JsonObject::Parse(json);
  ASSERT_TRUE(result.ok());
  const auto columns = claude::JsonElements(result->Get("branches"));
  ASSERT_EQ(columns->size(), 5u);
  EXPECT_THAT(std::string((*columns)[0]), HasSubstr(R"("name":"original")"));
  EXPECT_THAT(std::string((*columns)[4]),
              HasSubstr(R"("text":"from doubt/turn-2")"));
  EXPECT_EQ(result->GetInt("completed"), 4);
  EXPECT_EQ(run.OpenTimers(), 0u);
}

}  // namespace
}  // namespace anabranch::flows
