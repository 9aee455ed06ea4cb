#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

Network::Stream* Network::Find(StreamId id) {
  auto it = streams_.find(id);
  return it == streams_.end() ? nullptr : &it->second;
}

absl::Duration Network::Arrival(absl::Duration& free) {
  absl::Duration at =
      world_.clock.Steady() +
      (world_.Happens(Fault::kDelay)
           ? world_.Between(absl::Milliseconds(20), absl::Seconds(2))
           : world_.Between(absl::Microseconds(50),
                            absl::Microseconds(world_.config.frame_us_max)));
  free = std::max(free, at);
  return free - world_.clock.Steady();
}

StreamId Network::Open(StreamPeer& peer) {
  if (!server_->up()) return {};
  if (cut_off_until_[&peer] > world_.clock.Steady()) return {};
  StreamId id{next_++};
  streams_[id].peer = &peer;
  newest_[&peer] = id;
  return id;
}

void Network::ToServer(StreamId id, v1::ConnectRequest frame) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->worker_open) return;
  for (int i = 0, size = frame.messages_size(); i < size; ++i) {
    const auto& message = frame.messages(i);
    bool answer = message.has_completed() || message.has_failed();
    if (answer && world_.Happens(Fault::kDoubleAnswer)) {
      v1::WorkerMessage again = message;
      *frame.add_messages() = std::move(again);
    }
  }
  world_.After(Arrival(stream->up_free), [this, id, frame]() mutable {
    DeliverUp(id, std::move(frame));
  });
}

void Network::DeliverUp(StreamId id, v1::ConnectRequest frame) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->server_open || !server_->up()) return;
  if (stream->up_failing && world_.Chance(0.3)) stream->up_cut = true;
  if (stream->up_cut) return;
  if (!stream->greeted) {
    // A worker opens no stream before its last one is gone; a Hello that
    // arrives after its successor's is not among the faults.
    if (newest_[stream->peer] != id) {
      stream->up_cut = true;
      return;
    }
    stream->greeted = true;
  }
  server_->OnFrame(id, std::move(frame));
}

void Network::ToWorker(StreamId id, std::vector<v1::ServerMessage> messages) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->server_open) return;
  world_.After(Arrival(stream->down_free), [this, id, messages]() mutable {
    Stream* stream = Find(id);
    if (stream == nullptr || !stream->worker_open) return;
    if (stream->down_failing && world_.Chance(0.3)) stream->down_cut = true;
    if (stream->down_cut) return;
    stream->peer->OnMessages(id, std::move(messages));
  });
}

void Network::TellServer(StreamId id, absl::Duration delay) {
  Stream* stream = Find(id);
  stream->up_free = std::max(stream->up_free, world_.clock.Steady() + delay);
  world_.After(stream->up_free - world_.clock.Steady(), [this, id] {
    Stream* stream = Find(id);
    if (!stream->server_open) return;
    stream->server_open = false;
    if (server_->up() && stream->greeted) server_->OnDisconnected(id);
  });
}

void Network::TellWorker(StreamId id, absl::Duration delay) {
  Stream* stream = Find(id);
  stream->down_free =
      std::max(stream->down_free, world_.clock.Steady() + delay);
  world_.After(stream->down_free - world_.clock.Steady(), [this, id] {
    Stream* stream = Find(id);
    if (!stream->worker_open) return;
    stream->worker_open = false;
    stream->peer->OnStreamClosed(id);
  });
}

void Network::Abandon(StreamId id, bool unnoticed) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->worker_open) return;
  stream->worker_open = false;
  stream->up_failing = true;
  if (unnoticed || world_.Happens(Fault::kHalfOpen)) {
    stream->up_cut = true;
    return;
  }
  TellServer(id, world_.Between(absl::ZeroDuration(), absl::Milliseconds(50)));
}

void Network::CloseByWorker(StreamId id) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->worker_open) return;
  stream->worker_open = false;
  TellServer(id, absl::Milliseconds(1));
}

void Network::CloseByServer(StreamId id) {
  Stream* stream = Find(id);
  if (stream == nullptr || !stream->server_open) return;
  TellWorker(id, absl::Milliseconds(1));
  TellServer(id, absl::Milliseconds(2));
}

void Network::ServerDied() {
  for (auto& [id, stream] : streams_) {
    if (!stream.server_open) continue;
    stream.server_open = false;
    stream.down_failing = true;
    TellWorker(id,
               world_.Between(absl::ZeroDuration(), absl::Milliseconds(20)));
  }
}

void Network::Stall(StreamId id, absl::Duration time, Direction direction) {
  Stream* stream = Find(id);
  if (stream == nullptr) return;
  absl::Duration until = world_.clock.Steady() + time;
  if (direction != Direction::kDown) {
    stream->up_free = std::max(stream->up_free, until);
  }
  if (direction != Direction::kUp) {
    stream->down_free = std::max(stream->down_free, until);
  }
}

void Network::Partition(StreamPeer& peer, absl::Duration time) {
  cut_off_until_[&peer] = world_.clock.Steady() + time;
  auto newest = newest_.find(&peer);
  if (newest != newest_.end()) Stall(newest->second, time, Direction::kBoth);
}

}  // namespace anabranch::sim
