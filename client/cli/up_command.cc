#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "claude/json_writer.h"
#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/supervisor.h"
#include "client/cli/text.h"
#include "client/cli/up_setup.h"
#include "client/lib/error_details.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kReadyPatience = absl::Seconds(30);

struct UpOptions {
  bool fake_claude = false;
  std::string data_dir = "anabranch-data";
  std::string bin_dir;
  int workers = 1;
  bool insecure_listen = false;
  std::string log_level = "warn";
  std::string log_format = "text";
  std::vector<std::string> fake_options;
};

// Threads: one. Lives as long as the children.
class Up {
 public:
  Up(Session& session, const UpOptions& options)
      : session_(session),
        options_(options),
        programs_(options.bin_dir),
        supervisor_([this](const std::string& text) { Say(text); }) {}

  absl::StatusOr<ExitCode> Run() {
    const absl::Status status = StartAll();
    if (status.ok() && !supervisor_.stopping()) {
      RETURN_IF_ERROR(Announce());
      supervisor_.KeepAlive();
    }
    absl::Status kept = status;
    while (kept.ok() && !supervisor_.stopping()) {
      kept = supervisor_.Look(absl::Hours(1));
    }
    if (kept.ok()) Say("stopping; Ctrl-C again stops at once");
    supervisor_.StopAll();
    RETURN_IF_ERROR(kept);
    Say("stopped");
    return ExitCode::kSuccess;
  }

 private:
  void Say(const std::string& text) {
    session_.env.err << "anabranch: " << text << std::endl;
  }

  absl::Status StartAll() {
    if (!options_.fake_claude) {
      ASSIGN_OR_RETURN(claude_, RealClaude(session_.env));
    }
    RETURN_IF_ERROR(ResolveAddress());
    // All are found before one is started.
    ASSIGN_OR_RETURN(const std::string orchestrator,
                     programs_.Find("anabranch-orchestrator", "orchestrator"));
    ASSIGN_OR_RETURN(const std::string worker,
                     programs_.Find("anabranch-worker", "activity_worker"));
    if (options_.fake_claude) RETURN_IF_ERROR(StartFakeClaude());
    RETURN_IF_ERROR(StartOrchestrator(orchestrator));
    return StartWorkers(worker);
  }

  // A port of 0 is chosen here: it shall stay the same over restarts.
  absl::Status ResolveAddress() {
    ASSIGN_OR_RETURN(client::Client * client, session_.Connect());
    std::string address = client->options().address;
    if (absl::EndsWith(address, ":0")) {
      ASSIGN_OR_RETURN(const int port, FreePort());
      address.replace(address.size() - 1, 1, absl::StrCat(port));
    }
    client::ClientOptions probe;
    probe.address = address;
    // Short: between tries the children are looked after.
    probe.connect_patience = absl::Milliseconds(100);
    probe.outage_patience = absl::Milliseconds(100);
    ASSIGN_OR_RETURN(client_, client::Client::Connect(probe));
    session_.address = address;
    if (client_->IsServing().ok()) {
      return client::MakeError(
          absl::StatusCode::kAlreadyExists,
          absl::StrCat("An orchestrator answers at ", address,
                       " already. Use it, stop it, or choose another "
                       "--address."),
          "ADDRESS_IN_USE", {{"address", address}});
    }
    return absl::OkStatus();
  }

  // Looks again until `ready`, a signal, or patience runs out.
  absl::Status AwaitReady(const std::string& what,
                          const std::function<bool()>& ready) {
    const absl::Time until = absl::Now() + kReadyPatience;
    while (!ready()) {
      RETURN_IF_ERROR(supervisor_.Look(absl::Milliseconds(10)));
      if (supervisor_.stopping()) return absl::OkStatus();
      if (absl::Now() > until) {
        return absl::AbortedError(absl::StrCat(what, " was not ready within ",
                                               HumanDuration(kReadyPatience),
                                               "."));
      }
    }
    return absl::OkStatus();
  }

  // The key is for workers only.
  static void HideKey(ProcessSpec& spec) {
    spec.environment["ANTHROPIC_API_KEY"] = std::nullopt;
    spec.environment["ANTHROPIC_AUTH_TOKEN"] = std::nullopt;
  }

  absl::Status StartFakeClaude() {
    ASSIGN_OR_RETURN(const int port, FreePort());
    ProcessSpec spec;
    ASSIGN_OR_RETURN(spec.path, programs_.Find("fake_claude", "fake_claude"));
    spec.arguments = {"--address", absl::StrCat("127.0.0.1:", port)};
    for (const std::string& option : options_.fake_options) {
      spec.arguments.push_back(option);
    }
    HideKey(spec);
    RETURN_IF_ERROR(supervisor_.Start("fake_claude", spec));
    claude_.base_url = absl::StrCat("http://127.0.0.1:", port);
    return AwaitReady("fake_claude",
                      [port] { return AcceptsConnections(port); });
  }

  void AddLogOptions(ProcessSpec& spec) const {
    spec.arguments.insert(spec.arguments.end(),
                          {"--log-level", options_.log_level, "--log-format",
                           options_.log_format});
  }

  absl::Status StartOrchestrator(const std::string& path) {
    if (supervisor_.stopping()) return absl::OkStatus();
    ProcessSpec spec;
    spec.path = path;
    spec.arguments = {"--address", session_.address, "--data-dir",
                      options_.data_dir};
    if (options_.insecure_listen) {
      spec.arguments.emplace_back("--insecure-listen");
    }
    AddLogOptions(spec);
    HideKey(spec);
    RETURN_IF_ERROR(supervisor_.Start("anabranch-orchestrator", spec));
    return AwaitReady("anabranch-orchestrator", [this] {
      const auto serving = client_->IsServing();
      return serving.ok() && *serving;
    });
  }

  absl::Status StartWorkers(const std::string& path) {
    if (supervisor_.stopping()) return absl::OkStatus();
    ProcessSpec spec;
    spec.path = path;
    spec.arguments = {"--address", session_.address};
    AddLogOptions(spec);
    if (options_.fake_claude) {
      HideKey(spec);
      spec.environment["ANTHROPIC_BASE_URL"] = claude_.base_url;
      spec.environment["ANTHROPIC_API_KEY"] = "fake";
    }
    for (int i = 1; i <= options_.workers; ++i) {
      RETURN_IF_ERROR(supervisor_.Start(WorkerName(i), spec));
    }
    return AwaitReady("anabranch-worker", [this] {
      const auto workers = client_->ListWorkers();
      return workers.ok() && workers->workers_size() >= options_.workers;
    });
  }

  std::string WorkerName(int number) const {
    if (options_.workers == 1) return "anabranch-worker";
    return absl::StrCat("anabranch-worker-", number);
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    if (options_.fake_claude) names.emplace_back("fake_claude");
    names.emplace_back("anabranch-orchestrator");
    for (int i = 1; i <= options_.workers; ++i) names.push_back(WorkerName(i));
    return names;
  }

  absl::Status Announce() {
    ASSIGN_OR_RETURN(const v1::ListFlowsResponse flows, client_->ListFlows());
    std::error_code error;
    const std::string folder = fs::absolute(options_.data_dir, error).string();
    if (session_.json) {
      AnnounceJson(flows, folder);
      return absl::OkStatus();
    }
    std::ostream& out = session_.env.out;
    out << "anabranch is up\n  address   " << session_.address
        << "\n  data      " << folder << "\n  flows     ";
    const char* separator = "";
    for (const v1::Flow& flow : flows.flows()) {
      out << separator << flow.name();
      separator = ", ";
    }
    out << "\n  claude    " << claude_.base_url;
    if (options_.fake_claude) {
      out << " (fake_claude: no key, no cost)";
    } else if (claude_.key_from.empty()) {
      out << " (no key)";
    } else {
      out << ", key from " << claude_.key_from;
    }
    out << "\n  processes ";
    separator = "";
    for (const std::string& name : Names()) {
      out << separator << name << " " << supervisor_.PidOf(name);
      separator = ", ";
    }
    out << "\nCtrl-C stops." << std::endl;
    return absl::OkStatus();
  }

  void AnnounceJson(const v1::ListFlowsResponse& flows,
                    const std::string& folder) {
    claude::JsonWriter json;
    json.BeginObject();
    json.Key("address").String(session_.address);
    json.Key("dataDir").String(folder);
    json.Key("flows").BeginArray();
    for (const v1::Flow& flow : flows.flows()) json.String(flow.name());
    json.EndArray();
    json.Key("claude").BeginObject();
    json.Key("baseUrl").String(claude_.base_url);
    json.Key("keyFrom").String(claude_.key_from);
    json.Key("fake").Bool(options_.fake_claude);
    json.EndObject();
    json.Key("pids").BeginObject();
    for (const std::string& name : Names()) {
      json.Key(name).Int(supervisor_.PidOf(name));
    }
    json.EndObject().EndObject();
    session_.env.out << json.Take() << std::endl;
  }

  Session& session_;
  const UpOptions& options_;
  const Programs programs_;
  Supervisor supervisor_;
  std::unique_ptr<client::Client> client_;
  ClaudeSource claude_;
};

}  // namespace

void AddUpCommand(CLI::App& app, Session& session) {
  CLI::App* command = session.AddCommand(
      app, "up", "Starts an orchestrator and a worker here, until Ctrl-C",
      "anabranch up --fake-claude\n"
      "  ANTHROPIC_API_KEY=… anabranch up --data-dir ~/anabranch-data");
  auto options = std::make_shared<UpOptions>();
  command->add_flag("--fake-claude", options->fake_claude,
                    "A local Claude API that needs no key and costs nothing");
  command->add_option("--data-dir", options->data_dir,
                      "Where runs are kept [./anabranch-data]");
  command->add_option("--workers", options->workers, "Workers to start [1]")
      ->check(CLI::Range(1, 64));
  command->add_flag("--insecure-listen", options->insecure_listen,
                    "Allow an --address that others can reach: there is no "
                    "TLS and no authentication");
  command->add_option("--bin-dir", options->bin_dir,
                      "Where the other programs are [beside this one]");
  command->add_option("--log-level", options->log_level,
                      "Of the programs' logs on stderr: trace, debug, info, "
                      "warn, error, off [warn]");
  command->add_option("--log-format", options->log_format,
                      "text or json [text]");
  command
      ->add_option("--fake-option", options->fake_options,
                   "Passed on to fake_claude, e.g. --fake-option="
                   "--tokens-per-second=40; repeatable")
      ->allow_extra_args(false);
  session.OnChosen(command,
                   [&session, options] { return Up(session, *options).Run(); });
}

}  // namespace anabranch::cli
