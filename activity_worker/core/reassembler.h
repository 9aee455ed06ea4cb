// Puts the pieces of large messages together again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/limits.h"

namespace anabranch::activity_worker {

// A value type; one per stream. After an error the stream is of no use.
class Reassembler {
 public:
  // Bounds, in bytes, of one message and of all that are incomplete.
  struct Limits {
    size_t message_bytes_max = limits::kStreamMessageBytesMax;
    size_t open_bytes_max = 8 * limits::kStreamMessageBytesMax;
    size_t open_transfers_max = limits::kSlotsPerWorkerMax;
  };

  Reassembler() : Reassembler(Limits{}) {}
  explicit Reassembler(const Limits& limits) : limits_(limits) {}

  // The message that this piece completes, if it does. InvalidArgument when it
  // does not parse or holds a piece itself, ResourceExhausted beyond a bound.
  absl::StatusOr<std::optional<v1::ServerMessage>> Add(
      const v1::Fragment& piece);

  // Whether any message is incomplete.
  bool open() const { return !open_.empty(); }

  void Clear();

 private:
  Limits limits_;
  std::map<int64_t, std::string> open_;
  size_t open_bytes_ = 0;
};

}  // namespace anabranch::activity_worker
