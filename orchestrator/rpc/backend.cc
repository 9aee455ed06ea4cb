#include "orchestrator/rpc/backend.h"

#include <utility>

namespace anabranch::rpc {

void Backend::SendToWorker(shard::StreamId stream,
                           std::vector<anabranch::v1::ServerMessage> messages) {
  if (auto sink = streams.Find(stream)) sink->Send(std::move(messages));
}

void Backend::CloseStream(shard::StreamId stream, absl::Status status) {
  if (auto sink = streams.Find(stream)) sink->Close(std::move(status));
}

void Backend::RunChanged(Uid uid, bool closed) {
  notifier.RunChanged(uid);
  if (closed) progress.RunClosed(uid);
}

void Backend::WorkersChanged(
    const std::vector<anabranch::v1::Worker>& snapshot) {
  workers.Set(snapshot);
}

void Backend::TaskQueuesChanged(
    const std::vector<anabranch::v1::TaskQueue>& changed) {
  task_queues.Update(changed);
}

}  // namespace anabranch::rpc
