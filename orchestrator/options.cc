#include "orchestrator/options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/build_id.h"
#include "base/limits.h"

namespace anabranch::orchestrator {
namespace {

constexpr int kBadUsage = 2;

constexpr char kAbout[] =
    R"(The anabranch orchestrator: runs flows durably.

It keeps every scheduling and every completion in one folder and serves the
API (runs, flows, conversations, workers) over gRPC. It may be killed at any
moment: started again on the same folder, it goes on where it was.)";

constexpr char kMore[] = R"(
When it serves, it prints one line to stdout:
  anabranch orchestrator listening on 127.0.0.1:7400

Next steps:
  anabranch-worker                     in another terminal: carries out activities
  anabranch flows                      what can be run
  anabranch run echo say=hi            runs it
  buf curl --http2-prior-knowledge --protocol grpc --reflect-protocol grpc-v1alpha \
    -d '{"flow":"echo","input":{"json":{"say":"hi"}},"wait":"5s"}' \
    http://127.0.0.1:7400/anabranch.v1.RunService/StartRun

SIGTERM and Ctrl-C stop it cleanly; what is under way in workers goes on and is
taken up at the next start.)";

}  // namespace

std::optional<int> ParseOptions(int argc, char** argv, Options& options) {
  CLI::App app(kAbout, "anabranch-orchestrator");
  app.footer(kMore);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("--version", BuildId());
  options.live_flows = limits::kLiveFlowsDefault;
  app.add_option("--data-dir", options.data_dir,
                 "Folder of the store; made when there is none")
      ->capture_default_str();
  app.add_option("--address", options.address,
                 "HOST:PORT to listen on; port 0 takes a free one")
      ->envname("ANABRANCH_ADDRESS")
      ->capture_default_str();
  app.add_flag("--insecure-listen", options.insecure_listen,
               "Allow addresses that others can reach; there is no TLS and no "
               "authentication");
  app.add_option("--metrics-address", options.metrics_address,
                 "HOST:PORT for /metrics (Prometheus) and /healthz; without it "
                 "they are not served")
      ->envname("ANABRANCH_METRICS_ADDRESS");
  app.add_option("--live-flows", options.live_flows,
                 "Flows kept in memory; 0 replays for every stimulus")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  double watchdog_seconds = absl::ToDoubleSeconds(limits::kFlowWatchdog);
  app.add_option("--flow-watchdog-seconds", watchdog_seconds,
                 "A flow that does not come back for this long ends the "
                 "process; twice at one place, and it is BLOCKED")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level,
                 "trace, debug, info, warn, error or off")
      ->capture_default_str();
  app.add_option("--log-format", options.log_format, "text or json")
      ->capture_default_str();
  std::string crash;
  app.add_option("--crash-at-append", crash)->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // 0 for --help and --version.
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  options.flow_watchdog = absl::Seconds(watchdog_seconds);
  if (crash.empty()) return std::nullopt;
  auto spec = log::CrashSpec::Parse(crash);
  if (!spec.ok()) {
    std::fprintf(stderr, "--crash-at-append: %s\n",
                 std::string(spec.status().message()).c_str());
    return kBadUsage;
  }
  options.crash = *spec;
  return std::nullopt;
}

}  // namespace anabranch::orchestrator
