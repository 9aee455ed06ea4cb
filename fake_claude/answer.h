// A reply before it is sent, and its two forms on the wire.
#pragma once

#include <string>
#include <vector>

#include "fake_claude/text.h"

namespace anabranch::fake_claude {

struct Usage {
  int64_t input_tokens = 0;
  int64_t cache_creation_5m = 0;
  int64_t cache_creation_1h = 0;
  int64_t cache_read = 0;
  int64_t output_tokens = 0;  // with those spent on thinking
  int64_t thinking_tokens = 0;
  Json overrides;  // members that a script replaces or adds; null: none
};

// Every member of `usage`, as at the end of the reply.
Json UsageJson(const Usage& usage);

struct Answer {
  std::string message_id;
  std::string model;
  // The complete content blocks. ToJsonText of it is what a client has after
  // accumulating the stream, byte for byte.
  Json content = Json::array();
  std::string stop_reason = "end_turn";
  Json stop_sequence;  // null or a string
  Json stop_details;   // null or an object
  // What was done to the request's blocks; absent when empty.
  Json input_transformations = Json::array();
  Usage usage;
};

// The body of a reply that is not streamed. Its `content` is the answer's.
std::string MessageBody(const Answer& answer);

// A piece of a streamed reply.
struct Frame {
  std::string bytes;   // one SSE event, or several that belong together
  int tokens = 0;      // what generating it takes
  bool delta = false;  // carries content
};

// The events of a streamed reply in order: message_start, the blocks,
// message_delta, message_stop; the last two are frames of their own.
std::vector<Frame> StreamFrames(const Answer& answer, int tokens_per_delta);

// One SSE event.
std::string SseEvent(const std::string& name, const std::string& data);

}  // namespace anabranch::fake_claude
