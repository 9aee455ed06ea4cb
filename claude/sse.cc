#include "claude/sse.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace anabranch::claude {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

absl::Status SseParser::Feed(std::string_view bytes,
                             std::vector<SseEvent>& events) {
  while (!bytes.empty()) {
    if (skip_newline_) {
      skip_newline_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const size_t end = bytes.find_first_of("\r\n");
    if (end == std::string_view::npos) return Append(bytes);
    if (line_.empty()) {
      RETURN_IF_ERROR(TakeLine(bytes.substr(0, end), events));
    } else {
      RETURN_IF_ERROR(Append(bytes.substr(0, end)));
      RETURN_IF_ERROR(TakeLine(std::exchange(line_, {}), events));
    }
    skip_newline_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
  }
  return absl::OkStatus();
}

absl::Status SseParser::Finish(std::vector<SseEvent>& events) {
  if (!line_.empty()) {
    RETURN_IF_ERROR(TakeLine(std::exchange(line_, {}), events));
  }
  Dispatch(events);
  return absl::OkStatus();
}

absl::Status SseParser::Append(std::string_view bytes) {
  if (line_.size() + bytes.size() > event_bytes_max_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "an event of the stream exceeds ", event_bytes_max_, " bytes"));
  }
  line_.append(bytes);
  return absl::OkStatus();
}

absl::Status SseParser::TakeLine(std::string_view line,
                                 std::vector<SseEvent>& events) {
  if (std::exchange(first_line_, false) &&
      line.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) {
    Dispatch(events);
    return absl::OkStatus();
  }
  if (line.front() == ':') return absl::OkStatus();
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "event") {
    event_.event = value;
  } else if (field == "data") {
    if (event_.data.size() + value.size() + 1 > event_bytes_max_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "an event of the stream exceeds ", event_bytes_max_, " bytes"));
    }
    if (std::exchange(has_data_, true)) event_.data.push_back('\n');
    event_.data.append(value);
  }
  return absl::OkStatus();
}

void SseParser::Dispatch(std::vector<SseEvent>& events) {
  if (has_data_ || !event_.event.empty()) events.push_back(std::move(event_));
  event_ = {};
  has_data_ = false;
}

}  // namespace anabranch::claude
