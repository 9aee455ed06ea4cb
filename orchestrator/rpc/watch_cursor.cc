#include "orchestrator/rpc/watch_cursor.h"

#include <charconv>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

// Reads a number that is not negative, then `separator` or the end; false
// when there is none.
template <typename Number>
bool TakeNumber(std::string_view& text, Number& number) {
  auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || number < 0) return false;
  text.remove_prefix(static_cast<size_t>(result.ptr - text.data()));
  return true;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeCursor(std::string_view text, WatchCursor& cursor) {
  if (!TakeNumber(text, cursor.generation) || !Take(text, '.') ||
      !TakeNumber(text, cursor.event) || cursor.generation == 0) {
    return false;
  }
  while (!text.empty()) {
    int64_t seq = 0;
    ProgressPosition position;
    if (!Take(text, ';') || !TakeNumber(text, seq) || !Take(text, ':') ||
        !TakeNumber(text, position.attempt) || !Take(text, ':') ||
        !TakeNumber(text, position.offset) ||
        cursor.positions.size() > WatchCursor::kPositionsMax) {
      return false;
    }
    cursor.positions[seq] = position;
  }
  return true;
}

}  // namespace

std::string WatchCursor::ToString() const {
  std::string text = absl::StrCat(generation, ".", event);
  auto it = positions.begin();
  // The newest activities are the ones that stream.
  if (positions.size() > kPositionsMax) {
    std::advance(it, positions.size() - kPositionsMax);
  }
  for (; it != positions.end(); ++it) {
    absl::StrAppend(&text, ";", it->first, ":", it->second.attempt, ":",
                    it->second.offset);
  }
  return text;
}

absl::StatusOr<WatchCursor> WatchCursor::Parse(std::string_view text) {
  WatchCursor cursor;
  if (!text.empty() && !TakeCursor(text, cursor)) {
    return InvalidCursor(text, "is no cursor of WatchRun");
  }
  return cursor;
}

}  // namespace anabranch::rpc
