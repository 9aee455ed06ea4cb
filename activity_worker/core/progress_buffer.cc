#include "activity_worker/core/progress_buffer.h"

#include <algorithm>

namespace anabranch::activity_worker {
namespace {

bool IsContinuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

void ProgressBuffer::Append(std::string_view text) {
  text_ += text;
  // Cut at twice the bound, so that cutting costs little per byte.
  if (text_.size() <= 2 * bytes_max_) return;
  size_t cut = text_.size() - bytes_max_;
  while (cut < text_.size() && IsContinuation(text_[cut])) ++cut;
  text_.erase(0, cut);
  start_ += cut;
  sent_ = std::max(sent_, start_);
}

v1::Progress ProgressBuffer::TakePiece() {
  const size_t begin = sent_ - start_;
  size_t end = std::min(text_.size(), begin + kPieceBytesMax);
  while (end < text_.size() && end > begin && IsContinuation(text_[end])) --end;
  if (end == begin) end = text_.size();  // no UTF-8 at all: send it as it is
  v1::Progress progress;
  progress.set_offset(static_cast<int64_t>(sent_));
  progress.set_text(text_.substr(begin, end - begin));
  sent_ = start_ + end;
  return progress;
}

}  // namespace anabranch::activity_worker
