// Server: simulated orchestrator processes around the real Shard, one after
// the other over one log. Drives the loop as production does, and can be
// killed between any two of its steps.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/shard/shard.h"
#include "sdk/flow_registry.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/heartbeat_checks.h"
#include "tests/sim/network.h"
#include "tests/sim/outward_checks.h"
#include "tests/sim/queue_checks.h"
#include "tests/sim/session_watch.h"
#include "tests/sim/watcher.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

enum class KillPoint {
  kBeforeTake,
  kBeforeTick,
  kBeforeTakeBatch,
  kBeforeAppend,
  kBeforeSync,
  kAfterSync,
  kInRelease,
  kAfterRelease,
  kInRecovery,
  kCount,
};

// Threads: one.
class Server : public StreamServer, private shard::Effects {
 public:
  struct Parts {
    World& world;
    Network& network;
    DurableLog& log;
    SessionWatch& sessions;
    OutwardChecks& checks;
    Watcher& watcher;
    QueueCheck& queues;
    HeartbeatCheck& heartbeats;
    const sdk::FlowRegistry& flows;
    // A build that breaks some of the runs that it finds.
    const sdk::FlowRegistry& bad_flows;
    size_t live_flows_max;
  };
  explicit Server(Parts parts);

  // A process starts and recovers.
  void Boot();
  // The process dies when it next gets to `point`.
  void KillAt(KillPoint point) { kill_at_ = point; }
  // The process is killed, if there is one; the next ones run this build.
  enum class Build { kGood, kBad };
  void Deploy(Build build);
  Build build() const { return build_; }
  // The process is killed, and its store becomes an older copy of itself.
  void Restore(const DurableLog::Backup& backup);
  // Is told to stop: grants nothing more, and ends after `grace`, when what it
  // is writing is durable and let out.
  void Stop(absl::Duration grace);
  // Stands still.
  void Freeze(absl::Duration time);

  // From clients and from the network; lost when nobody is there.
  void Post(shard::Input input);
  // What is to happen outside, when a reply leaves: void when the process died
  // in the middle of letting things out.
  void Emit(const std::function<void()>& what);

  bool up() const override { return shard_ != nullptr; }
  void OnFrame(StreamId stream, v1::ConnectRequest frame) override;
  void OnDisconnected(StreamId stream) override;

 private:
  void SendToWorker(StreamId stream,
                    std::vector<v1::ServerMessage> messages) override;
  void CloseStream(StreamId stream, absl::Status status) override;
  void RunChanged(Uid uid, bool closed) override;
  void WorkersChanged(const std::vector<v1::Worker>& workers) override;
  void TaskQueuesChanged(const std::vector<v1::TaskQueue>& queues) override;

  // Steps of the loop.
  void CheckSpace();
  void Round();
  void Take(shard::Input input);
  void TakeFrame(const shard::WorkerFrame& frame, absl::Duration now);
  void Commit();
  void Release();
  // A message from the shard to another, which is itself.
  void Carry(shard::ShardMessage message);
  // When the next round is to be.
  void Schedule();
  // Dies here if it was to.
  bool KilledAt(KillPoint point);
  // `keep`: what was written and not synced stays.
  void Kill(bool keep);
  // The process ends between two rounds.
  void End();
  // What a kill leaves of a process.
  void Clear();
  // An action that is void once this process is dead.
  void After(absl::Duration delay, std::function<void()> action);

  World& world_;
  Network& network_;
  DurableLog& log_;
  SessionWatch& sessions_;
  OutwardChecks& checks_;
  Watcher& watcher_;
  QueueCheck& queues_;
  HeartbeatCheck& heartbeats_;
  const sdk::FlowRegistry& flows_;
  const sdk::FlowRegistry& bad_flows_;
  const size_t live_flows_max_;
  SeededRandom random_;
  Build build_ = Build::kGood;

  int life_ = 0;
  std::unique_ptr<shard::Shard> shard_;
  std::deque<shard::Input> inbox_;
  std::map<StreamId, std::string> sessions_by_stream_;
  bool busy_ = false;
  absl::Duration frozen_until_;
  // Until then messages between shards are under way.
  absl::Duration carried_until_;
  std::optional<KillPoint> kill_at_;
  // Told to stop; the drain was taken in; the grace is over.
  bool stopping_ = false;
  bool drained_ = false;
  bool ends_ = false;
  // Effects that still get out of this release.
  int64_t effects_left_ = 0;
  bool releasing_ = false;
  uint64_t wake_ = 0;
  int idle_rounds_ = 0;
  absl::Duration last_round_;
  absl::Duration space_checked_;
};

}  // namespace anabranch::sim
