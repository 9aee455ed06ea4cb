// Worker: simulated worker processes around the real WorkerCore. One after the
// other in one place: when a process dies, another takes its place with a new
// session.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "activity_worker/core/worker_core.h"
#include "tests/sim/ledger.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one. Outlives the world's actions.
class Worker : public StreamPeer {
 public:
  Worker(World& world, Network& network, Ledger& ledger, std::string label,
         int slots, std::vector<std::string> queues);

  // A new process.
  void Start();
  // The process dies. `unnoticed`: its streams seem alive to the server.
  void Die(bool unnoticed = false);
  bool alive() const { return core_ != nullptr; }
  // Its stream breaks, and comes back after `reconnect`.
  void Break(absl::Duration reconnect);
  void Stall(absl::Duration time, Network::Direction direction) {
    network_.Stall(stream_, time, direction);
  }
  void CutOff(absl::Duration time) { network_.Partition(*this, time); }
  // Stands still: does nothing, and sees nothing of what comes.
  void Freeze(absl::Duration time) {
    frozen_until_ = world_.clock.Steady() + time;
  }

  void OnMessages(StreamId stream,
                  std::vector<v1::ServerMessage> messages) override;
  void OnStreamClosed(StreamId stream) override;

 private:
  struct Running {
    v1::Task task;
    Ledger::Plan plan;
  };

  void Connect();
  void ConnectAfter(absl::Duration delay);
  // Carries out what the core wants, and sends what it has to say.
  void Pump();
  void Begin(activity_worker::BegunTask task);
  // Says how far a task is, and again until it has ended.
  void Beat(activity_worker::TaskId id, int64_t number);
  // Says an answer that the core has given, too, once more: much later, without
  // being asked, and whatever has become of the attempt.
  void SayAgain(const std::string& token,
                const activity_worker::Outcome& outcome);
  void SendLate(v1::ConnectRequest frame, absl::Duration delay);
  // Says a result of an attempt that nobody granted to it.
  void Lie(const std::string& token);
  void Finish(activity_worker::TaskId id, activity_worker::Outcome outcome);
  void ArmAdvance();
  // True when the process stands still: `action` happens when it goes on.
  // What waits for that keeps its order.
  bool Frozen(const std::function<void()>& action);
  void AwaitThaw();
  // An action that is void once this process is dead.
  void After(absl::Duration delay, std::function<void()> action);

  World& world_;
  Network& network_;
  Ledger& ledger_;
  const std::string label_;
  const int slots_;
  const std::vector<std::string> queues_;
  // Counts processes, and openings of streams.
  int life_ = 0;
  int connection_ = 0;
  std::unique_ptr<activity_worker::WorkerCore> core_;
  std::string session_;
  StreamId stream_;
  std::map<activity_worker::TaskId, Running> running_;
  absl::Duration frozen_until_;
  std::vector<std::function<void()>> deferred_;
  absl::Duration advance_at_ = absl::InfiniteDuration();
};

}  // namespace anabranch::sim
