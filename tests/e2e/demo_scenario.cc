#include "tests/e2e/demo_scenario.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "tests/e2e/fork_job.h"
#include "tests/support/await.h"
#include "tests/support/cluster.h"
#include "tests/support/run_watcher.h"

namespace anabranch::e2e {
namespace {

using support::Await;
using support::Cluster;
using support::StepKind;

constexpr char kWorkers[][9] = {"worker-1", "worker-2"};
// A person can follow it, and three turns take some ten seconds.
constexpr char kPace[] = "28";
constexpr char kFirstTokenMs[] = "400";
// A real API's turns may take longer than the fake's.
constexpr absl::Duration kTurnPatience = absl::Minutes(5);

// Step 5 is the last prompt; the transcript's own reply is compared too.
constexpr char kInput[] = R"json({
  "conversation": "%s",
  "fork_at_step": 5,
  "branches": [
    {"name": "opus", "model": "claude-opus-5-5", "max_turns": 1},
    {"name": "haiku", "model": "claude-haiku-5-5", "max_turns": 1},
    {"name": "brief", "model": "claude-sonnet-5-5",
     "system_prompt": "Answer in plain words.",
     "inject_message": ["What is the main risk here?", "How would you test it?",
                        "What comes first?"],
     "max_turns": 3},
    {"name": "doubt", "model": "claude-sonnet-5-5",
     "inject_message": ["Are you sure?", "Explain it to a child.",
                        "Now in one sentence."],
     "max_turns": 3}
  ],
  "settings": {"timeout_seconds": 600}
})json";

int64_t MillisSince(absl::Time start) {
  return absl::ToInt64Milliseconds(absl::Now() - start);
}

std::string StepText(const support::WatchedStep& step) {
  std::string name = step.name.empty() ? step.type : step.name;
  const std::string again =
      step.attempt > 1 ? absl::StrCat(" (attempt ", step.attempt, ")") : "";
  switch (step.kind) {
    case StepKind::kStarted:
      return absl::StrCat(name, " begins", again);
    case StepKind::kStreams:
      return absl::StrCat(name, " streams", again);
    case StepKind::kRecorded:
      return absl::StrCat(name, " is recorded", again);
    case StepKind::kFailed:
      return absl::StrCat(name, " failed", again);
  }
  return name;
}

// One run of the scenario. Threads: one, and the watcher's.
class Scenario {
 public:
  Scenario(const DemoOptions& options, Narrator& narrator)
      : options_(options), narrator_(narrator) {}

  absl::StatusOr<DemoResult> Run();

 private:
  // An attempt that a worker has, by whoever's word there is.
  struct InFlight {
    std::string uid;
    int64_t seq = 0;
    std::string session;
    absl::Time begun;
  };

  absl::Status StartProcesses();
  absl::Status StartJob();
  absl::Status KillOrchestrator();
  absl::Status KillWorker();
  absl::Status AwaitNoticed(const std::string& session, absl::Time killed);
  absl::Status AwaitBegunAgain(const InFlight& lost, absl::Time killed);
  absl::Status ReadOutcome();

  absl::StatusOr<v1::Run> ReadRun();
  // The ledger's word, else the orchestrator's.
  absl::StatusOr<std::vector<InFlight>> CallsInFlight();
  absl::StatusOr<std::string> LabelOf(const std::string& session);
  int Turns() const { return watcher_->Recorded(kTurnType); }

  const DemoOptions& options_;
  Narrator& narrator_;
  std::unique_ptr<Cluster> cluster_;
  std::string run_id_;
  std::optional<support::RunWatcher> watcher_;
  DeadWorker dead_worker_;
  DemoResult result_;
};

absl::StatusOr<DemoResult> Scenario::Run() {
  RETURN_IF_ERROR(StartProcesses());
  RETURN_IF_ERROR(StartJob());
  RETURN_IF_ERROR(KillOrchestrator());
  RETURN_IF_ERROR(KillWorker());
  RETURN_IF_ERROR(ReadOutcome());
  return std::move(result_);
}

absl::Status Scenario::StartProcesses() {
  support::ClusterOptions options;
  ASSIGN_OR_RETURN(options.programs, support::FindPrograms(options_.bin_dir));
  options.folder = options_.folder;
  options.fake = !options_.live;
  options.fake_arguments = {"--ttft-ms", kFirstTokenMs, "--tokens-per-second",
                            kPace};
  ASSIGN_OR_RETURN(cluster_, Cluster::Create(std::move(options)));
  RETURN_IF_ERROR(cluster_->StartOrchestrator());
  for (const char* label : kWorkers) {
    RETURN_IF_ERROR(cluster_->StartWorker(label));
  }
  RETURN_IF_ERROR(cluster_->AwaitWorkers());
  narrator_.Say(absl::StrCat(
      "up: an orchestrator at ", cluster_->address(), ", two workers, ",
      options_.live ? "the API of the environment"
                    : absl::StrCat("a local API at ", cluster_->fake().url())));
  return absl::OkStatus();
}

absl::Status Scenario::StartJob() {
  ASSIGN_OR_RETURN(const std::string conversation,
                   ImportTranscript(cluster_->client(), options_.transcript));
  narrator_.Say(absl::StrCat("imported conversation ", conversation));
  ASSIGN_OR_RETURN(run_id_, StartFlow(cluster_->client(), "fork_compare",
                                      absl::StrFormat(kInput, conversation)));
  narrator_.Say(absl::StrCat("started run ", run_id_,
                             ": fork at step 5 into four branches"));
  watcher_.emplace(cluster_->client(), run_id_,
                   [this](const support::WatchedStep& step) {
                     narrator_.Say("         " + StepText(step));
                   });
  return absl::OkStatus();
}

absl::StatusOr<v1::Run> Scenario::ReadRun() {
  v1::GetRunRequest request;
  request.set_run_id(run_id_);
  request.set_view(v1::RUN_VIEW_BASIC);
  return cluster_->client().GetRun(std::move(request));
}

absl::StatusOr<std::vector<Scenario::InFlight>> Scenario::CallsInFlight() {
  std::vector<InFlight> calls;
  if (!options_.live) {
    ASSIGN_OR_RETURN(const support::Ledger ledger,
                     cluster_->fake().ReadLedger());
    for (const support::LedgerCall& call : ledger.calls) {
      if (!call.open()) continue;
      calls.push_back({call.uid, call.seq, call.session,
                       absl::FromUnixMillis(call.begun_ms)});
    }
    return calls;
  }
  ASSIGN_OR_RETURN(const v1::Run run, ReadRun());
  for (const v1::ActivityInfo& activity : run.waiting_activities()) {
    if (activity.activity_type() == kTurnType &&
        activity.state() == v1::ACTIVITY_STATE_RUNNING) {
      calls.push_back({run.uid(), activity.seq(), activity.session(),
                       absl::FromUnixSeconds(activity.start_time().seconds())});
    }
  }
  return calls;
}

absl::Status Scenario::KillOrchestrator() {
  if (!watcher_->AwaitRecorded(kTurnType, 1, kTurnPatience)) {
    return absl::DeadlineExceededError("no turn was recorded");
  }
  absl::StatusOr<std::vector<InFlight>> calls;
  Await([&] {
    calls = CallsInFlight();
    return !calls.ok() || calls->size() >= 2;
  });
  RETURN_IF_ERROR(calls.status());
  result_.turns_recorded_before_kill = Turns();
  const absl::Time killed = absl::Now();
  cluster_->orchestrator().KillAndWait();
  ++result_.orchestrator_kills;
  result_.in_flight_at_orchestrator_kill = static_cast<int64_t>(calls->size());
  narrator_.Say(absl::StrFormat(
      "KILL     the orchestrator (SIGKILL): %d turns recorded, %d calls in "
      "flight",
      result_.turns_recorded_before_kill, calls->size()));
  RETURN_IF_ERROR(cluster_->StartOrchestrator());
  narrator_.Say(absl::StrCat("RESTART  the orchestrator serves, ",
                             MillisSince(killed), " ms after the kill"));
  RETURN_IF_ERROR(cluster_->AwaitWorkers());
  result_.recovery_ms.push_back(MillisSince(killed));
  narrator_.Say(absl::StrCat("RECOVERY both workers are back, ",
                             result_.recovery_ms.back(),
                             " ms after the kill; their calls went on"));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Scenario::LabelOf(const std::string& session) {
  ASSIGN_OR_RETURN(const v1::ListWorkersResponse list,
                   cluster_->client().ListWorkers());
  for (const v1::Worker& worker : list.workers()) {
    if (worker.session() == session) return worker.label();
  }
  return absl::NotFoundError(
      absl::StrCat("no worker has the session ", session));
}

absl::Status Scenario::KillWorker() {
  if (!watcher_->AwaitRecorded(
          kTurnType, static_cast<int>(result_.turns_recorded_before_kill) + 1,
          kTurnPatience)) {
    return absl::DeadlineExceededError("no turn was recorded after the crash");
  }
  absl::StatusOr<std::vector<InFlight>> calls;
  // A call that has just begun has a long way to go: it dies for sure.
  const bool young = Await(
      [&] {
        calls = CallsInFlight();
        return !calls.ok() ||
               (!calls->empty() &&
                absl::Now() - calls->back().begun < absl::Seconds(1));
      },
      kTurnPatience);
  RETURN_IF_ERROR(calls.status());
  if (!young) return absl::DeadlineExceededError("no call was begun any more");
  dead_worker_.session = calls->back().session;
  std::erase_if(*calls, [&](const InFlight& call) {
    return call.session != dead_worker_.session;
  });
  ASSIGN_OR_RETURN(const std::string label, LabelOf(dead_worker_.session));
  const absl::Time killed = absl::Now();
  dead_worker_.killed_ms = absl::ToUnixMillis(killed);
  cluster_->worker(label).KillAndWait();
  ++result_.worker_kills;
  result_.in_flight_at_worker_kill = static_cast<int64_t>(calls->size());
  narrator_.Say(
      absl::StrFormat("KILL     %s (SIGKILL): %d calls in flight die with it",
                      label, result_.in_flight_at_worker_kill));
  RETURN_IF_ERROR(cluster_->StartWorker(label));
  RETURN_IF_ERROR(cluster_->AwaitWorkers());
  narrator_.Say(absl::StrCat("RESTART  ", label, " is connected, ",
                             MillisSince(killed), " ms after the kill"));
  RETURN_IF_ERROR(AwaitNoticed(dead_worker_.session, killed));
  return AwaitBegunAgain(calls->back(), killed);
}

absl::Status Scenario::AwaitNoticed(const std::string& session,
                                    absl::Time killed) {
  absl::StatusOr<v1::Run> run;
  const auto given_up = [&](const v1::ActivityInfo& activity) {
    return std::ranges::any_of(
        activity.closed_attempts(), [&](const v1::ClosedAttempt& attempt) {
          return attempt.session() == session && attempt.has_failure();
        });
  };
  const bool noticed = Await([&] {
    run = ReadRun();
    return !run.ok() ||
           std::ranges::any_of(run->waiting_activities(), given_up);
  });
  RETURN_IF_ERROR(run.status());
  if (!noticed) {
    return absl::DeadlineExceededError("the worker's death was not noticed");
  }
  result_.worker_death_noticed_ms = MillisSince(killed);
  narrator_.Say(absl::StrCat("NOTICED  its attempts are given up, ",
                             result_.worker_death_noticed_ms,
                             " ms after the kill"));
  return absl::OkStatus();
}

absl::Status Scenario::AwaitBegunAgain(const InFlight& lost,
                                       absl::Time killed) {
  absl::StatusOr<std::vector<InFlight>> calls;
  const bool begun = Await([&] {
    calls = CallsInFlight();
    if (!calls.ok()) return true;
    return std::ranges::any_of(*calls, [&](const InFlight& call) {
      return call.uid == lost.uid && call.seq == lost.seq &&
             call.session != lost.session;
    });
  });
  RETURN_IF_ERROR(calls.status());
  if (!begun) {
    return absl::DeadlineExceededError("no call was begun again");
  }
  result_.recovery_ms.push_back(MillisSince(killed));
  narrator_.Say(absl::StrCat("RECOVERY the lost call is made again, ",
                             result_.recovery_ms.back(), " ms after the kill"));
  return absl::OkStatus();
}

absl::Status Scenario::ReadOutcome() {
  ASSIGN_OR_RETURN(const v1::Run run, cluster_->client().AwaitRun(run_id_));
  ASSIGN_OR_RETURN(result_.comparison, ResultOf(cluster_->client(), run));
  narrator_.Say("the run has completed");
  const auto json = nlohmann::json::parse(result_.comparison, nullptr, false);
  Proof& proof = result_.proof;
  ASSIGN_OR_RETURN(const std::vector<v1::HistoryEvent> history,
                   ReadHistory(cluster_->client(), run_id_));
  support::Ledger ledger;
  if (!options_.live) {
    ASSIGN_OR_RETURN(ledger, cluster_->fake().ReadLedger());
    proof = Prove(ledger, history, dead_worker_);
  } else {
    for (const auto& [seq, times] : RecordedCalls(history, kTurnType)) {
      proof.calls_recorded += times;
    }
  }
  for (const auto& branch : json.at("branches")) {
    const auto name = branch.at("name").get<std::string>();
    const auto state = branch.at("state").get<std::string>();
    if (name == "original") continue;
    result_.branches.emplace_back(name, state);
    if (state != "COMPLETED") {
      proof.violations.push_back(absl::StrCat("branch ", name, " is ", state));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DemoResult> RunDemo(const DemoOptions& options,
                                   Narrator& narrator) {
  return Scenario(options, narrator).Run();
}

}  // namespace anabranch::e2e
