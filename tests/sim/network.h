// Network: worker streams between simulated processes. Each stream delivers in
// order, after delays; it can break with a part delivered, stall, or be gone
// without the server's notice.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "anabranch/v1/worker_stream.pb.h"
#include "orchestrator/shard/input.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

using shard::StreamId;

// The worker's end.
class StreamPeer {
 public:
  virtual ~StreamPeer() = default;
  virtual void OnMessages(StreamId stream,
                          std::vector<v1::ServerMessage> messages) = 0;
  virtual void OnStreamClosed(StreamId stream) = 0;
};

// The server's end.
class StreamServer {
 public:
  virtual ~StreamServer() = default;
  virtual bool up() const = 0;
  virtual void OnFrame(StreamId stream, v1::ConnectRequest frame) = 0;
  virtual void OnDisconnected(StreamId stream) = 0;
};

// Threads: one. Peers and server outlive it.
class Network {
 public:
  explicit Network(World& world) : world_(world) {}
  void SetServer(StreamServer& server) { server_ = &server; }

  // A new stream of `peer`, whose earlier ones are abandoned; its value is 0
  // when nobody listens.
  StreamId Open(StreamPeer& peer);
  void ToServer(StreamId id, v1::ConnectRequest frame);
  void ToWorker(StreamId id, std::vector<v1::ServerMessage> messages);
  // The worker's end is gone: a part of what it sent may still arrive. The
  // peer is not called any more. `unnoticed`: the server is not told.
  void Abandon(StreamId id, bool unnoticed = false);
  // The worker has said all and closes.
  void CloseByWorker(StreamId id);
  // The server ends the stream; what it sent before arrives.
  void CloseByServer(StreamId id);
  // The server is gone: a part of what it sent may still arrive.
  void ServerDied();
  // Nothing passes for so long, in the directions that are named.
  enum class Direction { kBoth, kUp, kDown };
  void Stall(StreamId id, absl::Duration time, Direction direction);
  // The peer reaches nobody for so long, and nobody reaches it.
  void Partition(StreamPeer& peer, absl::Duration time);

 private:
  struct Stream {
    StreamPeer* peer = nullptr;
    bool worker_open = true;
    bool server_open = true;
    // Frames in flight that may be lost, from the first lost one on all.
    bool up_cut = false;
    bool down_cut = false;
    bool up_failing = false;
    bool down_failing = false;
    bool greeted = false;
    absl::Duration up_free;
    absl::Duration down_free;
  };

  Stream* Find(StreamId id);
  // When a message sent now arrives, not before those before it.
  absl::Duration Arrival(absl::Duration& free);
  void DeliverUp(StreamId id, v1::ConnectRequest frame);
  void TellServer(StreamId id, absl::Duration delay);
  void TellWorker(StreamId id, absl::Duration delay);

  World& world_;
  StreamServer* server_ = nullptr;
  std::map<StreamId, Stream> streams_;
  // The newest stream of each peer.
  std::map<StreamPeer*, StreamId> newest_;
  std::map<StreamPeer*, absl::Duration> cut_off_until_;
  uint64_t next_ = 1;
};

}  // namespace anabranch::sim
