#include "tests/support/cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tests/support/await.h"

namespace anabranch::support {
namespace {

// What a line of readiness says after "… listening on ".
absl::StatusOr<std::string> ListeningOn(Process& process) {
  constexpr std::string_view kWords = " listening on ";
  ASSIGN_OR_RETURN(const std::string line, process.ReadLine(kPatience));
  const size_t at = line.find(kWords);
  if (at == std::string::npos) {
    return absl::InternalError(absl::StrCat("unexpected line: ", line));
  }
  return line.substr(at + kWords.size());
}

absl::Status WithLog(const absl::Status& status, const std::string& log) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(std::string(status.message()),
                                                  " (", log, " may tell why)"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Create(
    ClusterOptions options) {
  ASSIGN_OR_RETURN(ReservedPort port, ReservedPort::Create());
  std::unique_ptr<Cluster> cluster(
      new Cluster(std::move(options), std::move(port)));
  ASSIGN_OR_RETURN(cluster->client_,
                   client::Client::Connect({.address = cluster->address(),
                                            .connect_patience = kPatience}));
  if (cluster->options_.fake) RETURN_IF_ERROR(cluster->StartFake());
  return cluster;
}

absl::Status Cluster::StartFake() {
  std::vector<std::string> arguments = options_.fake_arguments;
  arguments.insert(arguments.end(), {"--address", "127.0.0.1:0"});
  ASSIGN_OR_RETURN(fake_,
                   Process::Start({.program = options_.programs.fake_claude,
                                   .arguments = std::move(arguments),
                                   .stderr_file = LogOf("fake_claude")}));
  ASSIGN_OR_RETURN(std::string url, ListeningOn(*fake_));
  fake_api_.emplace(std::move(url));
  return absl::OkStatus();
}

absl::Status Cluster::StartOrchestrator(std::vector<std::string> arguments) {
  RETURN_IF_ERROR(LaunchOrchestrator(std::move(arguments)));
  return AwaitListening();
}

absl::Status Cluster::LaunchOrchestrator(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), options_.orchestrator_arguments.begin(),
                   options_.orchestrator_arguments.end());
  arguments.insert(arguments.end(),
                   {"--address", address(), "--data-dir", data_dir()});
  ASSIGN_OR_RETURN(orchestrator_,
                   Process::Start({.program = options_.programs.orchestrator,
                                   .arguments = std::move(arguments),
                                   .stderr_file = LogOf("orchestrator")}));
  return absl::OkStatus();
}

absl::Status Cluster::AwaitListening() {
  return WithLog(ListeningOn(*orchestrator_).status(), LogOf("orchestrator"));
}

absl::Status Cluster::StartWorker(const std::string& label) {
  ProcessOptions process{.program = options_.programs.worker,
                         .arguments = options_.worker_arguments,
                         .stderr_file = LogOf(label)};
  process.arguments.insert(process.arguments.end(),
                           {"--address", address(), "--label", label});
  if (options_.fake) {
    process.environment["ANTHROPIC_BASE_URL"] = fake_api_->url();
    process.environment["ANTHROPIC_API_KEY"] = "none-is-needed";
    process.unset = {"ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_VERSION",
                     "ANTHROPIC_BETA"};
  }
  ASSIGN_OR_RETURN(workers_[label], Process::Start(std::move(process)));
  return absl::OkStatus();
}

absl::Status Cluster::AwaitWorkers() {
  const auto connected = [this] {
    const auto list = client_->ListWorkers();
    if (!list.ok()) return false;
    return std::ranges::all_of(workers_, [&](const auto& worker) {
      return std::ranges::any_of(list->workers(), [&](const v1::Worker& shown) {
        return shown.label() == worker.first &&
               shown.state() == v1::WORKER_STATE_CONNECTED;
      });
    });
  };
  if (Await(connected)) return absl::OkStatus();
  return absl::DeadlineExceededError("a worker did not connect");
}

}  // namespace anabranch::support
