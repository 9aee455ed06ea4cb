#include "activity_worker/activities/claude_messages.h"

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "activity_worker/activities/claude_messages_fixture.h"
#include "claude/json.h"

namespace anabranch::activity_worker {
namespace {

using testing::ClaudeCaller;
using ::testing::HasSubstr;
using testing::HttpChunk;
using testing::ScriptReply;
using testing::ScriptRequest;
using testing::ScriptServer;
using testing::StreamReply;

std::string Member(const Outcome& outcome, const char* name) {
  EXPECT_TRUE(outcome.result.has_value()) << outcome.failure.DebugString();
  if (!outcome.result.has_value()) return "";
  const auto object = claude::JsonObject::Parse(outcome.result->json_text());
  EXPECT_TRUE(object.ok()) << object.status();
  return object.ok() ? std::string(object->Get(name)) : "";
}

size_t Threads() {
  DIR* folder = opendir("/proc/self/task");
  size_t count = 0;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(folder);
  return count;
}

TEST(ClaudeMessages, RecordsTheExactContentAndShowsTheText) {
  ScriptServer server([](const ScriptRequest&) {
    return StreamReply({"", "Gr\\u00fc\\u00df", "e \\/ 1\\n", "\xc3\xa4"});
  });
  ClaudeCaller caller({.base_url = server.Url()});
  const TaskId id = caller.Begin();
  const Outcome outcome = caller.outcomes().Wait(id);
  EXPECT_EQ(Member(outcome, "content"),
            "[{\"type\":\"text\",\"text\":"
            "\"Gr\\u00fc\\u00dfe \\/ 1\\n\xc3\xa4\"}]");
  EXPECT_EQ(Member(outcome, "request_id"), "\"req_1\"");
  EXPECT_EQ(Member(outcome, "stop_reason"), "\"end_turn\"");
  EXPECT_THAT(outcome.usage_json, HasSubstr("\"output_tokens\":15"));
  EXPECT_EQ(caller.outcomes().Progress(id),
            "Gr\xc3\xbc\xc3\x9f"
            "e / 1\n\xc3\xa4");
}

TEST(ClaudeMessages, SendsItsHeadersAndTheTurn) {
  ScriptServer server([](const ScriptRequest&) { return StreamReply({"x"}); });
  ClaudeCaller caller({.base_url = server.Url() + "/base/", .beta = "b1"});
  Member(caller.Call(), "id");
  const ScriptRequest request = server.Requests().at(0);
  EXPECT_THAT(request.head, HasSubstr("POST /base/v1/messages HTTP/1.1\r\n"));
  EXPECT_THAT(request.head, HasSubstr("\r\nx-api-key: local\r\n"));
  EXPECT_THAT(request.head, HasSubstr("\r\nanthropic-version: 2023-06-01\r\n"));
  EXPECT_THAT(request.head, HasSubstr("\r\nanthropic-beta: b1\r\n"));
  EXPECT_THAT(request.head,
              HasSubstr("\r\nanabranch-task: uid=0000000000000001 "
                        "seq=3 attempt=2 session=s1\r\n"));
  EXPECT_THAT(request.body, HasSubstr("\"stream\":true"));
  EXPECT_THAT(request.body, HasSubstr("\"model\":\"claude-test\""));
}

TEST(ClaudeMessages, ManyStreamsNeedNoMoreThreadsThanOne) {
  constexpr int kStreams = 200;
  // Each stream's text is its own; all stay open until all have begun.
  const auto deltas = [](const std::string& name) {
    std::vector<std::string> texts;
    for (int i = 0; i < 20; ++i) {
      texts.push_back(absl::StrCat(name, "/", i, "\\u00e9\\t\xe2\x82\xac "));
    }
    return texts;
  };
  ScriptServer server([&](const ScriptRequest& request) {
    const size_t at = request.body.find("stream-");
    const size_t end = request.body.find('"', at);
    ScriptReply reply = StreamReply(deltas(request.body.substr(at, end - at)));
    reply.pieces_before_release = 5;
    return reply;
  });
  ClaudeCaller caller({.base_url = server.Url()});
  std::map<TaskId, std::string> expected;
  size_t threads_of_one = 0;
  for (int i = 0; i < kStreams; ++i) {
    const std::string name = absl::StrCat("stream-", i);
    const TaskId id = caller.Begin(
        absl::StrCat(R"({"model":"m","messages":[{"role":"user","content":")",
                     name, "\"}]}"));
    std::string& text = expected[id];
    for (const std::string& delta : deltas(name)) text += delta;
    if (i == 0) {
      caller.outcomes().WaitForProgress(id, 1);
      threads_of_one = Threads();
    }
  }
  for (const auto& [id, text] : expected) {
    caller.outcomes().WaitForProgress(id, 1);
  }
  EXPECT_EQ(Threads(), threads_of_one);
  server.Release();
  for (const auto& [id, text] : expected) {
    EXPECT_EQ(Member(caller.outcomes().Wait(id), "content"),
              absl::StrCat(R"([{"type":"text","text":")", text, "\"}]"));
  }
  EXPECT_EQ(server.Requests().size(), static_cast<size_t>(kStreams));
}

TEST(ClaudeMessages, ReadsAReplyThatIsNotStreamed) {
  ScriptServer server([](const ScriptRequest&) {
    return testing::WholeReply(
        "200 OK", "content-type: application/json\r\nrequest-id: req_2\r\n",
        R"({"id":"msg_2","type":"message","role":"assistant","model":"m",)"
        R"("content":[{"type":"text","text":"A\u0042"}],)"
        R"("stop_reason":"end_turn","stop_sequence":null,)"
        R"("usage":{"input_tokens":1,"output_tokens":2}})");
  });
  ClaudeCaller caller({.base_url = server.Url()});
  EXPECT_EQ(Member(caller.Call(), "content"),
            R"([{"type":"text","text":"A\u0042"}])");
}

TEST(ClaudeMessages, DoesNotWaitForAConnectionThatStaysOpen) {
  ScriptServer server([](const ScriptRequest&) {
    ScriptReply reply = StreamReply({"x"});
    reply.pieces.pop_back();
    reply.end = ScriptReply::End::kHold;
    return reply;
  });
  ClaudeCaller caller({.base_url = server.Url()});
  EXPECT_EQ(Member(caller.Call(), "text"), "\"x\"");
}

TEST(ClaudeMessages, UsesAConnectionAgain) {
  ScriptServer server([](const ScriptRequest&) { return StreamReply({"x"}); });
  ClaudeCaller caller({.base_url = server.Url()});
  for (int i = 0; i < 3; ++i) Member(caller.Call(), "text");
  EXPECT_EQ(server.connections_accepted(), 1u);
}

}  // namespace
}  // namespace anabranch::activity_worker
