// An attempt's streamed output, until the server has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "anabranch/v1/worker_stream.pb.h"
#include "base/limits.h"

namespace anabranch::activity_worker {

// Keeps the newest `bytes_max` bytes, so that a server that has lost its
// memory gets them again; offsets tell one that has not what it knows already.
//
// A value type; one per task.
class ProgressBuffer {
 public:
  // Text of one Progress message, in bytes: well below a fragment.
  static constexpr size_t kPieceBytesMax = 32 * 1024;

  explicit ProgressBuffer(size_t bytes_max = limits::kProgressBytesMax)
      : bytes_max_(bytes_max) {}

  // `text` is whole UTF-8 characters.
  void Append(std::string_view text);

  // Whether there is something to send.
  bool pending() const { return sent_ < start_ + text_.size(); }

  // The next piece to send: offset and text, whole characters. pending() must
  // hold.
  v1::Progress TakePiece();

  // A new stream: all that is kept is to be sent again.
  void Rewind() { sent_ = start_; }

 private:
  size_t bytes_max_;
  std::string text_;
  size_t start_ = 0;  // offset of text_ in the output
  size_t sent_ = 0;   // offset up to which it was sent
};

}  // namespace anabranch::activity_worker
