// claude.messages against the local Messages API, which shares no code with
// it; the API's ledger is the witness.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "activity_worker/activities/claude_messages.h"
#include "activity_worker/activities/claude_messages_fixture.h"
#include "base/clock.h"
#include "claude/json.h"
#include "fake_claude/server.h"

namespace anabranch::activity_worker {
namespace {

using fake_claude::Json;
using testing::ClaudeCaller;

class FakeApi {
 public:
  FakeApi() : server_({}, clock_) {
    const absl::Status status = server_.Start();
    EXPECT_TRUE(status.ok()) << status;
  }
  ~FakeApi() { server_.Stop(); }

  std::string Url() const { return server_.Url(); }
  void Control(const char* settings) {
    const absl::Status status =
        server_.behaviour().Control(Json::parse(settings));
    EXPECT_TRUE(status.ok()) << status;
  }
  Json Calls() const { return server_.ledger().Calls().at("calls"); }
  fake_claude::Ledger& ledger() { return server_.ledger(); }

 private:
  RealClock clock_;
  mutable fake_claude::Server server_;
};

std::string Turn(const std::string& prompt) {
  return absl::StrCat(
      R"({"model":"claude-opus-5-5","max_tokens":300,"messages":)"
      R"([{"role":"user","content":")",
      prompt, "\"}]}");
}

std::string Content(const Outcome& outcome) {
  EXPECT_TRUE(outcome.result.has_value()) << outcome.failure.DebugString();
  if (!outcome.result.has_value()) return "";
  const auto object = claude::JsonObject::Parse(outcome.result->json_text());
  return std::string(object->Get("content"));
}

TEST(ClaudeMessagesFakeApi, BothVersionsAnswer) {
  FakeApi api;
  for (const char* version : {"2023-06-01", "2026-10-21"}) {
    ClaudeCaller caller({.base_url = api.Url(), .version = version});
    EXPECT_FALSE(Content(caller.Call(Turn("Say hi"))).empty()) << version;
  }
  ClaudeCaller bearer(
      {.auth_token = "t", .base_url = api.Url(), .version = "2026-10-21"});
  EXPECT_FALSE(Content(bearer.Call(Turn("Say hi"))).empty());
}

TEST(ClaudeMessagesFakeApi, EachContentIsWhatTheLedgerSaysWasSent) {
  FakeApi api;
  api.Control(R"({"ttft_ms":50})");
  ClaudeCaller caller({.base_url = api.Url()});
  std::map<std::string, TaskId> ids;
  for (int i = 0; i < 200; ++i) {
    const TaskId id = caller.Begin(Turn(absl::StrCat("Question ", i)));
    ids[ClaudeCaller::UidOf(id)] = id;
  }
  for (const auto& [uid, id] : ids) caller.outcomes().Wait(id);
  for (size_t call = 1; call <= ids.size(); ++call) api.ledger().AwaitEnd(call);
  const Json calls = api.Calls();
  ASSERT_EQ(calls.size(), ids.size());
  for (const Json& call : calls) {
    const auto uid = call["task"]["uid"].get<std::string>();
    ASSERT_EQ(ids.count(uid), 1u) << call.dump();
    EXPECT_EQ(Content(caller.outcomes().Wait(ids[uid])),
              call["content"].get<std::string>());
    EXPECT_EQ(call["task"]["session"].get<std::string>(), "s1");
    ids.erase(uid);
  }
}

TEST(ClaudeMessagesFakeApi, FaultsHaveTheirTypes) {
  const std::map<std::string, std::string> types = {
      {R"({"kind":"error_event","type":"overloaded_error"})",
       "stream_error.overloaded_error"},
      {R"({"kind":"cut"})", "incomplete_stream"},
      {R"({"kind":"reset"})", "incomplete_stream"},
      {R"({"kind":"eof"})", "incomplete_stream"},
      {R"({"kind":"eof","after":"message_delta"})", "incomplete_stream"},
      {R"({"kind":"stall"})", "stalled_stream"},
      {R"({"kind":"hang"})", "timeout"},
      {R"({"kind":"status","status":529,"type":"overloaded_error"})",
       "overloaded_error"},
  };
  for (const auto& [fault, type] : types) {
    FakeApi api;
    api.Control(absl::StrCat(R"({"faults":[{"fault":)", fault, "}]}").c_str());
    ClaudeCaller caller({.base_url = api.Url()},
                        {.first_byte = absl::Milliseconds(400),
                         .idle = absl::Milliseconds(400)});
    const Outcome outcome = caller.Call(Turn("Say something long"));
    EXPECT_EQ(outcome.failure.type(), type) << fault;
    EXPECT_TRUE(outcome.failure.retryable()) << fault;
  }
}

TEST(ClaudeMessagesFakeApi, AnUnknownModelIsTheApisOwnError) {
  FakeApi api;
  ClaudeCaller caller({.base_url = api.Url()});
  const Outcome outcome = caller.Call(
      R"({"model":"no-such-model","messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(outcome.failure.type(), "not_found_error");
  EXPECT_FALSE(outcome.failure.retryable());
}

}  // namespace
}  // namespace anabranch::activity_worker
