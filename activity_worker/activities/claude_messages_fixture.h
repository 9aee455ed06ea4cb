// A worker's executor with claude.messages against a scripted API.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "activity_worker/activities/api_endpoint.h"
#include "activity_worker/activities/claude_messages.h"
#include "activity_worker/executor/activity_registry.h"
#include "activity_worker/executor/executor.h"
#include "activity_worker/testing/outcomes.h"
#include "activity_worker/testing/script_server.h"
#include "base/clock.h"

namespace anabranch::activity_worker::testing {

inline constexpr char kTurn[] =
    R"({"model":"claude-test","messages":[{"role":"user","content":"Hi"}]})";

class ClaudeCaller {
 public:
  explicit ClaudeCaller(const ApiEnvironment& environment,
                        HttpLimits limits = {})
      : endpoint_(*ApiEndpoint::Create(environment)) {
    RegisterClaudeMessages(registry_, endpoint_, clock_,
                           {.session = "s1", .limits = limits});
    executor_ =
        std::make_unique<Executor>(registry_, clock_, Executor::Options{});
    executor_->Start(outcomes_);
  }
  ~ClaudeCaller() { executor_->Shutdown(); }

  // Begins a call; returns its id.
  TaskId Begin(const std::string& input = kTurn,
               absl::Duration timeout = absl::ZeroDuration()) {
    BegunTask begun;
    begun.id = ++last_id_;
    begun.task.set_activity_type("claude.messages");
    begun.task.set_uid(UidOf(begun.id));
    begun.task.set_seq(3);
    begun.task.set_attempt(2);
    begun.task.mutable_input()->set_json_text(input);
    const int64_t ns = absl::ToInt64Nanoseconds(timeout);
    if (ns > 0) {
      begun.task.mutable_start_to_close_timeout()->set_nanos(
          static_cast<int32_t>(ns));
    }
    executor_->Submit({begun}, {});
    return begun.id;
  }
  void Stop(TaskId id) {
    executor_->Submit({}, {{id, std::string(kCancelled), "not needed"}});
  }
  Outcome Call(const std::string& input = kTurn) {
    return outcomes_.Wait(Begin(input));
  }

  // The run that the task is said to belong to.
  static std::string UidOf(TaskId id) {
    return absl::StrCat(absl::Hex(id, absl::kZeroPad16));
  }

  Outcomes& outcomes() { return outcomes_; }

 private:
  RealClock clock_;
  const ApiEndpoint endpoint_;
  ActivityRegistry registry_;
  Outcomes outcomes_;
  std::unique_ptr<Executor> executor_;
  TaskId last_id_ = 0;
};

inline std::string Event(const std::string& name, const std::string& data) {
  return absl::StrCat("event: ", name, "\ndata: ", data, "\n\n");
}

inline std::string MessageStart() {
  return Event("message_start",
               R"({"type":"message_start","message":{"id":"msg_1",)"
               R"("type":"message","role":"assistant","model":"claude-test",)"
               R"("content":[],"stop_reason":null,)"
               R"("usage":{"input_tokens":11,"output_tokens":1}}})");
}

inline std::string BlockStart() {
  return Event("content_block_start",
               R"({"type":"content_block_start","index":0,)"
               R"("content_block":{"type":"text","text":""}})");
}

// `json` is the text as it stands between the quotes.
inline std::string Delta(const std::string& json) {
  return Event("content_block_delta",
               absl::StrCat(R"({"type":"content_block_delta","index":0,)"
                            R"("delta":{"type":"text_delta","text":")",
                            json, "\"}}"));
}

inline std::string MessageEnd() {
  return absl::StrCat(
      Event("content_block_stop", R"({"type":"content_block_stop","index":0})"),
      Event("message_delta",
            R"({"type":"message_delta","delta":{"stop_reason":"end_turn",)"
            R"("stop_sequence":null},"usage":{"output_tokens":15}})"));
}

inline std::string MessageStop() {
  return Event("message_stop", R"({"type":"message_stop"})");
}

// The head of a streamed reply.
inline std::string StreamHead() {
  return HttpHead("200 OK",
                  "content-type: text/event-stream; charset=utf-8\r\n"
                  "request-id: req_1\r\ntransfer-encoding: chunked\r\n");
}

// A whole streamed reply with these deltas.
inline ScriptReply StreamReply(const std::vector<std::string>& deltas) {
  ScriptReply reply;
  reply.pieces = {StreamHead(), HttpChunk(MessageStart() + BlockStart())};
  for (const std::string& delta : deltas) {
    reply.pieces.push_back(HttpChunk(Delta(delta)));
  }
  reply.pieces.push_back(HttpChunk(MessageEnd()));
  reply.pieces.push_back(HttpChunk(MessageStop()));
  reply.pieces.push_back("0\r\n\r\n");
  return reply;
}

}  // namespace anabranch::activity_worker::testing
