// What is refused before a message is looked at: keys, versions, models,
// parameters, tools, thinking.
#include <string>

#include "fake_claude/testing/test_server.h"
#include "gtest/gtest.h"

namespace anabranch::fake_claude {
namespace {

using testing::ExpectInvalid;
using testing::HttpReply;
using testing::NewHeaders;
using testing::OldHeaders;

class Refusals : public testing::ServerTest {
 protected:
  static Json Tool(const std::string& name) {
    return {{"name", name},
            {"input_schema",
             {{"type", "object"},
              {"properties", {{"command", {{"type", "string"}}}}}}}};
  }
};

void ExpectUnauthorized(const HttpReply& reply, const std::string& message) {
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.ErrorType(), "authentication_error");
  EXPECT_EQ(reply.ErrorMessage(), message);
}

TEST_F(Refusals, MissingKey) {
  ExpectUnauthorized(Ask(Request(), {{"anthropic-version", "2023-06-01"}}),
                     "x-api-key header is required");
}

TEST_F(Refusals, TwoKeys) {
  auto headers = OldHeaders();
  headers.emplace_back("authorization", "Bearer key");
  ExpectUnauthorized(Ask(Request(), headers),
                     "x-api-key and authorization headers may not both be set");
}

TEST_F(Refusals, OtherSchemeThanBearer) {
  ExpectUnauthorized(Ask(Request(), {{"authorization", "Basic a2V5"},
                                     {"anthropic-version", "2023-06-01"}}),
                     "invalid authorization header");
}

TEST_F(Refusals, EitherHeaderIsAcceptedInEitherVersion) {
  EXPECT_EQ(Ask(Request(), OldHeaders()).status, 200);
  EXPECT_EQ(Ask(Request(), NewHeaders()).status, 200);
  EXPECT_EQ(Ask(Request(), {{"authorization", "Bearer key"},
                            {"anthropic-version", "2023-06-01"}})
                .status,
            200);
  EXPECT_EQ(Ask(Request(),
                {{"x-api-key", "key"}, {"anthropic-version", "2026-10-21"}})
                .status,
            200);
}

TEST_F(Refusals, MissingVersion) {
  ExpectInvalid(Ask(Request(), {{"x-api-key", "key"}}),
                "anthropic-version: header is required");
}

TEST_F(Refusals, UnknownVersion) {
  ExpectInvalid(Ask(Request(), {{"x-api-key", "key"},
                                {"anthropic-version", "2025-01-01"}}),
                "anthropic-version: \"2025-01-01\" is not a valid version");
}

TEST_F(Refusals, BodyThatIsNoJson) {
  const HttpReply reply = Post("/v1/messages", "{\"model\":");
  EXPECT_EQ(reply.status, 400);
  EXPECT_TRUE(
      reply.ErrorMessage().starts_with("The request body is not valid JSON: "));
}

TEST_F(Refusals, LoneSurrogate) {
  const HttpReply reply = Post("/v1/messages", R"({"model":"\ud83d"})");
  EXPECT_EQ(reply.status, 400);
}

TEST_F(Refusals, BodyNestedWithoutEnd) {
  const HttpReply reply = Post("/v1/messages", std::string(1'000'000, '['));
  ExpectInvalid(reply, "The request body is not valid JSON: nested too deeply");
}

TEST_F(Refusals, BodyThatIsNoObject) {
  ExpectInvalid(Post("/v1/messages", "[]"),
                "The request body must be a JSON object");
}

TEST_F(Refusals, BodyOver32Megabytes) {
  Json request = Request();
  request["messages"][0]["content"] = std::string(33u << 20, 'a');
  const HttpReply reply = Ask(request);
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.ErrorType(), "request_too_large");
}

TEST_F(Refusals, PromptBeyondTheContextWindow) {
  Json request = Request("claude-haiku-4-5");
  request["messages"][0]["content"] = std::string(900'000, 'a');
  EXPECT_TRUE(Ask(request).ErrorMessage().starts_with("prompt is too long: "));
}

TEST_F(Refusals, UnknownModel) {
  const HttpReply reply = Ask(Request("claude-nonesuch"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.ErrorType(), "not_found_error");
  EXPECT_EQ(reply.ErrorMessage(), "model: claude-nonesuch");
}

TEST_F(Refusals, RequiredFields) {
  for (const char* field : {"model", "max_tokens", "messages"}) {
    Json request = Request();
    request.erase(field);
    ExpectInvalid(Ask(request), std::string(field) + ": Field required");
  }
}

TEST_F(Refusals, MaxTokensAboveTheModels) {
  Json request = Request("claude-haiku-4-5");
  request["max_tokens"] = 64001;
  ExpectInvalid(Ask(request),
                "max_tokens: 64001 > 64000, which is the maximum allowed "
                "number of output tokens for claude-haiku-4-5-20251001");
}

TEST_F(Refusals, MaxTokensOfAnotherKind) {
  Json request = Request();
  request["max_tokens"] = -1;
  ExpectInvalid(Ask(request),
                "max_tokens: Input should be greater than or equal to 0");
  request["max_tokens"] = "many";
  ExpectInvalid(Ask(request), "max_tokens: Input should be a valid integer");
}

TEST_F(Refusals, StreamOfAnotherKind) {
  Json request = Request();
  request["stream"] = "yes";
  ExpectInvalid(Ask(request), "stream: Input should be a valid boolean");
}

TEST_F(Refusals, NewVersionHasNoSamplingParameters) {
  for (const char* field : {"temperature", "top_p", "top_k"}) {
    Json request = Request("claude-sonnet-4-5");
    request[field] = 1;
    EXPECT_EQ(Ask(request, OldHeaders()).status, 200);
    ExpectInvalid(Ask(request, NewHeaders()),
                  std::string(field) + ": Extra inputs are not permitted");
  }
}

TEST_F(Refusals, NewerModelsTakeOnlyTheDefaultTemperature) {
  Json request = Request("claude-opus-5-5");
  request["temperature"] = 1;
  EXPECT_EQ(Ask(request).status, 200);
  request["temperature"] = 0.5;
  ExpectInvalid(Ask(request), "`temperature` is deprecated for this model.");
  request["model"] = "claude-sonnet-4-5";
  EXPECT_EQ(Ask(request).status, 200);
  request["temperature"] = 1.5;
  ExpectInvalid(Ask(request), "temperature: range: 0..1");
}

TEST_F(Refusals, SystemAndStopSequences) {
  Json request = Request();
  request["system"] = Json::array({{{"type", "text"}, {"text", ""}}});
  ExpectInvalid(Ask(request), "system: text content blocks must be non-empty");
  request = Request();
  request["stop_sequences"] = Json::array({" "});
  ExpectInvalid(
      Ask(request),
      "stop_sequences: each stop sequence must contain non-whitespace");
}

TEST_F(Refusals, ThinkingCannotBeTurnedOff) {
  for (const char* model : {"claude-opus-5-5", "claude-fable-5-2"}) {
    for (const std::string type : {"disabled", "enabled"}) {
      Json request = Request(model);
      request["thinking"] = {{"type", type}, {"budget_tokens", 1024}};
      request["max_tokens"] = 2000;
      ExpectInvalid(
          Ask(request),
          "\"thinking.type." + type +
              "\" is not supported for this model. Use "
              "\"thinking.type.adaptive\" and \"output_config.effort\" to "
              "control thinking behavior.");
    }
  }
  Json request = Request("claude-haiku-5-5");
  request["thinking"] = {{"type", "disabled"}};
  EXPECT_EQ(Ask(request).status, 200);
}

TEST_F(Refusals, ThinkingBudget) {
  Json request = Request("claude-sonnet-4-5");
  request["thinking"] = {{"type", "enabled"}, {"budget_tokens", 1000}};
  ExpectInvalid(Ask(request),
                "thinking.enabled.budget_tokens: Input should be greater than "
                "or equal to 1024");
  request["thinking"]["budget_tokens"] = 1024;
  ExpectInvalid(Ask(request),
                "`max_tokens` must be greater than `thinking.budget_tokens`.");
  request["max_tokens"] = 1025;
  EXPECT_EQ(Ask(request).status, 200);
}

TEST_F(Refusals, BlockBindingNeedsItsBeta) {
  Json request = Request("claude-opus-5-5");
  request["thinking"] = {
      {"type", "adaptive"},
      {"block_binding", {{"prefix_mismatch_behavior", "drop_block"}}}};
  ExpectInvalid(Ask(request),
                "thinking.block_binding: Extra inputs are not permitted");
}

TEST_F(Refusals, ToolChoiceWithoutTools) {
  Json request = Request();
  request["tool_choice"] = {{"type", "none"}};
  ExpectInvalid(Ask(request),
                "tool_choice may only be specified while providing tools");
}

TEST_F(Refusals, ForcedToolChoice) {
  Json request = Request("claude-opus-5-5");
  request["tools"] = Json::array({Tool("Bash")});
  for (const char* type : {"any", "tool"}) {
    request["tool_choice"] = {{"type", type}, {"name", "Bash"}};
    request["model"] = "claude-opus-5-5";
    EXPECT_EQ(Ask(request).status, 400);
    request["model"] = "claude-sonnet-5-5";
    const HttpReply reply = Ask(request);
    EXPECT_EQ(reply.json["stop_reason"], "tool_use");
    EXPECT_EQ(reply.json["content"][0]["name"], "Bash");
  }
  request["tool_choice"] = {{"type", "tool"}, {"name", "Other"}};
  ExpectInvalid(Ask(request), "Tool 'Other' not found in provided tools");
}

TEST_F(Refusals, ToolDeclarations) {
  Json request = Request();
  request["tools"] = Json::array({Tool("Bash"), Tool("Bash")});
  ExpectInvalid(Ask(request), "tools: Tool names must be unique.");
  request["tools"] = Json::array({Tool("two words")});
  ExpectInvalid(Ask(request),
                "tools.0.custom.name: String should match pattern "
                "'^[a-zA-Z0-9_-]{1,128}$'");
  request["tools"] = Json::array({{{"name", "Bash"}}});
  ExpectInvalid(Ask(request), "tools.0.custom.input_schema: Field required");
}

TEST_F(Refusals, FiveCacheMarks) {
  Json request = Request();
  request["system"] = Json::array();
  for (int i = 0; i < 5; ++i) {
    request["system"].push_back({{"type", "text"},
                                 {"text", "x"},
                                 {"cache_control", {{"type", "ephemeral"}}}});
  }
  ExpectInvalid(Ask(request),
                "A maximum of 4 blocks with cache_control may be provided. "
                "Found 5.");
}

TEST_F(Refusals, AreListedInTheLedgerAsNotBegun) {
  Ask(Request("claude-nonesuch"));
  const Json call = LastCall();
  EXPECT_EQ(call["outcome"], "error:404");
  EXPECT_EQ(call["begun"], false);
  EXPECT_EQ(call["begun_ms"], nullptr);
  EXPECT_EQ(call["content"], nullptr);
}

TEST_F(Refusals, UnknownPathsAnswerInTheApisWords) {
  const HttpReply reply = Get("/v1/other");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.ErrorType(), "not_found_error");
}

TEST_F(Refusals, UnknownFieldsAndBetasAreAccepted) {
  Json request = Request();
  request["context_management"] = {{"edits", Json::array()}};
  auto headers = OldHeaders();
  headers.emplace_back("anthropic-beta", "some-beta-2026-01-01,other");
  EXPECT_EQ(Post("/v1/messages?beta=true", request.dump(), headers).status,
            200);
}

}  // namespace
}  // namespace anabranch::fake_claude
