#include "orchestrator/rpc/outgoing_frames.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "orchestrator/rpc/payload_door.h"

namespace anabranch::rpc {
namespace {

using anabranch::v1::ConnectResponse;
using anabranch::v1::ServerMessage;

// Small messages of one frame; what is more goes into the next.
constexpr size_t kFrameBytesMax = size_t{1} * 1024 * 1024;

std::string_view TokenOf(const ServerMessage& message) {
  switch (message.kind_case()) {
    case ServerMessage::kTask:
      return message.task().token();
    case ServerMessage::kCancel:
      return message.cancel().token();
    case ServerMessage::kRecorded:
      return message.recorded().token();
    case ServerMessage::kRefused:
      return message.refused().token();
    default:
      return "";
  }
}

bool IsLarge(const ServerMessage& message) {
  return message.ByteSizeLong() > limits::kFragmentBytesMax ||
         (message.has_task() && HasReference(message));
}

}  // namespace

void OutgoingFrames::Push(ServerMessage message) {
  std::string token(TokenOf(message));
  if (auto it = behind_.find(token); it != behind_.end()) {
    it->second.push_back(std::move(message));
  } else if (!IsLarge(message)) {
    small_.push_back(std::move(message));
  } else {
    if (!token.empty()) behind_.try_emplace(std::move(token));
    large_.push_back(std::move(message));
  }
}

ConnectResponse OutgoingFrames::Next() {
  ConnectResponse frame;
  AddSmall(frame);
  if (bytes_.empty() && !large_.empty()) OpenTransfer(frame);
  if (!bytes_.empty()) AddPiece(frame);
  return frame;
}

void OutgoingFrames::AddSmall(ConnectResponse& frame) {
  size_t bytes = 0;
  while (!small_.empty() && bytes < kFrameBytesMax) {
    bytes += small_.front().ByteSizeLong();
    *frame.add_messages() = std::move(small_.front());
    small_.pop_front();
  }
}

void OutgoingFrames::OpenTransfer(ConnectResponse& frame) {
  while (!large_.empty() && bytes_.empty()) {
    ServerMessage message = std::move(large_.front());
    large_.pop_front();
    token_ = std::string(TokenOf(message));
    if (!resolve_(message)) {
      EndTransfer(frame);
    } else if (message.ByteSizeLong() <= limits::kFragmentBytesMax) {
      *frame.add_messages() = std::move(message);
      EndTransfer(frame);
      return;
    } else {
      bytes_ = message.SerializeAsString();
      sent_ = 0;
      ++transfer_id_;
    }
  }
}

void OutgoingFrames::AddPiece(ConnectResponse& frame) {
  size_t size =
      std::min<size_t>(limits::kFragmentBytesMax, bytes_.size() - sent_);
  auto& fragment = *frame.add_messages()->mutable_fragment();
  fragment.set_transfer_id(transfer_id_);
  fragment.set_data(bytes_.substr(sent_, size));
  sent_ += size;
  if (sent_ < bytes_.size()) return;
  fragment.set_last(true);
  bytes_.clear();
  bytes_.shrink_to_fit();
  EndTransfer(frame);
}

void OutgoingFrames::EndTransfer(ConnectResponse& frame) {
  auto it = behind_.find(token_);
  if (it == behind_.end()) return;
  for (ServerMessage& message : it->second) {
    *frame.add_messages() = std::move(message);
  }
  behind_.erase(it);
}

}  // namespace anabranch::rpc
