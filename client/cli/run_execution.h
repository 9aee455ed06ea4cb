// Starts a run and waits for its end.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cli/session.h"

namespace anabranch::cli {

struct RunExecution {
  std::string flow;
  std::string input_json;
  std::string run_id;  // empty: made by the server
  bool detach = false;
  bool validate_only = false;
  // Answers an open run of that id, whatever its input.
  bool use_existing = false;
  // Come with the start, in order.
  std::vector<v1::StartSignal> signals = {};
  // Limit for the run as a whole; zero: none.
  absl::Duration run_timeout = absl::ZeroDuration();
  // Gets what happens while waiting; null shows it on stderr.
  client::WatchCallback on_message;
  // Called once, when the run exists; may be empty.
  std::function<void(const v1::Run&)> on_started;
};

// The run as started, or closed with its result read unless `detach` or
// `validate_only`.
absl::StatusOr<v1::StartRunResponse> Execute(Session& session,
                                             const RunExecution& execution);

// Prints what `detach` or `validate_only` led to.
absl::StatusOr<ExitCode> PrintStarted(Session& session,
                                      const v1::StartRunResponse& response,
                                      bool validate_only);

// Prints a closed run's result on stdout, its failure on stderr; with --json
// the response.
absl::StatusOr<ExitCode> PrintOutcome(Session& session,
                                      const v1::StartRunResponse& response);

}  // namespace anabranch::cli
