// What waits to be sent on one stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "anabranch/v1/worker_stream.pb.h"

namespace anabranch::activity_worker {

// Two lanes: messages of at most 64 KiB go first, larger ones follow in
// pieces, so that a large result never delays a beat or an acceptance. Messages
// of one task keep their order all the same: behind a large one of its task a
// small one waits too. Each frame carries at least one piece, so that small
// messages cannot starve large ones.
//
// A value type; one per stream.
class OutputQueue {
 public:
  // A frame grows no further than about this.
  static constexpr size_t kFrameBytesMax = 256 * 1024;

  // `token` is the task that the message is about; empty for none.
  void Push(v1::WorkerMessage message, std::string_view token);

  bool empty() const { return small_.empty() && large_.empty(); }

  // Appends what comes next to `frame`.
  void TakeInto(v1::ConnectRequest& frame);

  // Forgets everything: the stream is gone.
  void Clear();

 private:
  struct Large {
    std::string token;
    v1::WorkerMessage message;  // when it is small but has to wait
    std::string bytes;          // the serialized message otherwise
    size_t sent = 0;
    int64_t transfer_id = 0;
  };

  void TakeSmall(v1::ConnectRequest& frame, size_t& bytes);
  void TakeLarge(v1::ConnectRequest& frame, size_t& bytes);
  void PopLarge();

  std::deque<v1::WorkerMessage> small_;
  std::deque<Large> large_;
  std::map<std::string, int, std::less<>> large_per_token_;
  int64_t next_transfer_id_ = 1;
};

}  // namespace anabranch::activity_worker
