// The crash loop: kills the orchestrator at each of its writes in turn, and
// holds every run against one that nothing disturbed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/crash_sweep.h"
#include "tests/e2e/fork_job.h"
#include "tests/e2e/narrator.h"
#include "tests/support/programs.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kAbout[] =
    R"(Runs fork_compare (six branches of five turns) on real processes and
kills the first orchestrator process at its n-th synced append, for n = 1, 2,
3 … and at three places each: before the write, after the sync and before any
effect, after the effects. Each run must end with the same result and without
any call made twice. Then the same with child runs, new generations and a
batch; with a kill in the life that recovers from the first kill; with no flow
kept in memory; a worker that is stopped for 3 s; and an orchestrator that is
away for longer than a call may take. Exit code 1: something of it does not
hold.)";

// The kills at these appends must have happened.
constexpr int kReachedMin = 30;
// The job with children is done in fewer writes.
constexpr int kFamilyReachedMin = 20;
// Writes of a life that recovers, before it is where the first one was.
constexpr int kRecoveryWrites = 4;
// After as many writes of the first life it has calls in flight.
constexpr int kFirstKill = 12;

struct Flags {
  bool json = false;
  int max_n = 1'000;
  std::string bin_dir;
};

// Gathers what the parts found. Threads: one.
class Report {
 public:
  explicit Report(Narrator& narrator) : narrator_(narrator) {}

  void Sweep(const std::string& key, const absl::StatusOr<SweepResult>& result,
             int reached_min) {
    if (!result.ok()) return Violation(key, result.status().ToString());
    json_[key] = result->n_reached;
    runs_ += result->runs;
    kills_ += result->kills;
    narrator_.Say(absl::StrCat(key, " = ", result->n_reached));
    for (const std::string& violation : result->violations) {
      Violation(key, violation);
    }
    if (result->n_reached < reached_min) {
      Violation(
          key, absl::StrCat("a kill at n <= ", reached_min, " did not happen"));
    }
  }

  void Part(const std::string& key,
            const absl::StatusOr<std::vector<std::string>>& violations) {
    ++runs_;
    if (!violations.ok()) return Violation(key, violations.status().ToString());
    json_[key] = violations->empty() ? "ok" : "failed";
    narrator_.Say(absl::StrCat(key, violations->empty() ? ": ok" : ": FAILED"));
    for (const std::string& violation : *violations) Violation(key, violation);
  }

  Json Take() {
    Json json;
    json["ok"] = violations_.empty();
    json.update(json_);
    json["runs"] = runs_;
    json["kills"] = kills_;
    json["violations"] = violations_;
    return json;
  }

 private:
  void Violation(const std::string& key, const std::string& what) {
    violations_.push_back(absl::StrCat(key, ": ", what));
    narrator_.Say("VIOLATION " + violations_.back());
  }

  Narrator& narrator_;
  Json json_ = Json::object();
  std::vector<std::string> violations_;
  int runs_ = 0;
  int kills_ = 0;
};

void SweepRecovery(SweepOptions options, Report& report, Narrator& narrator) {
  narrator.Say("kills in recovery: " + options.job.name);
  options.last_n = std::min(options.last_n, kRecoveryWrites);
  report.Sweep("n_reached_in_recovery_of " + options.job.name,
               SweepRecoveries(options, kFirstKill),
               std::min(options.last_n, 2));
}

int Run(const Flags& flags) {
  Narrator narrator(flags.json ? std::cerr : std::cout);
  const auto programs = support::FindPrograms(flags.bin_dir);
  const auto transcript = support::FindSourceFile(kTranscript);
  for (const absl::Status& status : {programs.status(), transcript.status()}) {
    if (status.ok()) continue;
    std::cerr << status.message() << std::endl;
    return 1;
  }
  SweepOptions options{.programs = *programs, .job = ForkJob(*transcript)};
  options.last_n = flags.max_n;
  options.say = [&](const std::string& text) { narrator.Say(text); };
  const int reached_min = std::min(kReachedMin, flags.max_n);
  Report report(narrator);
  narrator.Say("flows kept in memory");
  report.Sweep("n_reached", SweepCrashes(options), reached_min);
  narrator.Say("a worker stopped for 3 s");
  report.Part("worker_stopped", StopWorkerForAWhile(options));
  narrator.Say("an orchestrator away for longer than a call may take");
  report.Part("long_outage", OutliveACallsTimeout(options));
  narrator.Say("no flow kept in memory");
  options.orchestrator_arguments = {"--live-flows", "0"};
  report.Sweep("n_reached_without_flow_cache", SweepCrashes(options),
               reached_min);
  options.orchestrator_arguments = {};
  SweepRecovery(options, report, narrator);
  narrator.Say("children, generations and a batch");
  options.job = FamilyJob();
  report.Sweep("n_reached_with_children", SweepCrashes(options),
               std::min(kFamilyReachedMin, flags.max_n));
  SweepRecovery(options, report, narrator);
  const Json json = report.Take();
  const bool ok = json["ok"].get<bool>();
  narrator.Say(absl::StrCat(ok ? "every one of " : "FAILED among ",
                            json["runs"].get<int>(), " runs, ",
                            json["kills"].get<int>(), " kills"));
  if (flags.json) std::cout << json.dump() << std::endl;
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace anabranch::e2e

int main(int argc, char** argv) {
  using anabranch::e2e::Flags;
  std::signal(SIGPIPE, SIG_IGN);
  Flags flags;
  CLI::App app(anabranch::e2e::kAbout, "crashloop");
  app.add_flag("--json", flags.json,
               "One JSON object on the last line of stdout; all else goes to "
               "stderr");
  app.add_option("--max-n", flags.max_n, "Go no further than this append")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--bin-dir", flags.bin_dir,
                 "Folder of the programs (default: those built with this one)");
  CLI11_PARSE(app, argc, argv);
  return anabranch::e2e::Run(flags);
}
