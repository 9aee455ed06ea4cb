#include "tests/sim/simulation.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "tests/sim/caller.h"
#include "tests/sim/final_checks.h"
#include "tests/sim/generation_checks.h"
#include "tests/sim/heartbeat_checks.h"
#include "tests/sim/operators.h"
#include "tests/sim/option_programs.h"
#include "tests/sim/queue_checks.h"
#include "tests/sim/retrier.h"
#include "tests/sim/run_checks.h"
#include "tests/sim/server.h"
#include "tests/sim/watcher.h"
#include "tests/sim/worker.h"

namespace anabranch::sim {
namespace {

// How long after the faults everything must be closed, in virtual time.
constexpr absl::Duration kHealTime = absl::Seconds(120);
// Keeps a seed that goes wild from going on for ever.
constexpr int64_t kActionsMax = 500'000;

// Everything of one seed.
class Simulation {
 public:
  Simulation(const SimulationOptions& options, const DiskFactory& disk)
      : world_(options.seed, options.without),
        ledger_(world_),
        records_(world_, ledger_, sessions_),
        checks_(world_, records_, ledger_),
        network_(world_),
        log_(world_, records_, disk(world_)),
        watcher_(world_, log_, records_),
        flows_("sim"),
        bad_flows_("sim-bad"),
        queue_check_(world_, records_),
        heartbeat_check_(world_, records_),
        server_({world_, network_, log_, sessions_, checks_, watcher_,
                 queue_check_, heartbeat_check_, flows_, bad_flows_,
                 LiveFlows(options)}),
        generation_checks_(world_, records_),
        retrier_({world_, server_, records_, generation_checks_}),
        options_(options),
        pause_check_(world_, sessions_, records_),
        cancel_check_(world_),
        grace_check_(world_, sessions_),
        mail_check_(world_) {
    world_.print = options.print;
    RegisterFlows(flows_);
    RegisterBadFlows(bad_flows_);
    network_.SetServer(server_);
    log_.AddCheck(pause_check_);
    log_.AddCheck(grace_check_);
    log_.AddCheck(mail_check_);
    log_.AddCheck(cancel_check_);
    log_.AddCheck(queue_check_);
    log_.AddCheck(heartbeat_check_);
  }

  SimulationResult Run() {
    SetUp();
    int64_t actions = 0;
    while (!world_.failed() && !Over()) {
      if (!world_.Step() || ++actions > kActionsMax) {
        world_.Fail("it goes on for ever");
      }
      if (world_.clock.Steady() > options_.fault_time + kHealTime) {
        world_.Fail("not everything closed in time: " + WhatIsOpen());
      }
    }
    for (const auto& one : operators_) {
      if (!world_.failed()) one->CheckAtEnd();
    }
    if (!world_.failed()) {
      CheckAtEnd({world_, records_, ledger_, log_, flows_}, callers_);
      records_.CheckFamiliesAtEnd();
      generation_checks_.CheckAtEnd(ledger_);
    }
    return Result();
  }

 private:
  size_t LiveFlows(const SimulationOptions& options) {
    if (options.live_flows_max.has_value()) return *options.live_flows_max;
    if (options.seed % 2 == 0) return 0;
    return static_cast<size_t>(world_.config.live_flows);
  }

  void SetUp() {
    for (int64_t i = 0; i < world_.config.workers; ++i) {
      workers_.push_back(std::make_unique<Worker>(
          world_, network_, ledger_, absl::StrCat("w", i),
          static_cast<int>(world_.config.slots_per_worker),
          QueuesOf(static_cast<size_t>(i))));
      workers_.back()->Start();
    }
    for (int64_t i = 0; i < world_.config.runs; ++i) {
      // Drawn in any case, so that the others stay what they are.
      auto caller =
          std::make_unique<Caller>(Caller::Parts{world_, server_, checks_},
                                   MakeProgram(world_, i), static_cast<int>(i));
      absl::Duration begin =
          world_.Between(absl::ZeroDuration(), absl::Seconds(5));
      if (!options_.runs.empty() && !options_.runs.contains(i)) continue;
      callers_.push_back(std::move(caller));
      callers_.back()->Begin(begin);
    }
    operators_ = AllOperators({world_, server_, records_, log_});
    for (const auto& one : operators_) one->Begin();
    PlanServerFaults();
    PlanLogFaults();
    PlanWorkerFaults();
    world_.After(options_.fault_time, [this] { Heal(); });
    Watch();
    retrier_.Begin();
    server_.Boot();
  }

  // Each queue is served by one worker at least.
  std::vector<std::string> QueuesOf(size_t worker) {
    std::vector<std::string> queues = {"default"};
    const auto workers = static_cast<size_t>(world_.config.workers);
    for (size_t i = 0; i < std::size(kQueues); ++i) {
      if (i % workers == worker || world_.Chance(0.4)) {
        queues.emplace_back(kQueues[i]);
      }
    }
    return queues;
  }

  void PlanServerFaults() {
    for (int64_t n = world_.TimesOf(Fault::kKill); n > 0; --n) {
      world_.After(MomentOf(Fault::kKill), [this] {
        server_.KillAt(static_cast<KillPoint>(
            world_.Between(0, static_cast<int64_t>(KillPoint::kCount) - 2)));
      });
    }
    Plan(Fault::kFreeze, [this] {
      server_.Freeze(world_.Between(absl::Seconds(1), absl::Seconds(5)));
    });
    Plan(Fault::kStop, [this] {
      server_.Stop(world_.Between(absl::ZeroDuration(), absl::Seconds(3)));
    });
    Plan(Fault::kWallJump, [this] {
      absl::Duration jump =
          world_.Between(absl::Seconds(-30), absl::Seconds(30));
      world_.clock.JumpWall(jump);
      sessions_.Jumped(jump);
    });
    Plan(Fault::kBadBuild, [this] {
      server_.Deploy(Server::Build::kBad);
      std::set<int64_t> running;
      for (const auto& [uid, run] : records_.runs()) {
        if (run.history.empty()) continue;
        const auto& started = run.history[0].events(0).run_started();
        running.insert(ProgramNumber(started.input().json_text()));
      }
      BreakPrograms(std::move(running));
      world_.After(world_.Between(absl::Seconds(1), absl::Seconds(6)),
                   [this] { server_.Deploy(Server::Build::kGood); });
    });
  }

  void PlanLogFaults() {
    auto trouble = [this](Trouble kind) {
      return [this, kind] { log_.SetTrouble(kind); };
    };
    Plan(Fault::kAppendFails, trouble(Trouble::kAppendFails));
    Plan(Fault::kAnswerLost, trouble(Trouble::kAnswerLost));
    Plan(Fault::kFenced, trouble(Trouble::kFenced));
    Plan(Fault::kDiskFull, [this] {
      log_.SetFreeBytes(limits::kSpaceReserveBytes - 1);
      world_.After(world_.Between(absl::Seconds(1), absl::Seconds(8)),
                   [this] { log_.SetFreeBytes(limits::kSpaceReserveBytes); });
    });
    if (world_.on(Fault::kRestore)) {
      const absl::Duration half = options_.fault_time / 2;
      const absl::Duration moment = MomentOf(Fault::kRestore) / 2;
      world_.After(moment, [this] { backup_ = log_.Copy(); });
      world_.After(half + moment, [this] { Restore(); });
    }
  }

  void PlanWorkerFaults() {
    Plan(Fault::kWorkerDeath, [this] { KillWorker(); });
    Plan(Fault::kNewSession, [this] {
      Worker& worker = AnyWorker();
      if (!worker.alive()) return;
      worker.Die(/*unnoticed=*/true);
      worker.Start();
    });
    Plan(Fault::kWorkerFreeze, [this] {
      AnyWorker().Freeze(world_.Between(absl::Seconds(1), absl::Seconds(18)));
    });
    Plan(Fault::kStreamBreak, [this] {
      AnyWorker().Break(
          world_.Between(absl::Milliseconds(1), absl::Milliseconds(500)));
    });
    Plan(Fault::kLongBreak, [this] {
      AnyWorker().Break(world_.Between(absl::Seconds(1), absl::Seconds(6)));
    });
    Plan(Fault::kStall, [this] {
      AnyWorker().Stall(world_.Between(absl::Seconds(1), absl::Seconds(14)),
                        static_cast<Network::Direction>(world_.Between(0, 2)));
    });
    Plan(Fault::kPartition, [this] {
      AnyWorker().CutOff(world_.Between(absl::Seconds(1), absl::Seconds(18)));
    });
  }

  // Somebody looks, whatever happens.
  void Watch() {
    watcher_.LookAtAny();
    world_.After(world_.Between(absl::Milliseconds(50), absl::Seconds(1)),
                 [this] { Watch(); });
  }

  absl::Duration MomentOf(Fault fault) {
    return options_.fault_time * world_.RandomOf(fault).NextUnit();
  }

  template <typename Action>
  void Plan(Fault fault, Action action) {
    for (int64_t n = world_.TimesOf(fault); n > 0; --n) {
      world_.After(MomentOf(fault), [this, fault, action] {
        world_.Fired(fault);
        action();
      });
    }
  }

  void Restore() {
    world_.Fired(Fault::kRestore);
    ++world_.restores;
    server_.Restore(*backup_);
    checks_.OnRestored();
    generation_checks_.OnRestored();
    watcher_.OnRestored();
    for (const auto& one : operators_) one->OnRestored();
    for (const auto& caller : callers_) caller->OnRestored();
  }

  void Heal() {
    world_.StopFaults();
    log_.SetTrouble(Trouble::kNone);
    log_.SetFreeBytes(int64_t{1} << 50);
    if (server_.build() == Server::Build::kBad) {
      server_.Deploy(Server::Build::kGood);
    }
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
    for (const auto& one : operators_) {
      if (!one->done()) return false;
    }
    for (const auto& caller : callers_) {
      const RunRecords* run = records_.Find(caller->run());
      if (!caller->done() || run == nullptr || !run->ended) return false;
    }
    // Their children, too.
    const auto& runs = records_.runs();
    return !records_.owes() &&
           std::all_of(runs.begin(), runs.end(),
                       [](const auto& run) {
                         return run.second.ended ||
                                !run.second.fold.run.has_parent();
                       }) &&
           retrier_.done();
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
    for (const auto& [uid, run] : records_.runs()) {
      if (!run.ended && run.fold.run.has_parent()) {
        absl::StrAppend(&text, run.status->run().ShortDebugString(), "; ");
      }
    }
    for (const auto& [id, record] : records_.contents().children) {
      absl::StrAppend(&text, "a parent waits: ", record.ShortDebugString(),
                      "; ");
    }
    for (Uid child : records_.contents().notices) {
      absl::StrAppend(&text, "a parent was not told of ", child.ToHex(), "; ");
    }
    if (!retrier_.done()) absl::StrAppend(&text, "a run waits for its retry");
    for (size_t i = 0; i < operators_.size(); ++i) {
      if (!operators_[i]->done()) {
        absl::StrAppend(&text, "operator ", i, " waits; ");
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
  Watcher watcher_;
  sdk::FlowRegistry flows_;
  sdk::FlowRegistry bad_flows_;
  QueueCheck queue_check_;
  HeartbeatCheck heartbeat_check_;
  Server server_;
  GenerationChecks generation_checks_;
  Retrier retrier_;
  const SimulationOptions options_;
  PauseCheck pause_check_;
  CancelCheck cancel_check_;
  GraceCheck grace_check_;
  MailCheck mail_check_;
  std::optional<DurableLog::Backup> backup_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<std::unique_ptr<Operator>> operators_;
};

}  // namespace

SimulationResult Simulate(const SimulationOptions& options,
                          const DiskFactory& disk) {
  return Simulation(options, disk).Run();
}

}  // namespace anabranch::sim
