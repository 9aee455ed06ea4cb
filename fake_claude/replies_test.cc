// What is answered: shapes, order, bytes, usage, models, the ledger.
#include <set>
#include <string>
#include <vector>

#include "fake_claude/testing/test_server.h"
#include "gtest/gtest.h"

namespace anabranch::fake_claude {
namespace {

using testing::HttpReply;
using testing::NewHeaders;
using testing::OldHeaders;
using testing::RawContent;
using testing::ReadEvents;
using testing::SseEventRead;

class Replies : public testing::ServerTest {
 protected:
  void Script(const Json& content) {
    Control({{"answers", Json::array({{{"answer", {{"content", content}}}}})}});
  }
};

std::vector<std::string> Names(const std::string& body) {
  std::vector<std::string> names;
  for (const SseEventRead& event : ReadEvents(body)) {
    if (!names.empty() && names.back() == event.name) continue;
    names.push_back(event.name);
  }
  return names;
}

TEST_F(Replies, StreamHasTheApisOrder) {
  Script(Json::array({{{"type", "text"}, {"text", "One two three four five"}},
                      {{"type", "text"}, {"text", "Six"}}}));
  const HttpReply reply = Ask(Streamed(Request()));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(
      Names(reply.body),
      (std::vector<std::string>{
          "message_start", "content_block_start", "ping", "content_block_delta",
          "content_block_stop", "content_block_start", "content_block_delta",
          "content_block_stop", "message_delta", "message_stop"}));
}

TEST_F(Replies, StreamEventsHaveTheApisBytes) {
  Script(Json::array({{{"type", "text"}, {"text", "Hi"}}}));
  const std::string body = Ask(Streamed(Request())).body;
  const size_t start = body.find("event: content_block_start");
  EXPECT_EQ(body.substr(start),
            "event: content_block_start\n"
            "data: {\"type\":\"content_block_start\",\"index\":0,"
            "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
            "event: ping\ndata: {\"type\": \"ping\"}\n\n"
            "event: content_block_delta\n"
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
            "{\"type\":\"text_delta\",\"text\":\"Hi\"}}\n\n"
            "event: content_block_stop\n"
            "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
            "event: message_delta\n"
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
            "\"end_turn\",\"stop_sequence\":null},\"usage\":"
            "{\"output_tokens\":1}}\n\n"
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

TEST_F(Replies, ToolUseStreamsItsInputInParts) {
  Script(Json::array({{{"type", "tool_use"},
                       {"name", "Bash"},
                       {"input", {{"command", "ls \"a b\"\u2028"}}}},
                      {{"type", "tool_use"},
                       {"id", "toolu_2"},
                       {"name", "Now"},
                       {"input", Json::object()}}}));
  const HttpReply reply = Ask(Streamed(Request()));
  const std::vector<SseEventRead> events = ReadEvents(reply.body);
  EXPECT_EQ(events[3].data["delta"].dump(),
            R"({"type":"input_json_delta","partial_json":""})");
  EXPECT_EQ(events[events.size() - 2].data["delta"]["stop_reason"], "tool_use");
  const std::string content = RawContent(reply.body);
  EXPECT_EQ(LastCall()["content"], content);
  EXPECT_EQ(Json::parse(content)[0]["input"]["command"], "ls \"a b\"\u2028");
}

TEST_F(Replies, AccumulatedStreamEqualsTheLedgerByteForByte) {
  const std::set<std::string> prompts = {"Hello",       "Why?", "And \"then\"?",
                                         "line\nbreak", "blå",  "tab\there"};
  bool escaped_separator = false;
  for (const char* model :
       {"claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5",
        "claude-fable-5-2", "claude-mythos-5-2", "claude-sonnet-4-5"}) {
    for (const std::string& prompt : prompts) {
      const HttpReply reply = Ask(Streamed(Request(model, prompt)));
      const std::string content = RawContent(reply.body);
      EXPECT_EQ(LastCall()["content"], content);
      escaped_separator =
          escaped_separator || content.find("\\u2028") != std::string::npos;
    }
  }
  EXPECT_TRUE(escaped_separator);
}

TEST_F(Replies, UnstreamedContentIsTheStreamedOne) {
  const HttpReply streamed = Ask(Streamed(Request()));
  const HttpReply whole = Ask(Request());
  EXPECT_EQ(whole.Header("content-type"), "application/json");
  const std::string content = RawContent(streamed.body);
  EXPECT_NE(whole.body.find("\"content\":" + content + ","), std::string::npos);
  EXPECT_EQ(whole.json["type"], "message");
  EXPECT_EQ(whole.json["role"], "assistant");
  EXPECT_EQ(whole.json["stop_reason"], "end_turn");
  EXPECT_EQ(LastCall()["content"], content);
  EXPECT_EQ(LastCall()["usage"], whole.json["usage"]);
}

TEST_F(Replies, AreTheSameForTheSameRequestButForTheirIds) {
  const HttpReply first = Ask(Request());
  const HttpReply second = Ask(Request(), NewHeaders());
  EXPECT_EQ(first.json["content"], second.json["content"]);
  EXPECT_NE(first.json["id"], second.json["id"]);
  EXPECT_NE(first.Header("request-id"), second.Header("request-id"));
  EXPECT_TRUE(first.json["id"].get<std::string>().starts_with("msg_"));
  EXPECT_TRUE(first.Header("request-id").starts_with("req_"));
}

TEST_F(Replies, DifferPerModelPromptAndSystem) {
  std::set<std::string> contents;
  for (const char* model : {"claude-opus-5-5", "claude-sonnet-5-5",
                            "claude-haiku-5-5", "claude-fable-5-2"}) {
    contents.insert(Ask(Request(model)).json["content"].back()["text"]);
  }
  contents.insert(
      Ask(Request("claude-opus-5-5", "Bye")).json["content"].back()["text"]);
  Json request = Request("claude-opus-5-5");
  request["system"] = "Be a poet.";
  contents.insert(Ask(request).json["content"].back()["text"]);
  EXPECT_EQ(contents.size(), 6u);
}

TEST_F(Replies, StopAtMaxTokensAndStopSequences) {
  Json request = Request("claude-sonnet-5-5");
  request["max_tokens"] = 3;
  HttpReply reply = Ask(request);
  EXPECT_EQ(reply.json["stop_reason"], "max_tokens");
  EXPECT_EQ(reply.json["usage"]["output_tokens"], 3);
  request["max_tokens"] = 0;
  EXPECT_EQ(Ask(request).json["content"], Json::array());
  request = Request("claude-sonnet-5-5");
  request["stop_sequences"] = Json::array({"zzz", "asked"});
  reply = Ask(request);
  EXPECT_EQ(reply.json["stop_reason"], "stop_sequence");
  EXPECT_EQ(reply.json["stop_sequence"], "asked");
  EXPECT_TRUE(
      reply.json["content"][0]["text"].get<std::string>().ends_with("You "));
}

TEST_F(Replies, UsageSplitsAtTheLastCacheMark) {
  Json request = Request();
  request["system"] = Json::array(
      {{{"type", "text"},
        {"text", std::string(4000, 'x')},
        {"cache_control", {{"type", "ephemeral"}, {"ttl", "1h"}}}}});
  const Json usage = Ask(request).json["usage"];
  EXPECT_GE(usage["cache_creation_input_tokens"], 1000);
  EXPECT_EQ(usage["cache_creation"]["ephemeral_1h_input_tokens"],
            usage["cache_creation_input_tokens"]);
  EXPECT_LT(usage["input_tokens"], 100);
}

TEST_F(Replies, CountTokensCountsWhatMessagesCharges) {
  Json request = Request();
  const int64_t charged = Ask(request).json["usage"]["input_tokens"];
  request.erase("max_tokens");
  const HttpReply reply = Post("/v1/messages/count_tokens", request.dump());
  EXPECT_EQ(reply.json, (Json{{"input_tokens", charged}}));
  EXPECT_EQ(Get("/ledger?summary=1", {}).json["calls"], 1);
}

TEST_F(Replies, StructuredOutputFitsItsSchema) {
  Json request = Request();
  request["output_config"]["format"] = {
      {"type", "json_schema"},
      {"schema",
       {{"type", "object"},
        {"properties", {{"ok", {{"type", "boolean"}}}}},
        {"required", Json::array({"ok"})}}}};
  const Json value =
      Json::parse(Ask(request).json["content"][0]["text"].get<std::string>());
  EXPECT_TRUE(value["ok"].is_boolean());
}

TEST_F(Replies, ModelsAreListedInPages) {
  const HttpReply first = Get("/v1/models?limit=2");
  ASSERT_EQ(first.json["data"].size(), 2u);
  EXPECT_EQ(first.json["has_more"], true);
  const std::string last = first.json["last_id"];
  const HttpReply second = Get("/v1/models?limit=1000&after_id=" + last);
  EXPECT_EQ(second.json["has_more"], false);
  EXPECT_NE(second.json["data"][0]["id"], first.json["data"][1]["id"]);
  EXPECT_EQ(Get("/v1/models?limit=x").status, 400);
  EXPECT_EQ(Get("/v1/models", {}).status, 401);
}

TEST_F(Replies, ModelsAreFoundByIdAndAlias) {
  EXPECT_EQ(Get("/v1/models/claude-opus-5-5").json["type"], "model");
  EXPECT_EQ(Get("/v1/models/claude-sonnet-4-5").json["id"],
            "claude-sonnet-4-5-20250929");
  EXPECT_EQ(Get("/v1/models/nonesuch").ErrorMessage(), "model: nonesuch");
}

TEST_F(Replies, HeadRequestsOfTheCommandLineClient) {
  httplib::Client client("127.0.0.1", server_.Port());
  EXPECT_EQ(client.Head("/")->status, 200);
  EXPECT_EQ(client.Head("/api/hello")->status, 200);
  EXPECT_EQ(client.Get("/healthz")->body, "ok\n");
}

TEST_F(Replies, LedgerKnowsWhoCalled) {
  auto headers = OldHeaders();
  headers.emplace_back("anabranch-task",
                       "uid=0123456789abcdef seq=7 attempt=2 session=worker-1");
  const HttpReply reply = Ask(Request(), headers);
  const Json call = LastCall();
  EXPECT_EQ(call["task"], (Json{{"uid", "0123456789abcdef"},
                                {"seq", 7},
                                {"attempt", 2},
                                {"session", "worker-1"}}));
  EXPECT_EQ(call["request_id"], reply.Header("request-id"));
  EXPECT_EQ(call["request_sha256"], Hex(Sha256(Request().dump())));
  EXPECT_EQ(call["outcome"], "finished");
  EXPECT_EQ(call["begun"], true);
  EXPECT_LE(call["begun_ms"], call["finished_ms"]);
  Ask(Request());
  EXPECT_EQ(LastCall()["task"], nullptr);
  EXPECT_EQ(Get("/ledger?after=1", {}).json["calls"].size(), 1u);
}

TEST_F(Replies, ScriptCanGiveARefusal) {
  Control(
      {{"answers", Json::array({{{"answer",
                                  {{"content", Json::array()},
                                   {"stop_reason", "refusal"},
                                   {"stop_details", {{"type", "refusal"}}},
                                   {"usage", {{"output_tokens", 9}}}}}}})}});
  const HttpReply whole = Ask(Request());
  EXPECT_EQ(whole.json["stop_reason"], "refusal");
  EXPECT_EQ(whole.json["stop_details"]["type"], "refusal");
  EXPECT_EQ(whole.json["usage"]["output_tokens"], 9);
  const auto events = ReadEvents(Ask(Streamed(Request())).body);
  EXPECT_EQ(events[1].data["delta"]["stop_details"]["type"], "refusal");
}

TEST_F(Replies, ControlRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Post("/control", R"({"speed":1})", {}).status, 400);
  EXPECT_EQ(Post("/control", R"({"ttft_ms":-1})", {}).status, 400);
  EXPECT_EQ(Post("/control", "nonsense", {}).status, 400);
  EXPECT_EQ(Post("/control", R"({"faults":[{"kind":"x"}]})", {}).json["error"],
            "faults[0].kind: unknown fault kind \"x\"; known are status, "
            "error_event, cut, reset, eof, stall, hang");
  Control({{"ttft_ms", 1}, {"tokens_per_second", 100000}});
  EXPECT_EQ(Get("/control", {}).json["ttft_ms"], 1);
  EXPECT_EQ(Ask(Streamed(Request())).status, 200);
}

}  // namespace
}  // namespace anabranch::fake_claude
