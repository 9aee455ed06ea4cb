// WatchCursor: how far a watcher has come.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "orchestrator/rpc/progress_hub.h"

namespace anabranch::rpc {

// As text: "<generation>.<event>", then ";<seq>:<attempt>:<offset>" for each
// activity whose output is being read.
struct WatchCursor {
  // More positions than this are not carried along: their activities' output
  // is shown again from what is kept.
  static constexpr size_t kPositionsMax = 64;

  int32_t generation = 1;
  // The last event that was shown; 0 before the first.
  int64_t event = 0;
  ProgressPositions positions;

  std::string ToString() const;
  // INVALID_CURSOR when `text` is none; the beginning when it is empty.
  static absl::StatusOr<WatchCursor> Parse(std::string_view text);
};

}  // namespace anabranch::rpc
