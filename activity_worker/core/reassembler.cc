#include "activity_worker/core/reassembler.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::activity_worker {

absl::StatusOr<std::optional<v1::ServerMessage>> Reassembler::Add(
    const v1::Fragment& piece) {
  if (open_.size() >= limits_.open_transfers_max &&
      open_.find(piece.transfer_id()) == open_.end()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits_.open_transfers_max,
                     " messages arrive in pieces at once"));
  }
  std::string& bytes = open_[piece.transfer_id()];
  if (bytes.size() + piece.data().size() > limits_.message_bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a message in pieces is larger than ",
                     limits_.message_bytes_max, " bytes"));
  }
  if (open_bytes_ + piece.data().size() > limits_.open_bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("incomplete messages hold more than ",
                     limits_.open_bytes_max, " bytes"));
  }
  bytes += piece.data();
  open_bytes_ += piece.data().size();
  if (!piece.last()) return std::optional<v1::ServerMessage>();

  const std::string whole = std::move(bytes);
  open_.erase(piece.transfer_id());
  open_bytes_ -= whole.size();
  v1::ServerMessage message;
  if (!message.ParseFromString(whole) || message.has_fragment()) {
    return absl::InvalidArgumentError(
        "the pieces of a message do not form a message");
  }
  return std::optional<v1::ServerMessage>(std::move(message));
}

void Reassembler::Clear() {
  open_.clear();
  open_bytes_ = 0;
}

}  // namespace anabranch::activity_worker
