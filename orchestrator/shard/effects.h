// What leaves a shard beside replies.
#pragma once

#include <vector>

#include "anabranch/v1/worker.pb.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/ids.h"
#include "orchestrator/shard/input.h"

namespace anabranch::shard {

// Implemented by the RPC layer and by the simulation. Called on the shard's
// thread, only when the batch that the effect rests on is durable. Must not
// block, and must not call back into the shard other than by posting.
class Effects {
 public:
  virtual ~Effects() = default;

  // Sends in order; silently dropped when the stream is gone.
  virtual void SendToWorker(StreamId stream,
                            std::vector<api::ServerMessage> messages) = 0;

  // Ends the stream: the peer broke the protocol, or was replaced.
  virtual void CloseStream(StreamId stream, absl::Status status) = 0;

  // Something durable changed: history, an activity's attempts, or the state.
  // Watchers read the rest from the store.
  virtual void RunChanged(Uid uid, bool closed) = 0;

  // The sessions as they stand, whenever one changes.
  virtual void WorkersChanged(const std::vector<api::Worker>& workers) = 0;

  // The queues that have changed, as they stand. One that has neither limits
  // nor tasks nor workers is told of a last time.
  virtual void TaskQueuesChanged(
      const std::vector<api::TaskQueue>& /*queues*/) {}
};

}  // namespace anabranch::shard
