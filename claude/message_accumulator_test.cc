#include "claude/message_accumulator.h"

#include <string>

#include "claude/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::HasSubstr;

// Feeds {event, data} with the event's name taken from data's type.
absl::Status Feed(MessageAccumulator& message, const std::string& data) {
  return message.Feed({"", data});
}

void Start(MessageAccumulator& message) {
  ASSERT_TRUE(Feed(message,
                   R"({"type":"message_start","message":{"id":"msg_1",)"
                   R"("model":"m","content":[],"usage":{"input_tokens":11,)"
                   R"("cache_read_input_tokens":3,"output_tokens":1}}})")
                  .ok());
}

void StartBlock(MessageAccumulator& message, int index,
                const std::string& block) {
  ASSERT_TRUE(Feed(message, R"({"type":"content_block_start","index":)" +
                                std::to_string(index) + R"(,"content_block":)" +
                                block + "}")
                  .ok());
}

void Delta(MessageAccumulator& message, int index, const std::string& delta) {
  ASSERT_TRUE(Feed(message, R"({"type":"content_block_delta","index":)" +
                                std::to_string(index) + R"(,"delta":)" + delta +
                                "}")
                  .ok());
}

AssistantMessage Stop(MessageAccumulator& message) {
  EXPECT_TRUE(
      Feed(message,
           R"({"type":"message_delta","delta":{"stop_reason":"end_turn",)"
           R"("stop_sequence":null},"usage":{"output_tokens":15,)"
           R"("cache_read_input_tokens":null}})")
          .ok());
  EXPECT_TRUE(Feed(message, R"({"type":"message_stop"})").ok());
  EXPECT_EQ(message.state(), MessageAccumulator::State::kDone);
  const auto result = message.Finish();
  EXPECT_TRUE(result.ok()) << result.status();
  return *result;
}

TEST(MessageAccumulator, KeepsTextAsTheBytesThatCame) {
  MessageAccumulator message;
  Start(message);
  StartBlock(message, 0,
             R"({"type": "text", "text": "", "citations":null, "x":1e2})");
  Delta(message, 0, R"({"type":"text_delta","text":"a\u00e9\/"})");
  Delta(message, 0, R"({"type":"text_delta","text":"\ud83d lone"})");
  const AssistantMessage result = Stop(message);
  EXPECT_EQ(result.content_raw,
            R"([{"type": "text", "text": "a\u00e9\/\ud83d lone", )"
            R"("citations":null, "x":1e2}])");
  EXPECT_EQ(result.text, "a\xC3\xA9/\xEF\xBF\xBD lone");
  EXPECT_EQ(result.id, "msg_1");
  EXPECT_EQ(result.model, "m");
  EXPECT_EQ(result.stop_reason, "end_turn");
}

TEST(MessageAccumulator, OverwritesUsageUnlessNull) {
  MessageAccumulator message;
  Start(message);
  EXPECT_EQ(Stop(message).usage_raw,
            R"({"input_tokens":11,"cache_read_input_tokens":3,)"
            R"("output_tokens":15})");
}

TEST(MessageAccumulator, JoinsThinkingAndReplacesTheSignature) {
  MessageAccumulator message;
  Start(message);
  StartBlock(message, 0, R"({"type":"thinking","thinking":"","signature":""})");
  Delta(message, 0, R"({"type":"thinking_delta","thinking":"I \"am"})");
  Delta(message, 0, R"({"type":"thinking_delta","thinking":"\" here"})");
  Delta(message, 0, R"({"type":"signature_delta","signature":"old"})");
  Delta(message, 0, R"({"type":"signature_delta","signature":"Eq\/oB=="})");
  EXPECT_EQ(Stop(message).content_raw,
            R"([{"type":"thinking","thinking":"I \"am\" here",)"
            R"("signature":"Eq\/oB=="}])");
}

TEST(MessageAccumulator, JoinsToolInputAsJsonText) {
  MessageAccumulator message;
  Start(message);
  StartBlock(message, 0,
             R"({"type":"tool_use","id":"toolu_1","name":"B","input":{}})");
  StartBlock(message, 1,
             R"({"type":"tool_use","id":"toolu_2","name":"C","input":{}})");
  Delta(message, 0, R"({"type":"input_json_delta","partial_json":""})");
  Delta(message, 1, R"({"type":"input_json_delta","partial_json":""})");
  Delta(message, 0,
        R"({"type":"input_json_delta","partial_json":"{\"a\": \"\\ud8"})");
  Delta(message, 0, R"({"type":"input_json_delta","partial_json":"3d\"}"})");
  const AssistantMessage result = Stop(message);
  EXPECT_EQ(
      result.content_raw,
      R"([{"type":"tool_use","id":"toolu_1","name":"B","input":{"a": "\ud83d"}},)"
      R"({"type":"tool_use","id":"toolu_2","name":"C","input":{}}])");
  EXPECT_EQ(result.cut_tool_input, "");
}

TEST(MessageAccumulator, SetsACutToolInputAside) {
  MessageAccumulator message;
  Start(message);
  StartBlock(message, 0, R"({"type":"tool_use","id":"t","name":"B"})");
  Delta(message, 0, R"({"type":"input_json_delta","partial_json":"{\"a\":"})");
  const AssistantMessage result = Stop(message);
  EXPECT_EQ(result.content_raw,
            R"([{"type":"tool_use","id":"t","name":"B","input":{}}])");
  EXPECT_EQ(result.cut_tool_input, R"({"a":)");
}

TEST(MessageAccumulator, AppendsCitations) {
  MessageAccumulator message;
  Start(message);
  StartBlock(message, 0, R"({"type":"text","text":"","citations":[]})");
  Delta(message, 0, R"({"type":"citations_delta","citation":{"n":1}})");
  Delta(message, 0, R"({"type":"text_delta","text":"x"})");
  Delta(message, 0, R"({"type":"citations_delta","citation":{"n":2}})");
  EXPECT_EQ(Stop(message).content_raw,
            R"([{"type":"text","text":"x","citations":[{"n":1},{"n":2}]}])");
}

TEST(MessageAccumulator, IgnoresWhatItDoesNotKnow) {
  MessageAccumulator message;
  EXPECT_TRUE(message.Feed({"ping", R"({"type": "ping"})"}).ok());
  EXPECT_TRUE(message.Feed({"brand_new", "no json"}).ok());
  Start(message);
  StartBlock(message, 0, R"({"type":"novel_block","payload":[1]})");
  Delta(message, 0, R"({"type":"novel_delta","x":1})");
  EXPECT_TRUE(Feed(message, R"({"type":"content_block_stop","index":0})").ok());
  EXPECT_EQ(Stop(message).content_raw,
            R"([{"type":"novel_block","payload":[1]}])");
  EXPECT_TRUE(Feed(message, "after the end").ok());
}

TEST(MessageAccumulator, GivesNewTextOnceAndNoHalfCharacter) {
  MessageAccumulator message;
  Start(message);
  StartBlock(message, 0, R"({"type":"text","text":""})");
  Delta(message, 0, R"({"type":"text_delta","text":"hi \ud83d"})");
  EXPECT_EQ(message.TakeNewText(), "hi ");
  EXPECT_EQ(message.TakeNewText(), "");
  Delta(message, 0, R"({"type":"text_delta","text":"\ude00 \\ud83d"})");
  EXPECT_EQ(message.TakeNewText(), "\xF0\x9F\x98\x80 \\ud83d");
  EXPECT_EQ(Stop(message).text, "hi \xF0\x9F\x98\x80 \\ud83d");
}

TEST(MessageAccumulator, WithoutStopIsIncomplete) {
  MessageAccumulator message;
  Start(message);
  EXPECT_EQ(message.state(), MessageAccumulator::State::kOpen);
  EXPECT_EQ(message.Finish().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(message.UsageRaw(), HasSubstr("\"input_tokens\":11"));
}

TEST(MessageAccumulator, ReportsAnErrorEvent) {
  MessageAccumulator message;
  Start(message);
  const std::string data =
      R"({"type":"error","error":{"details":{"error_code":"c"},)"
      R"("type":"overloaded_error","message":"Overloaded"},)"
      R"("request_id":"req_1"})";
  ASSERT_TRUE(message.Feed({"error", data}).ok());
  EXPECT_EQ(message.state(), MessageAccumulator::State::kError);
  EXPECT_EQ(message.error().type, "overloaded_error");
  EXPECT_EQ(message.error().message, "Overloaded");
  EXPECT_EQ(message.error().error_code, "c");
  EXPECT_EQ(message.error().request_id, "req_1");
  EXPECT_EQ(message.error().raw, data);
}

TEST(MessageAccumulator, TakesAnErrorByItsNameOrItsType) {
  for (const SseEvent& event :
       {SseEvent{"", R"({"type":"error","error":{}})"},
        SseEvent{"error", "no json"},
        SseEvent{"error", R"({"type":"message_stop"})"}}) {
    MessageAccumulator message;
    Start(message);
    ASSERT_TRUE(message.Feed(event).ok());
    EXPECT_EQ(message.state(), MessageAccumulator::State::kError);
  }
}

TEST(MessageAccumulator, RefusesMalformedAndMisplacedEvents) {
  for (const char* data :
       {R"({"type":"message_stop"})",
        R"({"type":"content_block_delta","index":0,"delta":{}})",
        R"({"type":"content_block_start","index":0,"content_block":{}})",
        R"({"type":"message_start"})"}) {
    MessageAccumulator message;
    EXPECT_EQ(Feed(message, data).code(), absl::StatusCode::kDataLoss) << data;
  }
  MessageAccumulator message;
  EXPECT_EQ(message.Feed({"message_start", "{"}).code(),
            absl::StatusCode::kDataLoss);
}

TEST(ParseCompleteMessage, GivesTheSameShape) {
  const auto message = ParseCompleteMessage(
      R"({"id":"msg_1","type":"message","model":"m","content":[)"
      R"({"type":"thinking","thinking":""}, {"type":"text","text":"a"},)"
      R"({"type":"text","text":"b"},{"type":"tool_use"},)"
      R"({"type":"text","text":"c"}],"stop_reason":"tool_use",)"
      R"("stop_sequence":null,"usage":{"input_tokens":1}})");
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->text, "ab\nc");
  EXPECT_EQ(message->stop_details_raw, "null");
  EXPECT_EQ(message->usage_raw, R"({"input_tokens":1})");
  EXPECT_FALSE(ParseCompleteMessage(R"({"type":"error"})").ok());
  EXPECT_FALSE(ParseCompleteMessage("<html>").ok());
}

TEST(TurnResultJson, SplicesTheContent) {
  AssistantMessage message;
  message.id = "msg_1";
  message.model = "m";
  message.content_raw = R"([{"type":"text","text":"\ud83d"}])";
  message.stop_reason = "end_turn";
  message.usage_raw = R"({"input_tokens": 1})";
  message.text = "x";
  EXPECT_EQ(TurnResultJson(message, ""),
            R"({"content":[{"type":"text","text":"\ud83d"}],)"
            R"("stop_reason":"end_turn","stop_sequence":null,)"
            R"("stop_details":null,"model":"m","id":"msg_1",)"
            R"("request_id":null,"usage":{"input_tokens": 1},"text":"x"})");
  message.cut_tool_input = "{";
  const std::string result = TurnResultJson(message, "req_1");
  EXPECT_THAT(result, HasSubstr(R"("request_id":"req_1")"));
  EXPECT_THAT(result, HasSubstr(R"("cut_tool_input":"{")"));
  EXPECT_TRUE(ValidateJson(result).ok());
}

}  // namespace
}  // namespace anabranch::claude
