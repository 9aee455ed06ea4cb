// Harness: a shard over an in-memory log with a virtual clock, for tests.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "orchestrator/log/memory_event_log.h"
#include "orchestrator/shard/shard.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard::testing {

// What left the shard.
class RecordedEffects : public Effects {
 public:
  void SendToWorker(StreamId stream,
                    std::vector<api::ServerMessage> messages) override {
    for (auto& message : messages) sent[stream].push_back(std::move(message));
  }
  void CloseStream(StreamId stream, absl::Status) override {
    closed.push_back(stream);
  }
  void RunChanged(Uid, bool closed) override {
    ++changes;
    last_change_closed = closed;
  }
  void WorkersChanged(const std::vector<api::Worker>& now) override {
    workers = now;
  }

  // Messages to that stream since the last call.
  std::vector<api::ServerMessage> Take(StreamId stream) {
    return std::exchange(sent[stream], {});
  }

  std::map<StreamId, std::vector<api::ServerMessage>> sent;
  std::vector<StreamId> closed;
  std::vector<api::Worker> workers;
  int changes = 0;
  bool last_change_closed = false;
};

// Threads: one.
class Harness {
 public:
  explicit Harness(size_t live_flows_max = 0);

  // The process dies between two rounds and starts again; its clock goes on.
  void Restart(absl::Duration down = absl::ZeroDuration(),
               const sdk::FlowRegistry* flows = nullptr);

  // One round: take, tick, append, release.
  void Round(std::vector<Input> inputs = {});
  // Rounds until no message between shards is under way.
  void Settle();
  // Moves the clock in steps of at most a second, with a round after each.
  void Advance(absl::Duration by);

  // Each posts one input and makes a round.
  absl::StatusOr<StartedRun> Start(const std::string& flow,
                                   const std::string& run_id,
                                   const std::string& json = "null",
                                   const std::string& request_id = "");
  absl::Status Signal(const std::string& run_id, const std::string& name,
                      const std::string& json,
                      const std::string& request_id = "");
  absl::Status Cancel(const std::string& run_id);
  absl::Status Terminate(const std::string& run_id);
  void Connect(uint64_t stream, const std::string& session, int credit = 10,
               std::vector<std::string> running = {},
               std::vector<std::string> held = {});
  void Disconnect(uint64_t stream);
  void Beat(uint64_t stream);
  void Complete(uint64_t stream, const std::string& token,
                const std::string& json);
  void Fail(uint64_t stream, const std::string& token, const std::string& type,
            bool retryable);

  // Tasks sent on that stream since the last call to Tasks or Messages.
  std::vector<api::Task> Tasks(uint64_t stream);
  std::vector<api::ServerMessage> Messages(uint64_t stream);

  api::Run Run(const std::string& run_id);
  std::vector<api::HistoryEvent> History(const std::string& run_id);

  // Appends what no shard of this build would, and is durable.
  void Append(log::WriteBatch batch);

  // Marks which flow runs, across restarts.
  FlowSlot& slot() { return *slot_; }

  // Of the next start.
  ShardOptions options;
  FakeClock clock;
  log::MemoryEventLog log;
  log::StoreReader store;
  sdk::FlowRegistry flows;
  RecordedEffects effects;
  // Messages between shards that the next round brings in. The process's end
  // loses them.
  std::vector<ShardMessage> messages;
  std::unique_ptr<Shard> shard;

 private:
  Times Now() { return {clock.Now(), clock.Steady()}; }
  void Send(uint64_t stream, api::WorkerMessage message);

  // What a start does about a flow that took the last life down.
  void CountDeath(const std::string& build_id);

  std::unique_ptr<FlowSlot> slot_;
  SeededRandom random_;
  int64_t position_ = 0;
};

}  // namespace anabranch::shard::testing
