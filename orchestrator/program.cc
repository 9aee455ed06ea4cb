#include "orchestrator/program.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "base/build_id.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/logging.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "orchestrator/flow_watchdog.h"
#include "orchestrator/log/crash_at.h"
#include "orchestrator/log/rocksdb_event_log.h"
#include "orchestrator/log/store.h"
#include "orchestrator/metrics/http_endpoint.h"
#include "orchestrator/metrics/metrics.h"
#include "orchestrator/options.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/listen_address.h"
#include "orchestrator/rpc/server.h"
#include "orchestrator/shard/flow_slot.h"
#include "orchestrator/shard/shard_runner.h"

namespace anabranch::orchestrator {
namespace {

// Calls under way have this long to end once the server is to stop.
constexpr absl::Duration kStopGrace = absl::Seconds(2);

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// All parts, in the order in which they stand on each other.
struct Process {
  RealClock clock;
  SystemRandom random;
  std::optional<log::CrashPoint> crash;
  std::unique_ptr<log::EventLog> log;
  const log::RocksDbEventLog* rocksdb = nullptr;  // within `log`
  sdk::FlowRegistry flows{BuildId()};
  std::unique_ptr<shard::FlowSlot> flow_slot;
  std::optional<FlowWatchdog> watchdog;
  std::optional<rpc::Backend> backend;
  std::optional<metrics::Metrics> metrics;
  std::unique_ptr<shard::ShardRunner> runner;
  std::unique_ptr<rpc::Server> server;
  std::atomic<bool> stopping = false;
  // Last: it asks the others.
  std::unique_ptr<metrics::HttpEndpoint> endpoint;
};

absl::StatusOr<std::unique_ptr<log::EventLog>> OpenLog(const Options& options,
                                                       Process& process) {
  log::RocksDbOptions store;
  store.path = options.data_dir;
  store.product_version = kProductVersion;
  if (options.crash.has_value()) {
    log::CrashPoint& point = process.crash.emplace(*options.crash);
    store.before_opening_write = [&point] { point.BeforeAppend(); };
    store.after_opening_write = [&point] {
      point.AfterSync();
      point.EffectsReleased();  // opening has no effects
    };
  }
  ASSIGN_OR_RETURN(std::unique_ptr<log::RocksDbEventLog> opened,
                   log::RocksDbEventLog::Open(store));
  process.rocksdb = opened.get();
  if (!process.crash.has_value()) return opened;
  return std::unique_ptr<log::EventLog>(std::make_unique<log::CrashingEventLog>(
      std::move(opened), *process.crash));
}

// Called on the watchdog's thread: the shard's is the one that hangs.
void EndProcess(const std::string& report) {
  spdlog::critical("{}", report);
  FlushLogging();
  std::abort();
}

// A disk without room for the slot's page must not keep the server down.
absl::Status WatchFlows(const Options& options, Process& process) {
  auto slot = shard::FlowSlot::Open(
      options.data_dir + "/" + shard::FlowSlot::kFileName, BuildId());
  if (!slot.ok()) {
    spdlog::warn("{}: a flow that crashes the server is not noticed",
                 std::string(slot.status().message()));
    slot = shard::FlowSlot::InMemory(BuildId());
    RETURN_IF_ERROR(slot.status());
  }
  process.flow_slot = *std::move(slot);
  if (const auto& found = process.flow_slot->found(); found.has_value()) {
    spdlog::warn("the last process died while {} worked on {} (build {})",
                 found->description, shard::WorkAt(found->place),
                 found->build_id);
  }
  process.watchdog.emplace(*process.flow_slot, options.flow_watchdog,
                           EndProcess);
  return absl::OkStatus();
}

// Reads each of them, on the scraper's thread.
std::map<v1::RunState, int64_t> CountOpenRuns(log::StoreReader& reader) {
  std::map<v1::RunState, int64_t> counts;
  const auto open = reader.ReadOpenRuns();
  if (!open.ok()) return counts;
  for (const Uid uid : *open) {
    const auto status = reader.ReadStatus(uid);
    if (status.ok() && status->has_value()) ++counts[(*status)->run().state()];
  }
  return counts;
}

metrics::Sources MetricSources(Process& process) {
  metrics::Sources sources;
  sources.build_id = BuildId();
  sources.workers = [&process] { return *process.backend->workers.Get(); };
  sources.task_queues = [&process] {
    return process.backend->task_queues.List();
  };
  sources.open_runs = [&process] {
    return CountOpenRuns(process.backend->reader);
  };
  sources.store = [&process] {
    auto store = process.rocksdb->Properties();
    store["free_bytes"] = process.log->FreeBytes();
    return store;
  };
  return sources;
}

// Whether new work is taken in.
absl::Status Health(const Process& process) {
  if (process.stopping) return absl::UnavailableError("going down");
  if (process.log->FreeBytes() < limits::kSpaceReserveBytes) {
    return absl::UnavailableError("the disk is full: requests are refused");
  }
  return absl::OkStatus();
}

absl::Status ServeMetrics(const Options& options, Process& process) {
  if (options.metrics_address.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const rpc::ListenAddress address,
                   rpc::ParseListenAddress(options.metrics_address));
  auto endpoint = metrics::HttpEndpoint::Start(
      {.host = address.host,
       .port = address.port,
       .metrics = [&process] { return process.metrics->Text(); },
       .health = [&process] { return Health(process); }});
  if (!endpoint.ok()) {
    RETURN_IF_ERROR(rpc::ExplainListenFailure(address));
    return endpoint.status();
  }
  process.endpoint = *std::move(endpoint);
  spdlog::info("metrics on http://{}:{}/metrics", address.host,
               process.endpoint->port());
  return absl::OkStatus();
}

absl::Status Start(const Options& options, RegisterFlowsFunction register_flows,
                   Process& process) {
  rpc::ServerOptions server;
  server.address = options.address;
  server.insecure_listen = options.insecure_listen;
  RETURN_IF_ERROR(rpc::CheckAddress(server));
  if (!options.metrics_address.empty()) {
    RETURN_IF_ERROR(
        rpc::CheckAddress({options.metrics_address, options.insecure_listen}));
  }
  ASSIGN_OR_RETURN(process.log, OpenLog(options, process));
  register_flows(process.flows);
  RETURN_IF_ERROR(WatchFlows(options, process));
  process.backend.emplace(*process.log, process.flows, process.clock);
  shard::ShardRunnerOptions runner;
  runner.live_flows_max = options.live_flows;
  runner.flow_slot = process.flow_slot.get();
  if (!options.metrics_address.empty()) {
    process.metrics.emplace(process.clock, MetricSources(process));
    runner.observer = &*process.metrics;
  }
  runner.flow_log = [](const log::RunName& run, const std::string& line) {
    spdlog::info("run {}/{}: {}", run.ns, run.run_id, line);
  };
  if (process.crash.has_value()) {
    runner.after_effects = [&process] { process.crash->EffectsReleased(); };
  }
  ASSIGN_OR_RETURN(process.runner,
                   shard::ShardRunner::Start(
                       *process.log, process.flows, process.clock,
                       process.random, *process.backend, std::move(runner)));
  process.backend->post = [&process](shard::Input input) {
    process.runner->Post(std::move(input));
  };
  ASSIGN_OR_RETURN(process.server,
                   rpc::Server::Start(*process.backend, server));
  return ServeMetrics(options, process);
}

// Health first, so that nobody sends new work; then workers and watchers are
// told; then calls end, and at last the shard.
void Stop(Process& process) {
  process.stopping = true;
  process.server->SetNotServing();
  process.runner->Post(shard::DrainWorkers{"the orchestrator is going down"});
  process.backend->notifier.Stop();
  process.server->Shutdown(kStopGrace);
  process.runner->Stop();
}

int Serve(const Options& options, RegisterFlowsFunction register_flows) {
  // Before any thread is made: all inherit it, and only sigwait sees them.
  sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  Process process;
  absl::Status started = Start(options, register_flows, process);
  if (!started.ok()) {
    spdlog::error("{}", std::string(started.message()));
    if (process.runner != nullptr) process.runner->Stop();
    FlushLogging();
    return 1;
  }
  spdlog::info("build {}, data in {}, {} flows", BuildId(), options.data_dir,
               process.flows.List().size());
  std::printf("anabranch orchestrator listening on %s\n",
              process.server->address().c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  spdlog::info("{}: stopping", received == SIGINT ? "SIGINT" : "SIGTERM");
  // A second one ends the process at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  Stop(process);
  spdlog::info("stopped");
  FlushLogging();
  return 0;
}

}  // namespace

int RunProgram(int argc, char** argv, RegisterFlowsFunction register_flows) {
  // Debian's Abseil looks for deadlocks in release builds too; it costs 5 to
  // 7 % of latency.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Options options;
  auto exit_code = ParseOptions(argc, argv, options);
  if (exit_code.has_value()) return *exit_code;
  absl::Status logging = InitLogging(options.log_level, options.log_format,
                                     "anabranch-orchestrator");
  if (!logging.ok()) {
    std::fprintf(stderr, "%s\n", std::string(logging.message()).c_str());
    return 2;
  }
  return Serve(options, register_flows);
}

}  // namespace anabranch::orchestrator
