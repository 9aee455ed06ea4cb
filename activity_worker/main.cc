// anabranch-worker: carries out activities for an orchestrator.
#include <grpc/support/log.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "activity_worker/activities/api_endpoint.h"
#include "activity_worker/activities/basic_activities.h"
#include "activity_worker/activities/claude_messages.h"
#include "activity_worker/activities/conversation_activities.h"
#include "activity_worker/executor/activity_registry.h"
#include "activity_worker/executor/executor.h"
#include "activity_worker/stream_client.h"
#include "base/build_id.h"
#include "base/clock.h"
#include "base/id_syntax.h"
#include "base/limits.h"
#include "base/logging.h"
#include "base/random.h"

namespace anabranch::activity_worker {
namespace {

constexpr char kAbout[] =
    R"(Carries out activities for an anabranch orchestrator.

It connects to the orchestrator's address, takes tasks as long as it has free
slots, and reconnects whenever the connection breaks. What it has finished it
holds until the orchestrator has recorded it, so nothing is done twice.)";

constexpr char kExample[] = R"(
Environment:
  ANTHROPIC_API_KEY      key of the Messages API, sent as x-api-key; or
  ANTHROPIC_AUTH_TOKEN   token, sent as "authorization: Bearer …"
  ANTHROPIC_BASE_URL     another API than https://api.anthropic.com; plain http
                         only on this machine, and there no key is needed
  ANTHROPIC_VERSION      anthropic-version, see --anthropic-version
  ANTHROPIC_BETA         anthropic-beta, a comma list
  SSL_CERT_FILE          trusted certificates, instead of the system's

Examples:
  # against a local fake API
  ANTHROPIC_BASE_URL=http://127.0.0.1:8787 anabranch-worker
  # against the real one, 20 calls at once, for one activity type only
  ANTHROPIC_API_KEY=… anabranch-worker --slots 20 --types claude.messages

SIGTERM or Ctrl-C: takes no more tasks, finishes those it has (--drain-seconds),
ends with 0. A second one ends it at once.
)";

struct Flags {
  std::string address = "127.0.0.1:7400";
  int slots = 200;
  std::string label;
  std::vector<std::string> types;
  std::vector<std::string> task_queues;
  std::string log_level = "info";
  std::string log_format = "text";
  double drain_seconds = 10;
  std::string anthropic_version;
};

void AddFlags(CLI::App& app, Flags& flags) {
  app.footer(kExample);
  app.set_version_flag("--version", BuildId());
  app.add_option("--address", flags.address, "Orchestrator to connect to")
      ->envname("ANABRANCH_ADDRESS")
      ->capture_default_str();
  app.add_option("--slots", flags.slots, "Tasks at once")
      ->check(CLI::Range(1, limits::kSlotsPerWorkerMax))
      ->capture_default_str();
  app.add_option("--label", flags.label,
                 "Name that people see (default: host:pid)");
  app.add_option("--types", flags.types,
                 "Activity types to offer (default: all)")
      ->delimiter(',');
  app.add_option("--task-queue", flags.task_queues,
                 "Queue to take tasks from; several: again, or a comma list "
                 "(default: default)")
      ->envname("ANABRANCH_TASK_QUEUES")
      ->delimiter(',');
  app.add_option("--log-level", flags.log_level,
                 "trace, debug, info, warn, error, off")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format, "text or json")
      ->capture_default_str();
  app.add_option("--anthropic-version", flags.anthropic_version,
                 "API version: 2023-06-01 (default) or 2026-10-21")
      ->envname("ANTHROPIC_VERSION");
  app.add_option("--drain-seconds", flags.drain_seconds,
                 "Time that running tasks have to end after SIGTERM")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
}

// A core file would hold the key.
void ForbidCoreDumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::string DefaultLabel() {
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, ":", getpid());
}

// To be called before any thread starts: threads inherit the mask.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

void HandleSignals(sigset_t signals, StreamClient& client,
                   absl::Duration grace) {
  int number = 0;
  sigwait(&signals, &number);
  spdlog::info("{}: leaving; what runs has {} to end", strsignal(number),
               absl::FormatDuration(grace));
  client.Leave(grace);
  sigwait(&signals, &number);
  spdlog::warn("{} again: ending at once", strsignal(number));
  FlushLogging();
  _exit(1);
}

// gRPC's own words are for those who look for a fault in it.
void ForwardGrpcLog(gpr_log_func_args* args) {
  spdlog::debug("grpc: {} ({}:{})", args->message, args->file, args->line);
}

// The types to offer, or what is wrong with the wish.
absl::StatusOr<std::vector<std::string>> ChooseTypes(
    const ActivityRegistry& registry, const std::vector<std::string>& wanted) {
  std::vector<std::string> all = registry.Types();
  if (wanted.empty()) return all;
  const std::set<std::string> unique(wanted.begin(), wanted.end());
  for (const std::string& type : unique) {
    if (registry.Find(type) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--types: this worker cannot offer \"", type,
                       "\"; it can offer: ", absl::StrJoin(all, ", ")));
    }
  }
  return std::vector<std::string>(unique.begin(), unique.end());
}

absl::Status CheckQueues(const std::vector<std::string>& queues) {
  if (std::cmp_greater(queues.size(), limits::kTaskQueuesPerWorkerMax)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--task-queue: more than ",
                     limits::kTaskQueuesPerWorkerMax, " queues"));
  }
  for (const std::string& queue : queues) {
    if (!IsIdSyntax(queue)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--task-queue: \"", queue,
          "\" is not of the form [A-Za-z0-9][A-Za-z0-9._:-]{0,127}"));
    }
  }
  return absl::OkStatus();
}

int BadUsage(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 2;
}

int Serve(const Flags& flags, sigset_t signals) {
  if (absl::Status queues = CheckQueues(flags.task_queues); !queues.ok()) {
    return BadUsage(queues);
  }
  RealClock clock;
  SystemRandom random;
  const std::string session = RandomHexId(random);
  ApiEnvironment environment = ApiEnvironment::OfProcess();
  environment.version = flags.anthropic_version;
  const absl::StatusOr<ApiEndpoint> endpoint = ApiEndpoint::Create(environment);
  if (!endpoint.ok()) return BadUsage(endpoint.status());
  ActivityRegistry registry;
  RegisterBasicActivities(registry);
  RegisterConversationActivities(registry);
  if (endpoint->available()) {
    RegisterClaudeMessages(registry, *endpoint, clock, {session, {}});
  }
  const absl::StatusOr<std::vector<std::string>> types =
      ChooseTypes(registry, flags.types);
  if (!types.ok()) {
    if (!endpoint->available()) {
      std::fprintf(stderr, "claude.messages is not offered: %s\n",
                   endpoint->description().c_str());
    }
    return BadUsage(types.status());
  }
  const char* ca_file = std::getenv("SSL_CERT_FILE");
  Executor executor(registry, clock,
                    {.http = {.slots = flags.slots,
                              .ca_file = ca_file == nullptr ? "" : ca_file}});
  const std::string label = flags.label.empty() ? DefaultLabel() : flags.label;
  StreamClient client({.session = session,
                       .label = label,
                       .activity_types = *types,
                       .task_queues = flags.task_queues,
                       .slots = flags.slots},
                      executor, clock, {.address = flags.address});
  executor.Start(client);
  std::thread([&client, &flags, signals] {
    HandleSignals(signals, client, absl::Seconds(flags.drain_seconds));
  }).detach();
  spdlog::info("worker {} (session {}) offers {} on {}; {} slots", label,
               session, absl::StrJoin(*types, ", "),
               flags.task_queues.empty()
                   ? "the default queue"
                   : "queue " + absl::StrJoin(flags.task_queues, ", "),
               flags.slots);
  if (endpoint->available()) {
    spdlog::info("claude.messages calls {}", endpoint->description());
  } else {
    spdlog::warn("claude.messages is not offered: {}", endpoint->description());
  }
  const bool clean = client.Run();
  executor.Shutdown();
  spdlog::info(clean ? "ended: everything handed over"
                     : "ended: not everything could be handed over");
  FlushLogging();
  // The signal thread still waits; it must not see its client destroyed.
  std::_Exit(0);
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app(kAbout, "anabranch-worker");
  AddFlags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const absl::Status logging =
      InitLogging(flags.log_level, flags.log_format, "anabranch-worker");
  if (!logging.ok()) return BadUsage(logging);
  gpr_set_log_function(&ForwardGrpcLog);
  ForbidCoreDumps();
  // Costs 5 to 7 % of the latency.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return Serve(flags, BlockSignals());
}

}  // namespace
}  // namespace anabranch::activity_worker

int main(int argc, char** argv) {
  return anabranch::activity_worker::Main(argc, argv);
}
