#include "tests/sim/simulation.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "tests/sim/caller.h"
#include "tests/sim/final_checks.h"
#include "tests/sim/server.h"
#include "tests/sim/worker.h"

namespace anabranch::sim {
namespace {

// Virtual times: for how long there are faults, and how long after them
// everything must be closed.
constexpr absl::Duration kFaultTime = absl::Seconds(15);
constexpr absl::Duration kHealTime = absl::Seconds(120);
// Keeps a seed that goes wild from going on for ever.
constexpr int64_t kActionsMax = 500'000;

// Everything of one seed.
class Simulation {
 public:
  explicit Simulation(const SimulationOptions& options)
      : world_(options.seed),
        ledger_(world_),
        records_(world_, ledger_, sessions_),
        checks_(world_, records_, ledger_),
        network_(world_),
        log_(records_),
        flows_("sim"),
        server_({world_, network_, log_, sessions_, checks_, flows_,
                 options.live_flows_max}) {
    world_.print = options.print;
    RegisterFlows(flows_);
    network_.SetServer(server_);
  }

  SimulationResult Run() {
    SetUp();
    int64_t actions = 0;
    while (!world_.failed() && !Over()) {
      if (!world_.Step() || ++actions > kActionsMax) {
        world_.Fail("it goes on for ever");
      }
      if (world_.clock.Steady() > kFaultTime + kHealTime) {
        world_.Fail("not everything closed in time: " + WhatIsOpen());
      }
    }
    if (!world_.failed()) {
      CheckAtEnd({world_, records_, ledger_, log_, flows_}, callers_);
    }
    return Result();
  }

 private:
  void SetUp() {
    for (int64_t i = 0, n = world_.Between(1, 3); i < n; ++i) {
      workers_.push_back(std::make_unique<Worker>(
          world_, network_, ledger_, absl::StrCat("w", i),
          static_cast<int>(world_.Between(1, 6))));
      workers_.back()->Start();
    }
    for (int64_t i = 0, n = world_.Between(3, 9); i < n; ++i) {
      callers_.push_back(
          std::make_unique<Caller>(Caller::Parts{world_, server_, checks_},
                                   MakeProgram(world_), static_cast<int>(i)));
      callers_.back()->Begin(
          world_.Between(absl::ZeroDuration(), absl::Seconds(5)));
    }
    if (world_.on(Fault::kKill)) {
      Plan(1, 6, [this] {
        server_.KillAt(static_cast<KillPoint>(
            world_.Between(0, static_cast<int64_t>(KillPoint::kCount) - 2)));
      });
    }
    Plan(Fault::kFreeze, 2, [this] {
      server_.Freeze(world_.Between(absl::Seconds(1), absl::Seconds(5)));
    });
    Plan(Fault::kWallJump, 2, [this] {
      absl::Duration jump =
          world_.Between(absl::Seconds(-30), absl::Seconds(30));
      world_.clock.JumpWall(jump);
      if (absl::AbsDuration(jump) > limits::kTimeGap) {
        sessions_.Jumped();
      }
    });
    Plan(Fault::kWorkerDeath, 3, [this] { KillWorker(); });
    Plan(Fault::kStreamBreak, 4, [this] {
      AnyWorker().Break(
          world_.Between(absl::Milliseconds(1), absl::Milliseconds(500)));
    });
    Plan(Fault::kLongBreak, 2, [this] {
      AnyWorker().Break(world_.Between(absl::Seconds(1), absl::Seconds(6)));
    });
    Plan(Fault::kStall, 2, [this] {
      AnyWorker().Stall(world_.Between(absl::Seconds(1), absl::Seconds(14)));
    });
    world_.After(kFaultTime, [this] { world_.StopFaults(); });
    server_.Boot();
  }

  // Some actions at times within that of faults.
  template <typename Action>
  void Plan(int64_t least, int64_t most, Action action) {
    for (int64_t i = 0, n = world_.Between(least, most); i < n; ++i) {
      world_.After(world_.Between(absl::ZeroDuration(), kFaultTime), action);
    }
  }
  template <typename Action>
  void Plan(Fault fault, int64_t most, Action action) {
    if (!world_.on(fault)) return;
    Plan(1, most, [this, fault, action] {
      world_.Fired(fault);
      action();
    });
  }

  Worker& AnyWorker() {
    return *workers_[static_cast<size_t>(
        world_.Between(0, static_cast<int64_t>(workers_.size()) - 1))];
  }

  void KillWorker() {
    Worker* worker = &AnyWorker();
    if (!worker->alive()) return;
    worker->Die();
    world_.After(world_.Between(absl::Milliseconds(50), absl::Seconds(4)),
                 [worker] { worker->Start(); });
  }

  bool Over() {
    if (!world_.healed() || !server_.up()) return false;
    for (const auto& caller : callers_) {
      const RunRecords* run = records_.Find(caller->run());
      if (!caller->done() || run == nullptr || !run->ended) return false;
    }
    return true;
  }

  std::string WhatIsOpen() {
    std::string text = server_.up() ? "" : "the server is down; ";
    for (const auto& caller : callers_) {
      const RunRecords* run = records_.Find(caller->run());
      if (!caller->done()) absl::StrAppend(&text, "a caller waits; ");
      if (run != nullptr && !run->ended) {
        absl::StrAppend(&text, run->status->run().ShortDebugString(), "; ");
      }
    }
    return text;
  }

  SimulationResult Result() {
    SimulationResult result;
    result.failure = world_.failure();
    result.trace_hash = world_.trace_hash();
    result.seconds = absl::ToDoubleSeconds(world_.clock.Steady());
    result.runs = static_cast<int64_t>(records_.runs().size());
    result.executions = ledger_.executions();
    for (const auto& [uid, run] : records_.runs()) {
      result.events += run.fold.last_event_id;
    }
    result.counts = world_.counts();
    return result;
  }

  World world_;
  Ledger ledger_;
  SessionWatch sessions_;
  Records records_;
  OutwardChecks checks_;
  Network network_;
  DurableLog log_;
  sdk::FlowRegistry flows_;
  Server server_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Caller>> callers_;
};

}  // namespace

SimulationResult Simulate(const SimulationOptions& options) {
  return Simulation(options).Run();
}

size_t LiveFlowsOfSeed(uint64_t seed) {
  return seed % 2 == 0 ? 0 : limits::kLiveFlowsDefault;
}

}  // namespace anabranch::sim
