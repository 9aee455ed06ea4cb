// Server-sent events, as the Messages API and the gateways before it send them.
//
// Lines end with \n, \r\n or \r (one at the end of a chunk waits for the next
// byte); U+2028 is no line end. A leading byte order mark is skipped. Lines
// that start with a colon are comments. After `field:` exactly one space is
// dropped. Several data lines are joined by \n. A blank line ends an event; the
// end of the stream ends the last one too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace anabranch::claude {

struct SseEvent {
  std::string event;  // empty when the stream named none
  std::string data;
};

// Feed it a stream's bytes in any chunking. One per stream; not thread-safe.
class SseParser {
 public:
  static constexpr size_t kEventBytesMax = 32u << 20;

  explicit SseParser(size_t event_bytes_max = kEventBytesMax)
      : event_bytes_max_(event_bytes_max) {}

  // Appends the events that `bytes` completes. ResourceExhausted when one event
  // outgrows its bound; the parser is then of no further use.
  absl::Status Feed(std::string_view bytes, std::vector<SseEvent>& events);

  // The stream has ended: appends what was not yet followed by a blank line.
  absl::Status Finish(std::vector<SseEvent>& events);

 private:
  absl::Status TakeLine(std::string_view line, std::vector<SseEvent>& events);
  absl::Status Append(std::string_view bytes);
  void Dispatch(std::vector<SseEvent>& events);

  size_t event_bytes_max_;
  std::string line_;           // the line begun in earlier chunks
  bool first_line_ = true;     // may start with a byte order mark
  bool skip_newline_ = false;  // the byte before was \r
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace anabranch::claude
