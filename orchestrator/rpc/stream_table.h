// StreamTable: the open worker streams by id.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "orchestrator/shard/input.h"

namespace anabranch::rpc {

// The server's end of one stream. Threads: any. Must not block.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // Sends in order, or drops when the stream is gone.
  virtual void Send(std::vector<anabranch::v1::ServerMessage> messages) = 0;
  // Ends the stream once what was sent before is on its way.
  virtual void Close(absl::Status status) = 0;
};

// Threads: any.
class StreamTable {
 public:
  // Ids are never reused.
  shard::StreamId Add(std::shared_ptr<StreamSink> sink) {
    std::lock_guard<std::mutex> lock(mutex_);
    shard::StreamId id{++last_};
    sinks_.emplace(id, std::move(sink));
    return id;
  }

  void Remove(shard::StreamId id) {
    // Destroyed outside the lock.
    std::shared_ptr<StreamSink> sink;
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = sinks_.find(id);
    if (it == sinks_.end()) return;
    sink = std::move(it->second);
    sinks_.erase(it);
  }

  // Null when it is gone.
  std::shared_ptr<StreamSink> Find(shard::StreamId id) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = sinks_.find(id);
    return it == sinks_.end() ? nullptr : it->second;
  }

 private:
  std::mutex mutex_;
  uint64_t last_ = 0;
  std::map<shard::StreamId, std::shared_ptr<StreamSink>> sinks_;
};

}  // namespace anabranch::rpc
