// FragmentAssembler: puts messages together that came in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "anabranch/v1/worker_stream.pb.h"

namespace anabranch::rpc {

// Bounded: one message by limits::kStreamMessageBytesMax, all open transfers
// together by four times that and kOpenTransfersMax.
// Threads: one.
class FragmentAssembler {
 public:
  static constexpr size_t kOpenTransfersMax = 1024;

  // The whole message's bytes once its last piece is there. INVALID_FRAGMENT
  // or MESSAGE_TOO_LARGE when the sender breaks the rules.
  absl::StatusOr<std::optional<std::string>> Take(
      anabranch::v1::Fragment fragment);

 private:
  std::map<int64_t, std::string> transfers_;
  size_t bytes_ = 0;
};

}  // namespace anabranch::rpc
