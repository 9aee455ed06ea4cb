// A model's reply, its content as the exact bytes that the API sent.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anabranch::claude {

// The *_raw fields are JSON text and never empty in a complete message: what
// was absent is `null`.
struct AssistantMessage {
  std::string id;
  std::string model;
  std::string content_raw;  // array
  std::string stop_reason;  // unknown values are data; empty when null
  std::string stop_sequence_raw = "null";
  std::string stop_details_raw = "null";
  std::string container_raw = "null";
  std::string usage_raw = "null";  // object
  // All text blocks, unescaped to UTF-8; blocks that something else parts are
  // joined by a line feed.
  std::string text;
  // The input of a tool call that was cut in the middle and is no JSON; the
  // block's own input is then {}. Such a call must not be carried out.
  std::string cut_tool_input;
};

// A reply that was not streamed. InvalidArgument when it is no message.
absl::StatusOr<AssistantMessage> ParseCompleteMessage(std::string_view json);

// The text of a content value (string or array of blocks), see
// AssistantMessage::text. Empty when there is none.
std::string ContentText(std::string_view content_raw);

// The recorded result of the activity claude.messages:
// {"content":[…],"stop_reason":…,"stop_sequence":…,"stop_details":…,"model":…,
//  "id":…,"request_id":…,"usage":{…},"text":…} and, only when there is one,
// "container" and "cut_tool_input". `request_id` may be empty: null.
std::string TurnResultJson(const AssistantMessage& message,
                           std::string_view request_id);

}  // namespace anabranch::claude
