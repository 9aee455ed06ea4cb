// Faults on request, clients that leave, and many connections.
#include <string>
#include <vector>

#include "fake_claude/testing/test_server.h"
#include "gtest/gtest.h"

namespace anabranch::fake_claude {
namespace {

using testing::HttpReply;
using testing::OldHeaders;
using testing::RawCall;

class Faults : public testing::ServerTest {
 protected:
  void Fault(const Json& fault) { Control({{"faults", Json::array({fault})}}); }

  RawCall Stream() {
    return RawCall(server_.Port(), "/v1/messages", OldHeaders(),
                   Streamed(Request()).dump());
  }

  static bool Has(const RawCall& call, const std::string& part) {
    return call.received().find(part) != std::string::npos;
  }
  // The end of a chunked body.
  static bool EndsCleanly(const RawCall& call) {
    return call.received().ends_with("\r\n0\r\n\r\n");
  }
};

TEST_F(Faults, StatusWithAndWithoutRetryAfter) {
  Fault({{"kind", "status"}, {"status", 429}, {"retry_after", 7}});
  HttpReply reply = Ask(Request());
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.ErrorType(), "rate_limit_error");
  EXPECT_EQ(reply.Header("retry-after"), "7");
  Fault({{"status", 429},
         {"error_code", "contract_spend_limit_reached"},
         {"should_retry", false}});
  reply = Ask(Request());
  EXPECT_EQ(reply.Header("retry-after"), "");
  EXPECT_EQ(reply.Header("x-should-retry"), "false");
  EXPECT_EQ(reply.json["error"]["details"]["error_code"],
            "contract_spend_limit_reached");
  EXPECT_EQ(LastCall()["outcome"], "error:429");
  EXPECT_EQ(LastCall()["begun"], false);
}

TEST_F(Faults, EveryStatusHasItsType) {
  const std::vector<std::pair<int, std::string>> types = {
      {400, "invalid_request_error"},
      {401, "authentication_error"},
      {402, "billing_error"},
      {403, "permission_error"},
      {404, "not_found_error"},
      {409, "conflict_error"},
      {413, "request_too_large"},
      {429, "rate_limit_error"},
      {500, "api_error"},
      {504, "timeout_error"},
      {529, "overloaded_error"}};
  for (const auto& [status, type] : types) {
    Fault({{"status", status}});
    const HttpReply reply = Ask(Request());
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.ErrorType(), type);
  }
}

TEST_F(Faults, PageOfAProxyInsteadOfJson) {
  Fault({{"status", 502}, {"html", "<html>Bad Gateway</html>"}});
  const HttpReply reply = Ask(Request());
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.body, "<html>Bad Gateway</html>");
  EXPECT_EQ(reply.Header("content-type"), "text/html");
}

TEST_F(Faults, ErrorEventInTheStream) {
  Fault({{"kind", "error_event"}, {"after", 1}});
  RawCall call = Stream();
  EXPECT_TRUE(call.ReadAll());
  EXPECT_TRUE(Has(call, "HTTP/1.1 200"));
  EXPECT_TRUE(Has(call,
                  "event: error\ndata: {\"type\":\"error\",\"error\":"
                  "{\"details\":null,\"type\":\"overloaded_error\","
                  "\"message\":\"Overloaded\"},\"request_id\":\"req_"));
  EXPECT_FALSE(Has(call, "message_stop"));
  EXPECT_TRUE(EndsCleanly(call));
  EXPECT_EQ(LastCall()["outcome"], "error_event");
  EXPECT_EQ(LastCall()["begun"], true);
}

TEST_F(Faults, CutEndsWithoutTheLastChunk) {
  Fault({{"kind", "cut"}, {"after", 1}});
  RawCall call = Stream();
  EXPECT_TRUE(call.ReadAll());
  EXPECT_TRUE(Has(call, "content_block_delta"));
  EXPECT_FALSE(EndsCleanly(call));
  EXPECT_EQ(LastCall()["outcome"], "cut");
  EXPECT_EQ(LastCall()["content"], nullptr);
}

TEST_F(Faults, ResetIsSeenAsSuch) {
  Fault({{"kind", "reset"}, {"after", 0}});
  RawCall call = Stream();
  EXPECT_FALSE(call.ReadAll());
  EXPECT_EQ(LastCall()["outcome"], "cut");
}

TEST_F(Faults, CleanEndWithoutMessageStop) {
  Fault({{"kind", "eof"}, {"after", "message_delta"}});
  RawCall call = Stream();
  EXPECT_TRUE(call.ReadAll());
  EXPECT_TRUE(Has(call, "event: message_delta"));
  EXPECT_FALSE(Has(call, "event: message_stop"));
  EXPECT_TRUE(EndsCleanly(call));
  EXPECT_EQ(LastCall()["outcome"], "eof");
}

TEST_F(Faults, FaultBehindTheLastDeltaStrikesBeforeMessageDelta) {
  Fault({{"kind", "eof"}, {"after", 100000}});
  RawCall call = Stream();
  EXPECT_TRUE(call.ReadAll());
  EXPECT_TRUE(Has(call, "event: content_block_stop"));
  EXPECT_FALSE(Has(call, "event: message_delta"));
}

TEST_F(Faults, UnstreamedReplyIsCutInItsBody) {
  Fault({{"kind", "cut"}});
  RawCall call(server_.Port(), "/v1/messages", OldHeaders(), Request().dump());
  EXPECT_TRUE(call.ReadAll());
  EXPECT_TRUE(Has(call, "HTTP/1.1 200"));
  EXPECT_FALSE(call.received().ends_with("}"));
  EXPECT_EQ(LastCall()["outcome"], "cut");
}

TEST_F(Faults, StallForAWhileGoesOnToTheEnd) {
  Fault({{"kind", "stall"}, {"after", 1}, {"silence_ms", 1}});
  RawCall call = Stream();
  EXPECT_TRUE(call.ReadAll());
  EXPECT_TRUE(Has(call, "event: message_stop"));
  EXPECT_EQ(LastCall()["outcome"], "finished");
}

TEST_F(Faults, StalledStreamIsOpenUntilTheClientLeaves) {
  Fault({{"kind", "stall"}, {"after", 1}});
  {
    RawCall call = Stream();
    EXPECT_TRUE(call.ReadUntil("content_block_delta"));
    const Json open = LastCall();
    EXPECT_EQ(open["outcome"], nullptr);
    EXPECT_EQ(open["finished_ms"], nullptr);
    EXPECT_EQ(Get("/ledger?summary=1", {}).json["open"], 1);
  }
  server_.ledger().AwaitEnd(1);
  EXPECT_EQ(LastCall()["outcome"], "client_gone");
}

TEST_F(Faults, HangSendsNothingAtAll) {
  Fault({{"kind", "hang"}});
  {
    RawCall call = Stream();
    server_.ledger().AwaitBegin(1);
    EXPECT_EQ(call.received(), "");
  }
  server_.ledger().AwaitEnd(1);
  EXPECT_EQ(LastCall()["outcome"], "client_gone");
}

TEST_F(Faults, ApplyToTheCallsTheyAreFor) {
  Control({{"faults",
            Json::array({{{"match", {{"model", "claude-haiku*"}, {"nth", 2}}},
                          {"fault", {{"status", 529}}}},
                         {{"times", 1},
                          {"match", {{"user_contains", "fail"}}},
                          {"fault", {{"status", 500}}}}})}});
  EXPECT_EQ(Ask(Request("claude-haiku-5-5")).status, 200);
  EXPECT_EQ(Ask(Request("claude-sonnet-5-5")).status, 200);
  EXPECT_EQ(Ask(Request("claude-haiku-5-5")).status, 529);
  EXPECT_EQ(Ask(Request("claude-haiku-5-5")).status, 200);
  EXPECT_EQ(Ask(Request("claude-opus-5-5", "please fail")).status, 500);
  EXPECT_EQ(Ask(Request("claude-opus-5-5", "please fail")).status, 200);
}

TEST_F(Faults, TwoHundredFiftyStreamsAreOpenAtOnceAndAllFinish) {
  constexpr size_t kStreams = 250;
  // Every stream pauses until this test has counted them all.
  Fault({{"kind", "stall"}, {"after", 1}});
  std::vector<RawCall> stalled;
  for (size_t i = 0; i < kStreams; ++i) stalled.push_back(Stream());
  for (RawCall& call : stalled) {
    ASSERT_TRUE(call.ReadUntil("content_block_delta"));
  }
  EXPECT_EQ(Get("/ledger?summary=1", {}).json["open"], kStreams);
  // While they hang, as many others run to their end.
  Control({{"faults", Json::array()}, {"tokens_per_second", 2000}});
  std::vector<RawCall> running;
  for (size_t i = 0; i < kStreams; ++i) running.push_back(Stream());
  for (RawCall& call : running) {
    EXPECT_TRUE(call.ReadAll());
    EXPECT_TRUE(Has(call, "event: message_stop"));
  }
  const Json summary = Get("/ledger?summary=1", {}).json;
  EXPECT_EQ(summary["begun"], 2 * kStreams);
  EXPECT_EQ(summary["finished"], kStreams);
  for (RawCall& call : stalled) call.Close();
  for (size_t i = 1; i <= kStreams; ++i) server_.ledger().AwaitEnd(i);
  EXPECT_EQ(Get("/ledger?summary=1", {}).json["outcomes"]["client_gone"],
            kStreams);
}

TEST_F(Faults, StopEndsOpenStreams) {
  Fault({{"kind", "stall"}, {"after", 1}});
  RawCall call = Stream();
  EXPECT_TRUE(call.ReadUntil("content_block_delta"));
  server_.Stop();
  const Json calls = server_.ledger().Calls()["calls"];
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0]["outcome"], "stopped");
}

TEST_F(Faults, UsedPortIsRefused) {
  ServerOptions options;
  options.http.port = server_.Port();
  Server second(options, clock_);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(std::string(status.message()).find("is in use"), std::string::npos);
}

class WithKey : public testing::ServerTest {
 protected:
  static ServerOptions Options() {
    ServerOptions options;
    options.api_key = "right";
    options.ledger_file = std::string(getenv("TEST_TMPDIR")) + "/ledger.jsonl";
    return options;
  }
  WithKey() : ServerTest(Options()) {}
};

TEST_F(WithKey, OnlyTheRightKeyIsAccepted) {
  EXPECT_EQ(Ask(Request()).ErrorMessage(), "invalid x-api-key");
  EXPECT_EQ(Ask(Request(), {{"authorization", "Bearer right"},
                            {"anthropic-version", "2026-10-21"}})
                .status,
            200);
  std::ifstream file(Options().ledger_file);
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(Json::parse(line));
  }
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["outcome"], "error:401");
  EXPECT_EQ(lines[1]["finished_ms"], nullptr);
  EXPECT_EQ(lines[2]["outcome"], "finished");
}

}  // namespace
}  // namespace anabranch::fake_claude
