// Folds the events of a streamed reply into the message that they spell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "claude/assistant_message.h"
#include "claude/sse.h"

namespace anabranch::claude {

// An `error` event: the HTTP status was 200 already.
struct StreamError {
  std::string type;  // "overloaded_error"; empty when the event named none
  std::string message;
  std::string error_code;  // error.details.error_code
  std::string request_id;
  std::string raw;  // the event's data
};

// One per stream; not thread-safe.
//
// A block's content is the object of its content_block_start with text,
// thinking and input exchanged for the joined deltas, still escaped as they
// came; a signature replaces, citations are appended. Usage is cumulative: a
// later counter replaces an earlier one unless it is null. Unknown events and
// deltas are ignored, and so is everything after message_stop or an error.
class MessageAccumulator {
 public:
  enum class State {
    kOpen,   // at the end of the stream: an incomplete reply
    kDone,   // message_stop was seen
    kError,  // an error event was seen
  };
  static constexpr size_t kContentBytesMax = 32u << 20;

  // DataLoss when a known event is malformed or out of order,
  // ResourceExhausted when the content outgrows its bound.
  absl::Status Feed(const SseEvent& event);

  State state() const { return state_; }
  // Valid in kError.
  const StreamError& error() const { return error_; }
  // The text that arrived since the last call, as UTF-8: for progress. A
  // character that is split over two deltas waits for its second half.
  std::string TakeNewText();
  // What message_start told, for reports on replies that stayed incomplete.
  bool started() const { return started_; }
  std::string_view id() const { return id_; }
  std::string_view model() const { return model_; }
  // The counters so far, {} before message_start.
  std::string UsageRaw() const;

  // The message; FailedPrecondition unless kDone.
  absl::StatusOr<AssistantMessage> Finish() const;

 private:
  struct Block {
    std::string start;  // the content_block object of content_block_start
    std::string type;
    std::string text;       // joined deltas, still escaped
    std::string thinking;   // likewise
    std::string input;      // likewise
    std::string signature;  // a whole token; empty when none came
    std::vector<std::string> citations;
  };
  struct Usage {
    std::string key;    // escaped
    std::string value;  // raw
  };

  absl::Status OnMessageStart(std::string_view data);
  absl::Status OnBlockStart(std::string_view data);
  absl::Status OnBlockDelta(std::string_view data);
  absl::Status OnMessageDelta(std::string_view data);
  absl::Status OnMessageStop();
  void OnError(std::string_view data);
  absl::Status Grow(size_t bytes);
  void MergeUsage(std::string_view usage);
  void NoteText(std::string_view body);
  static std::string Assemble(const Block& block, std::string& cut_tool_input);

  State state_ = State::kOpen;
  StreamError error_;
  bool started_ = false;
  std::string id_;
  std::string model_;
  std::string stop_reason_;
  std::string stop_sequence_raw_ = "null";
  std::string stop_details_raw_ = "null";
  std::string container_raw_ = "null";
  std::vector<Usage> usage_;
  std::map<int64_t, Block> blocks_;  // by index
  size_t content_bytes_ = 0;
  std::string new_text_;  // escaped, not yet taken
};

}  // namespace anabranch::claude
