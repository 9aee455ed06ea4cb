// StreamDoor: what a worker may say, and what becomes of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "anabranch/v1/activity_service.pb.h"
#include "base/ids.h"
#include "orchestrator/rpc/fragment_assembler.h"

namespace anabranch::rpc {

// Streamed output with its token read.
struct StreamedText {
  TaskToken token;
  int64_t offset = 0;
  std::string text;
};

// What one frame holds, checked.
struct SortedFrame {
  // Set on the first frame only.
  std::optional<anabranch::v1::Hello> hello;
  // For the shard, in order; without Beats and pieces.
  std::vector<anabranch::v1::WorkerMessage> messages;
  // For watchers, in order.
  std::vector<StreamedText> progress;
};

// One for each stream. An error ends that stream and harms nothing else. A
// result that is no valid value ends no stream, because the worker would only
// send it again: it becomes a Failed of type `invalid_result`.
// Threads: one.
class StreamDoor {
 public:
  // Adds to `sorted`. Errors are StreamErrors.
  absl::Status Take(anabranch::v1::ConnectRequest frame, SortedFrame& sorted);

 private:
  absl::Status TakeMessage(anabranch::v1::WorkerMessage message,
                           SortedFrame& sorted);
  absl::Status TakeFragment(anabranch::v1::Fragment fragment,
                            SortedFrame& sorted);
  absl::Status TakeHello(anabranch::v1::Hello hello, SortedFrame& sorted);

  FragmentAssembler assembler_;
  bool greeted_ = false;
};

}  // namespace anabranch::rpc
