// ShardRunner: the thread that holds the shard's role in production.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/random.h"
#include "orchestrator/log/event_log.h"
#include "orchestrator/shard/effects.h"
#include "orchestrator/shard/flow_slot.h"
#include "orchestrator/shard/input.h"
#include "orchestrator/shard/observer.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard {

struct ShardRunnerOptions {
  // Live flows kept in memory; 0 replays for every stimulus.
  int live_flows_max = 1000;
  // Called after the effects of each batch have been released.
  std::function<void()> after_effects = nullptr;
  // Takes a line that a flow logged; on the shard's thread.
  std::function<void(const RunName& run, const std::string& line)> flow_log =
      nullptr;
  // Where it is marked which flow runs; outlives the runner. A mark that it
  // holds is counted before any flow runs. May be null.
  FlowSlot* flow_slot = nullptr;
  // Hears what happens; may be null, outlives the runner.
  Observer* observer = nullptr;
};

// Threads: Post from any thread. Owns one thread of its own; everything else
// happens there, but for the first round, which is over when Start returns. A
// write that the log refuses ends the process.
class ShardRunner {
 public:
  // Reads what is open and due, and makes durable what that brings about: who
  // reads the store afterwards sees it. All references outlive the runner.
  static absl::StatusOr<std::unique_ptr<ShardRunner>> Start(
      log::EventLog& log, const sdk::FlowRegistry& flows, Clock& clock,
      Random& random, Effects& effects, ShardRunnerOptions options);

  ~ShardRunner();
  ShardRunner(const ShardRunner&) = delete;
  ShardRunner& operator=(const ShardRunner&) = delete;

  // Takes the input in. Inputs of clients beyond limits::kInboxMax are
  // answered kResourceExhausted at once; results never are.
  void Post(Input input);

  // Stops the thread after the batch in hand; inputs still waiting are
  // answered kUnavailable, no effect is released afterwards. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit ShardRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anabranch::shard
