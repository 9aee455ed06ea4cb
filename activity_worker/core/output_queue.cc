#include "activity_worker/core/output_queue.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace anabranch::activity_worker {
namespace {

constexpr size_t kPieceBytesMax = limits::kFragmentBytesMax;

}  // namespace

void OutputQueue::Push(v1::WorkerMessage message, std::string_view token) {
  const bool fits = message.ByteSizeLong() <= kPieceBytesMax;
  if (fits && (token.empty() ||
               large_per_token_.find(token) == large_per_token_.end())) {
    small_.push_back(std::move(message));
    return;
  }
  Large& large = large_.emplace_back();
  large.token = std::string(token);
  ++large_per_token_[large.token];
  if (fits) {
    large.message = std::move(message);
  } else {
    large.bytes = message.SerializeAsString();
    large.transfer_id = next_transfer_id_++;
  }
}

void OutputQueue::TakeInto(v1::ConnectRequest& frame) {
  size_t bytes = frame.ByteSizeLong();
  TakeSmall(frame, bytes);
  TakeLarge(frame, bytes);
}

void OutputQueue::TakeSmall(v1::ConnectRequest& frame, size_t& bytes) {
  while (!small_.empty() && bytes < kFrameBytesMax) {
    bytes += small_.front().ByteSizeLong();
    *frame.add_messages() = std::move(small_.front());
    small_.pop_front();
  }
}

void OutputQueue::TakeLarge(v1::ConnectRequest& frame, size_t& bytes) {
  bool first = true;
  while (!large_.empty() && (first || bytes < kFrameBytesMax)) {
    first = false;
    Large& large = large_.front();
    if (large.bytes.empty()) {
      bytes += large.message.ByteSizeLong();
      *frame.add_messages() = std::move(large.message);
      PopLarge();
      continue;
    }
    const size_t size =
        std::min(kPieceBytesMax, large.bytes.size() - large.sent);
    v1::Fragment* fragment = frame.add_messages()->mutable_fragment();
    fragment->set_transfer_id(large.transfer_id);
    fragment->set_data(large.bytes.substr(large.sent, size));
    large.sent += size;
    bytes += size;
    if (large.sent == large.bytes.size()) {
      fragment->set_last(true);
      PopLarge();
    }
  }
}

void OutputQueue::PopLarge() {
  const auto it = large_per_token_.find(large_.front().token);
  if (--it->second == 0) large_per_token_.erase(it);
  large_.pop_front();
}

void OutputQueue::Clear() {
  small_.clear();
  large_.clear();
  large_per_token_.clear();
}

}  // namespace anabranch::activity_worker
