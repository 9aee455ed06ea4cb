// OutgoingFrames: what the server has to say to one worker.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "anabranch/v1/activity_service.pb.h"

namespace anabranch::rpc {

// Messages gather here while a frame is being written; the next frame takes
// them all. Large ones, and tasks whose content must be read from the store
// first, follow one after the other in pieces of at most
// limits::kFragmentBytesMax, one piece a frame, so that small messages
// overtake them. Messages about a task never overtake the task itself.
// Threads: one at a time.
class OutgoingFrames {
 public:
  // Puts content in place of references; false drops the message.
  using Resolver = std::function<bool(anabranch::v1::ServerMessage&)>;

  explicit OutgoingFrames(Resolver resolve) : resolve_(std::move(resolve)) {}

  void Push(anabranch::v1::ServerMessage message);

  bool empty() const { return small_.empty() && !HasLarge(); }
  // True when Next() may have to read much from the store.
  bool MustRead() const { return bytes_.empty() && !large_.empty(); }

  // The next frame; empty when there is nothing to say.
  anabranch::v1::ConnectResponse Next();

 private:
  bool HasLarge() const { return !bytes_.empty() || !large_.empty(); }
  void AddSmall(anabranch::v1::ConnectResponse& frame);
  void AddPiece(anabranch::v1::ConnectResponse& frame);
  void OpenTransfer(anabranch::v1::ConnectResponse& frame);
  void EndTransfer(anabranch::v1::ConnectResponse& frame);

  Resolver resolve_;
  std::deque<anabranch::v1::ServerMessage> small_;
  std::deque<anabranch::v1::ServerMessage> large_;
  // Messages that wait for their task's pieces, by token.
  std::map<std::string, std::deque<anabranch::v1::ServerMessage>> behind_;
  // The transfer under way.
  int64_t transfer_id_ = 0;
  std::string token_;
  std::string bytes_;
  size_t sent_ = 0;
};

}  // namespace anabranch::rpc
