// Jobs on real processes, the orchestrator killed at each of its writes in
// turn.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/e2e/crash_job.h"
#include "tests/support/cluster.h"

namespace anabranch::e2e {

struct SweepOptions {
  support::Programs programs;
  JobKind job;
  std::vector<std::string> orchestrator_arguments = {};  // of all lives
  int first_n = 1;
  int last_n = 1'000'000;
  // Called after each n: what to tell.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

struct SweepResult {
  // At every n up to this one the orchestrator was killed at each place.
  int n_reached = 0;
  int runs = 0;
  int kills = 0;
  std::vector<std::string> violations;
};

// One undisturbed run tells what the others must come to; then n by n, at three
// places each, until no run is killed any more. Errors are of the machinery.
absl::StatusOr<SweepResult> SweepCrashes(const SweepOptions& options);

// The same for the second life: the first one is killed after its
// `first_kill`-th write is synced, the second one at its n-th, while it
// recovers and takes its workers back.
absl::StatusOr<SweepResult> SweepRecoveries(const SweepOptions& options,
                                            int first_kill);

// A worker is stopped for 3 s in the middle of its calls and goes on. What is
// wrong afterwards, in sentences.
absl::StatusOr<std::vector<std::string>> StopWorkerForAWhile(
    const SweepOptions& options);

// The orchestrator is away for longer than a call may take; the call ends
// meanwhile. What is wrong afterwards, in sentences.
absl::StatusOr<std::vector<std::string>> OutliveACallsTimeout(
    const SweepOptions& options);

}  // namespace anabranch::e2e
