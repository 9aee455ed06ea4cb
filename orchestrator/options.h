// What the orchestrator is told on its command line.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/limits.h"
#include "orchestrator/log/crash_at.h"

namespace anabranch::orchestrator {

struct Options {
  std::string data_dir = "./anabranch-data";
  std::string address = "127.0.0.1:7400";
  bool insecure_listen = false;
  // HOST:PORT of /metrics and /healthz; empty: not served.
  std::string metrics_address;
  int live_flows = 0;
  // A flow that does not come back for this long ends the process.
  absl::Duration flow_watchdog = limits::kFlowWatchdog;
  std::string log_level = "info";
  std::string log_format = "text";
  // For tests: where to kill this process.
  std::optional<log::CrashSpec> crash;
};

// Fills `options`, or prints help or what is wrong and returns the status to
// exit with.
std::optional<int> ParseOptions(int argc, char** argv, Options& options);

}  // namespace anabranch::orchestrator
