#include "tests/e2e/crash_sweep.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "tests/e2e/fork_job.h"
#include "tests/support/await.h"

namespace anabranch::e2e {
namespace {

using support::Await;
using support::Cluster;

constexpr const char* kPlaces[] = {"before", "after-sync", "after-effects"};
// A reply takes a tenth to a third of a second: long enough that two seldom
// end within one write.
const std::vector<std::string> kQuick = {"--ttft-ms", "10",
                                         "--tokens-per-second", "300"};
// … a second and more.
const std::vector<std::string> kSlow = {"--ttft-ms", "100",
                                        "--tokens-per-second", "40"};
// How long to look at the job before looking at the orchestrator again.
constexpr absl::Duration kGlance = absl::Milliseconds(10);

// Arguments of the orchestrator's lives, one after the other; later ones have
// none.
using Lives = std::vector<std::vector<std::string>>;

struct RunReport {
  int kills = 0;
  std::string result;
  std::vector<std::string> violations;
};

// Starts the orchestrator again when it was killed; true when it was.
absl::StatusOr<bool> Restart(Cluster& cluster,
                             const std::vector<std::string>& arguments) {
  const auto end = cluster.orchestrator().Wait(absl::ZeroDuration());
  if (!end.ok()) return false;  // it lives
  if (end->signal != SIGKILL) {
    return absl::InternalError(
        absl::StrCat("the orchestrator ended with ", ToString(*end)));
  }
  RETURN_IF_ERROR(cluster.LaunchOrchestrator(arguments));
  return true;
}

// The kill may come with the very last effect: then SIGTERM finds nobody.
absl::StatusOr<bool> StopOrchestrator(Cluster& cluster) {
  cluster.Disconnect();
  cluster.orchestrator().Kill(SIGTERM);
  ASSIGN_OR_RETURN(const support::ProcessEnd end,
                   cluster.orchestrator().Wait(support::kPatience));
  if (end.signal == SIGKILL) return true;
  if (end.signal == 0 && end.exit_code == 0) return false;
  return absl::InternalError(
      absl::StrCat("the orchestrator stopped with ", ToString(end)));
}

std::vector<std::string> ArgumentsOf(const Lives& lives, size_t life) {
  return life < lives.size() ? lives[life] : std::vector<std::string>();
}

absl::StatusOr<RunReport> RunOnce(const SweepOptions& options,
                                  const Lives& lives) {
  ASSIGN_OR_RETURN(
      const Bench bench,
      MakeBench(options.programs, kQuick, options.orchestrator_arguments));
  Cluster& cluster = *bench.cluster;
  RETURN_IF_ERROR(cluster.LaunchOrchestrator(ArgumentsOf(lives, 0)));
  RETURN_IF_ERROR(cluster.StartWorker("worker-1"));
  RETURN_IF_ERROR(cluster.StartWorker("worker-2"));
  RunReport report;
  CrashJob job(cluster.client(), options.job);
  while (!job.AwaitEnd(kGlance)) {
    const auto next = static_cast<size_t>(report.kills) + 1;
    ASSIGN_OR_RETURN(const bool restarted,
                     Restart(cluster, ArgumentsOf(lives, next)));
    if (restarted) ++report.kills;
  }
  RETURN_IF_ERROR(job.outcome().status());
  ASSIGN_OR_RETURN(const support::Ledger ledger, cluster.fake().ReadLedger());
  report.result = job.outcome()->result;
  report.violations =
      CheckNothingRepeated(ledger, *job.outcome(), options.job.calls);
  ASSIGN_OR_RETURN(const bool killed_last, StopOrchestrator(cluster));
  if (killed_last) ++report.kills;
  return report;
}

std::string CrashAtAppend(int n, const char* place) {
  return absl::StrCat("--crash-at-append=", n, ":", place);
}

// Lives of which the last is killed at its n-th append at that place.
using MakeLives = std::function<Lives(int n, const char* place)>;

// The places at which the n-th append was reached.
absl::StatusOr<int> CrashAt(int n, const SweepOptions& options,
                            const MakeLives& make_lives,
                            const std::string& expected, SweepResult& result) {
  int killed = 0;
  const absl::Time start = absl::Now();
  for (const char* place : kPlaces) {
    const std::string spec = absl::StrCat(n, ":", place);
    const Lives lives = make_lives(n, place);
    const auto report = RunOnce(options, lives);
    if (!report.ok()) {
      return absl::Status(report.status().code(),
                          absl::StrCat("at ", spec, ": ",
                                       std::string(report.status().message())));
    }
    ++result.runs;
    if (report->kills == std::ssize(lives)) ++killed;
    for (const std::string& violation : report->violations) {
      result.violations.push_back(absl::StrCat("at ", spec, ": ", violation));
    }
    if (report->result != expected) {
      result.violations.push_back(absl::StrCat(
          "at ", spec, ": the result differs from an undisturbed run's"));
    }
  }
  options.say(absl::StrCat("n = ", n, ": killed at ", killed, " of 3 places, ",
                           absl::ToInt64Milliseconds(absl::Now() - start),
                           " ms"));
  return killed;
}

absl::StatusOr<SweepResult> Sweep(const SweepOptions& options,
                                  const MakeLives& make_lives) {
  SweepResult result;
  ASSIGN_OR_RETURN(const RunReport undisturbed, RunOnce(options, {}));
  ++result.runs;
  result.violations = undisturbed.violations;
  for (int n = options.first_n; n <= options.last_n; ++n) {
    const size_t violations = result.violations.size();
    ASSIGN_OR_RETURN(const int killed, CrashAt(n, options, make_lives,
                                               undisturbed.result, result));
    result.kills += killed;
    for (size_t i = violations; i < result.violations.size(); ++i) {
      options.say("VIOLATION " + result.violations[i]);
    }
    if (killed == 0) break;
    const bool first = n == options.first_n;
    if (killed == std::ssize(kPlaces) && (first || result.n_reached == n - 1)) {
      result.n_reached = n;
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<SweepResult> SweepCrashes(const SweepOptions& options) {
  return Sweep(options, [](int n, const char* place) {
    return Lives{{CrashAtAppend(n, place)}};
  });
}

absl::StatusOr<SweepResult> SweepRecoveries(const SweepOptions& options,
                                            int first_kill) {
  return Sweep(options, [first_kill](int n, const char* place) {
    return Lives{{CrashAtAppend(first_kill, "after-sync")},
                 {CrashAtAppend(n, place)}};
  });
}

absl::StatusOr<std::vector<std::string>> StopWorkerForAWhile(
    const SweepOptions& options) {
  constexpr absl::Duration kStopped = absl::Seconds(3);
  ASSIGN_OR_RETURN(
      const Bench bench,
      MakeBench(options.programs, kSlow, options.orchestrator_arguments));
  Cluster& cluster = *bench.cluster;
  RETURN_IF_ERROR(cluster.StartOrchestrator());
  RETURN_IF_ERROR(cluster.StartWorker("worker-1"));
  RETURN_IF_ERROR(cluster.AwaitWorkers());
  CrashJob job(cluster.client(), options.job);
  if (!Await([&] {
        const auto ledger = cluster.fake().ReadLedger();
        return ledger.ok() && ledger->Open() == kCrashBranches;
      })) {
    return absl::DeadlineExceededError("the branches' calls did not begin");
  }
  const absl::Time stopped = absl::Now();
  cluster.worker("worker-1").Kill(SIGSTOP);
  Await([&] { return absl::Now() - stopped >= kStopped; });
  cluster.worker("worker-1").Kill(SIGCONT);
  job.AwaitEnd(absl::InfiniteDuration());
  RETURN_IF_ERROR(job.outcome().status());
  ASSIGN_OR_RETURN(const support::Ledger ledger, cluster.fake().ReadLedger());
  return CheckNothingRepeated(ledger, *job.outcome(), options.job.calls);
}

absl::StatusOr<std::vector<std::string>> OutliveACallsTimeout(
    const SweepOptions& options) {
  constexpr absl::Duration kTimeout = absl::Seconds(2);
  ASSIGN_OR_RETURN(
      const Bench bench,
      MakeBench(options.programs, kSlow, options.orchestrator_arguments));
  Cluster& cluster = *bench.cluster;
  RETURN_IF_ERROR(cluster.StartOrchestrator());
  RETURN_IF_ERROR(cluster.StartWorker("worker-1"));
  RETURN_IF_ERROR(cluster.AwaitWorkers());
  ASSIGN_OR_RETURN(const std::string run_id,
                   StartFlow(cluster.client(), "claude_chat",
                             R"({"prompt":"Say hi","model":"claude-haiku-5-5",)"
                             R"("max_tokens":40,"timeout_seconds":2})"));
  absl::StatusOr<support::Ledger> ledger;
  const auto calls_are = [&](int64_t open, int64_t finished) {
    ledger = cluster.fake().ReadLedger();
    return ledger.ok() && ledger->Open() == open &&
           ledger->Finished() == finished;
  };
  if (!Await([&] { return calls_are(1, 0); })) {
    return absl::DeadlineExceededError("the call did not begin");
  }
  const absl::Time killed = absl::Now();
  cluster.orchestrator().KillAndWait();
  if (!Await([&] { return calls_are(0, 1); })) {
    return absl::DeadlineExceededError("the call did not end");
  }
  Await([&] { return absl::Now() - killed > kTimeout + absl::Seconds(1); });
  RETURN_IF_ERROR(cluster.StartOrchestrator());
  ASSIGN_OR_RETURN(const v1::Run run, cluster.client().AwaitRun(run_id));
  RETURN_IF_ERROR(ResultOf(cluster.client(), run).status());
  JobOutcome outcome;
  ASSIGN_OR_RETURN(outcome.histories.emplace_back(),
                   ReadHistory(cluster.client(), run_id));
  ASSIGN_OR_RETURN(ledger, cluster.fake().ReadLedger());
  return CheckNothingRepeated(*ledger, outcome, 1);
}

}  // namespace anabranch::e2e
