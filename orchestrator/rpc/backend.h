// Backend: what the services stand on.
#pragma once

#include <functional>

#include "base/clock.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/progress_hub.h"
#include "orchestrator/rpc/run_notifier.h"
#include "orchestrator/rpc/run_reads.h"
#include "orchestrator/rpc/start_door.h"
#include "orchestrator/rpc/stream_table.h"
#include "orchestrator/rpc/task_queue_directory.h"
#include "orchestrator/rpc/worker_directory.h"
#include "orchestrator/shard/effects.h"
#include "orchestrator/shard/input.h"
#include "sdk/flow_registry.h"

namespace anabranch::rpc {

// Takes an input to its shard.
using Poster = std::function<void(shard::Input)>;

// Shared by all services; outlives the server. Threads: any.
//
// The members are each thread-safe. `post` is set before the server starts,
// because a shard that starts up already has effects.
struct Backend : public shard::Effects {
  Backend(log::EventLog& log, const sdk::FlowRegistry& flow_registry,
          Clock& a_clock)
      : clock(a_clock),
        flows(flow_registry),
        reader(log),
        notifier(a_clock),
        reads(reader, workers, a_clock),
        start_door(reader, flow_registry) {}

  // Effects: on the shard's thread.
  void SendToWorker(
      shard::StreamId stream,
      std::vector<anabranch::v1::ServerMessage> messages) override;
  void CloseStream(shard::StreamId stream, absl::Status status) override;
  void RunChanged(Uid uid, bool closed) override;
  void WorkersChanged(
      const std::vector<anabranch::v1::Worker>& snapshot) override;
  void TaskQueuesChanged(
      const std::vector<anabranch::v1::TaskQueue>& changed) override;

  Clock& clock;
  const sdk::FlowRegistry& flows;
  log::StoreReader reader;
  WorkerDirectory workers;
  TaskQueueDirectory task_queues;
  ProgressHub progress;
  RunNotifier notifier;
  StreamTable streams;
  RunReads reads;
  StartDoor start_door;
  Poster post;
};

}  // namespace anabranch::rpc
