// What is refused in the messages, and the rules of thinking signatures.
#include <string>
#include <utility>
#include <vector>

#include "fake_claude/testing/test_server.h"
#include "gtest/gtest.h"

namespace anabranch::fake_claude {
namespace {

using testing::ExpectInvalid;
using testing::HttpReply;
using testing::NewHeaders;
using testing::OldHeaders;

Json Message(const std::string& role, Json content) {
  return {{"role", role}, {"content", std::move(content)}};
}

Json Text(const std::string& text) {
  return {{"type", "text"}, {"text", text}};
}

Json ToolUse(const std::string& id) {
  return {{"type", "tool_use"},
          {"id", id},
          {"name", "Bash"},
          {"input", {{"command", "ls"}}}};
}

Json ToolResult(const std::string& id) {
  return {{"type", "tool_result"}, {"tool_use_id", id}, {"content", "ok"}};
}

std::string Unanswered(int message, const std::string& ids) {
  return "messages." + std::to_string(message) +
         ": `tool_use` ids were found without `tool_result` blocks immediately "
         "after: " +
         ids +
         ". Each `tool_use` block must have a corresponding `tool_result` "
         "block in the next message.";
}

class MessageRefusals : public testing::ServerTest {
 protected:
  HttpReply AskWith(const std::vector<Json>& messages,
                    const std::string& model = "claude-sonnet-5-5",
                    const testing::HeaderList& headers = OldHeaders()) {
    Json request = Request(model);
    request["messages"] = messages;
    return Ask(request, headers);
  }
};

TEST_F(MessageRefusals, NoMessages) {
  ExpectInvalid(AskWith({}), "messages: at least one message is required");
  Json request = Request();
  request["messages"] = "hello";
  ExpectInvalid(Ask(request), "messages: Input should be a valid list");
}

TEST_F(MessageRefusals, UnknownRole) {
  ExpectInvalid(
      AskWith({Message("tool", "x")}),
      "messages.0.role: Input should be 'user', 'assistant' or 'system'");
}

TEST_F(MessageRefusals, AssistantFirst) {
  ExpectInvalid(AskWith({Message("assistant", "x"), Message("user", "y")}),
                "messages: first message must use the \"user\" role");
}

TEST_F(MessageRefusals, SystemInTheMiddleIsAccepted) {
  EXPECT_EQ(AskWith({Message("user", "x"), Message("system", "be brief"),
                     Message("user", "y")})
                .status,
            200);
}

TEST_F(MessageRefusals, EmptyTexts) {
  ExpectInvalid(AskWith({Message("user", Json::array({Text("")}))}),
                "messages: text content blocks must be non-empty");
  ExpectInvalid(AskWith({Message("user", Json::array({Text(" \n")}))}),
                "messages: text content blocks must contain non-whitespace "
                "text");
  ExpectInvalid(AskWith({Message("user", "")}),
                "messages.0: all messages must have non-empty content except "
                "for the optional final assistant message");
}

TEST_F(MessageRefusals, BlocksOfUnknownShape) {
  EXPECT_TRUE(AskWith({Message("user", Json::array({{{"type", "sound"}}}))})
                  .ErrorMessage()
                  .starts_with("messages.0.content.0: Input tag 'sound' found "
                               "using 'type' does not match any of"));
  ExpectInvalid(AskWith({Message("user", Json::array({{{"type", "text"}}}))}),
                "messages.0.content.0.text.text: Field required");
  ExpectInvalid(AskWith({Message("user", Json::array({1}))}),
                "messages.0.content.0: Input should be a valid dictionary");
  Json call = ToolUse("toolu_1");
  call["input"] = "ls";
  ExpectInvalid(
      AskWith({Message("user", "x"), Message("assistant", Json::array({call})),
               Message("user", Json::array({ToolResult("toolu_1")}))}),
      "messages.1.content.0.tool_use.input: Input should be a valid "
      "dictionary");
}

TEST_F(MessageRefusals, ToolUseWithoutResult) {
  const Json call = Message("assistant", Json::array({ToolUse("toolu_1")}));
  ExpectInvalid(AskWith({Message("user", "x"), call, Message("user", "y")}),
                Unanswered(1, "toolu_1"));
  // The missing answer is told before the prefill is.
  ExpectInvalid(AskWith({Message("user", "x"), call}),
                Unanswered(1, "toolu_1"));
}

TEST_F(MessageRefusals, OneOfTwoToolUsesWithoutResult) {
  ExpectInvalid(
      AskWith({Message("user", "x"),
               Message("assistant",
                       Json::array({ToolUse("toolu_1"), ToolUse("toolu_2")})),
               Message("user", Json::array({ToolResult("toolu_2")}))}),
      Unanswered(1, "toolu_1"));
}

TEST_F(MessageRefusals, ResultsMustComeFirst) {
  ExpectInvalid(
      AskWith({Message("user", "x"),
               Message("assistant", Json::array({ToolUse("toolu_1")})),
               Message("user",
                       Json::array({Text("here:"), ToolResult("toolu_1")}))}),
      Unanswered(1, "toolu_1"));
}

TEST_F(MessageRefusals, ResultsMaySpanNeighbouringMessages) {
  EXPECT_EQ(AskWith({Message("user", "x"),
                     Message("assistant", Json::array({ToolUse("toolu_1")})),
                     Message("assistant", Json::array({ToolUse("toolu_2")})),
                     Message("user", Json::array({ToolResult("toolu_2")})),
                     Message("user", Json::array({ToolResult("toolu_1"),
                                                  Text("go on")}))})
                .status,
            200);
}

TEST_F(MessageRefusals, ResultWithoutToolUse) {
  ExpectInvalid(
      AskWith({Message("user", "x"), Message("assistant", "y"),
               Message("user", Json::array({ToolResult("toolu_9")}))}),
      "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` "
      "blocks: toolu_9. Each `tool_result` block must have a corresponding "
      "`tool_use` block in the previous message.");
}

TEST_F(MessageRefusals, TwoResultsForOneToolUse) {
  ExpectInvalid(
      AskWith({Message("user", "x"),
               Message("assistant", Json::array({ToolUse("toolu_1")})),
               Message("user", Json::array({ToolResult("toolu_1"),
                                            ToolResult("toolu_1")}))}),
      "messages.2.content.1: each tool_use must have a single result. Found "
      "multiple `tool_result` blocks with id: toolu_1");
}

TEST_F(MessageRefusals, NoPrefillOnNewerModels) {
  const std::vector<Json> messages = {Message("user", "x"),
                                      Message("assistant", "The")};
  ExpectInvalid(AskWith(messages, "claude-opus-5-5"),
                "This model does not support assistant message prefill. The "
                "conversation must end with a user message.");
  EXPECT_EQ(AskWith(messages, "claude-sonnet-4-5").status, 200);
  ExpectInvalid(AskWith({Message("user", "x"), Message("assistant", "The ")},
                        "claude-sonnet-4-5"),
                "messages: final assistant content cannot end with trailing "
                "whitespace");
}

TEST_F(MessageRefusals, PausedTurnSentBackIsNoPrefill) {
  Control({{"answers", Json::array({{{"match", {{"nth", 1}}},
                                     {"answer",
                                      {{"text", "Searching…"},
                                       {"stop_reason", "pause_turn"}}}}})}});
  const HttpReply paused = AskWith({Message("user", "x")}, "claude-opus-5-5");
  EXPECT_EQ(paused.json["stop_reason"], "pause_turn");
  const std::vector<Json> messages = {
      Message("user", "x"), Message("assistant", paused.json["content"])};
  EXPECT_EQ(AskWith(messages, "claude-opus-5-5").status, 200);
  const std::vector<Json> other = {
      Message("user", "x"), Message("assistant", Json::array({Text("Other")}))};
  EXPECT_EQ(AskWith(other, "claude-opus-5-5").status, 400);
}

TEST_F(MessageRefusals, DocumentOfTheAssistantInTheNewVersion) {
  const std::vector<Json> messages = {
      Message("user", "x"),
      Message("assistant",
              Json::array({{{"type", "document"},
                            {"source", {{"type", "text"}, {"data", "d"}}}}})),
      Message("user", "y")};
  EXPECT_EQ(AskWith(messages, "claude-sonnet-5-5", OldHeaders()).status, 200);
  EXPECT_EQ(AskWith(messages, "claude-sonnet-5-5", NewHeaders()).status, 400);
}

TEST_F(MessageRefusals, CitationsOfTheUserInTheNewVersion) {
  Json text = Text("x");
  text["citations"] = Json::array({{{"type", "char_location"}}});
  const std::vector<Json> messages = {Message("user", Json::array({text}))};
  EXPECT_EQ(AskWith(messages, "claude-sonnet-5-5", OldHeaders()).status, 200);
  EXPECT_EQ(AskWith(messages, "claude-sonnet-5-5", NewHeaders()).status, 400);
  text["citations"] = Json::array();
  EXPECT_EQ(AskWith({Message("user", Json::array({text}))}, "claude-sonnet-5-5",
                    NewHeaders())
                .status,
            200);
}

// A turn that begins with thinking, and what may be done to what came before.
class Signatures : public MessageRefusals {
 protected:
  Signatures() {
    Control(
        {{"answers",
          Json::array({{{"match", {{"user_contains", "think"}}},
                        {"answer",
                         {{"content", Json::array({{{"type", "thinking"},
                                                    {"thinking", ""}},
                                                   Text("Thought.")})}}}}})}});
  }

  // The conversation after one turn.
  Json Thought(const std::string& model) {
    Json request = Request(model, "think");
    request["system"] = "Be brief.";
    const HttpReply reply = Ask(request);
    EXPECT_EQ(reply.status, 200) << reply.body;
    request["messages"].push_back(Message("assistant", reply.json["content"]));
    request["messages"].push_back(Message("user", "go on"));
    return request;
  }

  static std::string Bound() {
    return "messages.1.content.0: Invalid `signature` in `thinking` block. The "
           "block is bound to a different conversation. Remove the block, or "
           "set `thinking.block_binding.prefix_mismatch_behavior` to "
           "\"drop_block\". That setting requires the "
           "`thinking-binding-controls-2026-08-01` value in the "
           "`anthropic-beta` header.";
  }
};

TEST_F(Signatures, HoldAfterTheSamePrefix) {
  EXPECT_EQ(Ask(Thought("claude-opus-5-5")).status, 200);
}

TEST_F(Signatures, IgnoreCacheControlAndTheFormOfTexts) {
  Json request = Thought("claude-opus-5-5");
  Json system = Text("Be brief.");
  system["cache_control"] = {{"type", "ephemeral"}};
  request["system"] = Json::array({system});
  request["messages"][0]["content"] = Json::array({Text("think")});
  EXPECT_EQ(Ask(request).status, 200);
}

TEST_F(Signatures, BreakWhenSystemToolsOrMessagesChange) {
  Json request = Thought("claude-opus-5-5");
  request["system"] = "Be verbose.";
  ExpectInvalid(Ask(request), Bound());
  request = Thought("claude-opus-5-5");
  request["tools"] =
      Json::array({{{"name", "Bash"}, {"input_schema", {{"type", "object"}}}}});
  ExpectInvalid(Ask(request), Bound());
  request = Thought("claude-opus-5-5");
  request["messages"][0]["content"] = "think more";
  ExpectInvalid(Ask(request), Bound());
}

TEST_F(Signatures, DropBlockDropsAndReports) {
  Json request = Thought("claude-opus-5-5");
  request["system"] = "Be verbose.";
  request["thinking"] = {
      {"type", "adaptive"},
      {"block_binding", {{"prefix_mismatch_behavior", "drop_block"}}}};
  auto headers = OldHeaders();
  headers.emplace_back("anthropic-beta",
                       "other,thinking-binding-controls-2026-08-01");
  const HttpReply reply = Ask(request, headers);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json["input_transformations"][0]["type"], "thinking_dropped");
}

TEST_F(Signatures, OfAnotherModelAreDroppedSilently) {
  Json request = Thought("claude-opus-5-5");
  request["model"] = "claude-fable-5-2";
  request["system"] = "Be verbose.";
  const HttpReply reply = Ask(request);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_FALSE(reply.json.contains("input_transformations"));
}

TEST_F(Signatures, OfOlderModelsAreNotBoundToThePrefix) {
  Json request = Thought("claude-sonnet-4-5");
  request["system"] = "Be verbose.";
  EXPECT_EQ(Ask(request).status, 200);
}

TEST_F(Signatures, LeavingOutAnEarlierBlockBreaksTheLater) {
  Json request = Thought("claude-opus-5-5");
  request["messages"].back() = Message("user", "think again");
  const HttpReply reply = Ask(request);
  request["messages"].push_back(Message("assistant", reply.json["content"]));
  request["messages"].push_back(Message("user", "go on"));
  EXPECT_EQ(Ask(request).status, 200);
  request["messages"][1]["content"].erase(0);
  EXPECT_TRUE(Ask(request).ErrorMessage().starts_with(
      "messages.3.content.0: Invalid `signature` in `thinking` block. The "
      "block is bound to a different conversation."));
}

TEST_F(Signatures, NeverMintedOrForAnotherTextAreInvalid) {
  Json request = Thought("claude-opus-5-5");
  request["messages"][1]["content"][0]["thinking"] = "Another thought.";
  const std::string invalid =
      "messages.1.content.0: Invalid `signature` in `thinking` block";
  ExpectInvalid(Ask(request), invalid);
  for (const char* signature : {"SIG/abc+def==verbatim", "SIG2", ""}) {
    request["messages"][1]["content"][0]["signature"] = signature;
    ExpectInvalid(Ask(request), invalid);
  }
}

}  // namespace
}  // namespace anabranch::fake_claude
