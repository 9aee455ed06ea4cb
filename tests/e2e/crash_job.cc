#include "tests/e2e/crash_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "client/lib/payload.h"
#include "tests/e2e/fork_job.h"

namespace anabranch::e2e {
namespace {

// Models, and so lengths of replies, differ: the branches' turns seldom end at
// the same time.
constexpr char kInput[] = R"json({
  "conversation": "%s",
  "fork_at_step": 5,
  "branches": [
    {"name": "opus", "model": "claude-opus-5-5", %s},
    {"name": "sonnet", "model": "claude-sonnet-5-5", %s},
    {"name": "haiku", "model": "claude-haiku-5-5", %s},
    {"name": "older", "model": "claude-opus-4-8", %s},
    {"name": "small", "model": "claude-haiku-4-5", %s},
    {"name": "plain", "model": "claude-sonnet-5",
     "system_prompt": "Answer in plain words.", %s}
  ],
  "settings": {"max_turns": 5}
})json";

// A message for each of five turns.
std::string Messages(const char* topic) {
  return absl::StrFormat(
      R"("inject_message": ["What of %1$s?", "And then?", "Why %1$s?",
         "What would you change about %1$s?", "Sum it up."])",
      topic);
}

std::string Input(const std::string& conversation) {
  return absl::StrFormat(kInput, conversation, Messages("order"),
                         Messages("cost"), Messages("the long way round"),
                         Messages("safety"), Messages("tests"),
                         Messages("naming things well"));
}

absl::StatusOr<JobOutcome> RunFork(client::Client& client,
                                   const std::string& transcript) {
  ASSIGN_OR_RETURN(const std::string conversation,
                   ImportTranscript(client, transcript));
  ASSIGN_OR_RETURN(const std::string run_id,
                   StartFlow(client, "fork_compare", Input(conversation)));
  ASSIGN_OR_RETURN(const v1::Run run, client.AwaitRun(run_id));
  ASSIGN_OR_RETURN(const std::string result, ResultOf(client, run));
  JobOutcome outcome{WithoutAccidents(result), {}};
  ASSIGN_OR_RETURN(outcome.histories.emplace_back(),
                   ReadHistory(client, run_id));
  return outcome;
}

// --- children, generations and a batch ---

constexpr int64_t kFamilyCalls = 8;
constexpr int kWaiting = 3;

constexpr char kMapInput[] = R"json({
  "flow": "claude_chat",
  "concurrency": 2,
  "items": [
    {"prompt": "One.", "model": "claude-haiku-5-5", "max_tokens": 40},
    {"prompt": "Two.", "model": "claude-opus-5-5", "max_tokens": 50},
    {"prompt": "Three.", "model": "claude-sonnet-5-5", "max_tokens": 30},
    {"prompt": "Four.", "model": "claude-haiku-4-5", "max_tokens": 40}
  ]
})json";
constexpr char kRepeatInput[] = R"json({
  "flow": "claude_chat",
  "input": {"prompt": "Again.", "model": "claude-haiku-5-5", "max_tokens": 30},
  "times": 4,
  "continue_every": 2
})json";

absl::Status StartNamed(client::Client& client, const std::string& run_id,
                        const std::string& flow, const std::string& input) {
  v1::StartRunRequest request;
  request.set_run_id(run_id);
  request.set_flow(flow);
  *request.mutable_input() = client::JsonPayload(input);
  return client.StartRun(std::move(request)).status();
}

// Signals every run that waits.
absl::Status SignalAll(client::Client& client) {
  v1::StartBatchRequest request;
  request.set_batch_id("go");
  request.set_action(v1::BATCH_ACTION_SIGNAL);
  request.set_filter("flow = wait_for_signal");
  request.set_signal("go");
  *request.mutable_input() = client::JsonPayload("\"gone\"");
  return client.StartBatch(std::move(request)).status();
}

absl::StatusOr<std::vector<std::string>> RunIds(client::Client& client) {
  v1::ListRunsRequest request;
  request.set_page_size(1000);
  ASSIGN_OR_RETURN(const v1::ListRunsResponse page, client.ListRuns(request));
  std::vector<std::string> ids;
  for (const v1::Run& run : page.runs()) ids.push_back(run.run_id());
  std::sort(ids.begin(), ids.end());
  return ids;
}

absl::StatusOr<JobOutcome> RunFamily(client::Client& client) {
  RETURN_IF_ERROR(StartNamed(client, "map", "map_runs", kMapInput));
  RETURN_IF_ERROR(StartNamed(client, "repeat", "repeat", kRepeatInput));
  for (int i = 1; i <= kWaiting; ++i) {
    RETURN_IF_ERROR(StartNamed(client, absl::StrCat("waiting-", i),
                               "wait_for_signal", R"({"signal":"go"})"));
  }
  RETURN_IF_ERROR(SignalAll(client));
  for (const char* run_id : {"map", "repeat"}) {
    RETURN_IF_ERROR(client.AwaitRun(run_id).status());
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, RunIds(client));
  JobOutcome outcome;
  std::string results = "{";
  for (const std::string& run_id : ids) {
    ASSIGN_OR_RETURN(const v1::Run run, client.AwaitRun(run_id));
    ASSIGN_OR_RETURN(const std::string result, ResultOf(client, run));
    absl::StrAppend(&results, results.size() > 1 ? "," : "", "\"", run_id,
                    "\":", result);
    ASSIGN_OR_RETURN(outcome.histories.emplace_back(),
                     ReadHistory(client, run_id));
  }
  outcome.result = WithoutAccidents(results + "}");
  return outcome;
}

}  // namespace

JobKind ForkJob(const std::string& transcript) {
  return {.name = "fork_compare",
          .calls = kCrashBranches * kCrashTurns,
          .run = [transcript](client::Client& client) {
            return RunFork(client, transcript);
          }};
}

JobKind FamilyJob() {
  return {.name = "children, generations and a batch",
          .calls = kFamilyCalls,
          .run = RunFamily};
}

CrashJob::CrashJob(client::Client& client, const JobKind& kind)
    : outcome_(absl::UnavailableError("not ended yet")),
      thread_([this, &client, run = kind.run] {
        outcome_ = run(client);
        done_.Notify();
      }) {}

absl::StatusOr<Bench> MakeBench(
    const support::Programs& programs,
    const std::vector<std::string>& fake_arguments,
    const std::vector<std::string>& orchestrator_arguments) {
  ASSIGN_OR_RETURN(support::TempFolder folder, support::TempFolder::Create());
  support::ClusterOptions options;
  options.programs = programs;
  options.folder = folder.path();
  options.fake_arguments = fake_arguments;
  options.orchestrator_arguments = orchestrator_arguments;
  ASSIGN_OR_RETURN(std::unique_ptr<support::Cluster> cluster,
                   support::Cluster::Create(std::move(options)));
  return Bench{std::move(folder), std::move(cluster)};
}

std::vector<std::string> CheckNothingRepeated(const support::Ledger& ledger,
                                              const JobOutcome& outcome,
                                              int64_t calls) {
  std::vector<std::string> violations;
  if (ledger.Begun() != calls) {
    violations.push_back(absl::StrCat("the ledger has ", ledger.Begun(),
                                      " calls begun, not ", calls));
  }
  for (const auto& [task, begun] : ledger.ByTask()) {
    if (begun.size() == 1) continue;
    violations.push_back(absl::StrCat("call ", task.second, " of ", task.first,
                                      " was made ", begun.size(), " times"));
  }
  int64_t recorded = 0;
  for (const auto& history : outcome.histories) {
    for (const auto& [seq, times] : RecordedCalls(history, kTurnType)) {
      recorded += times;
      if (times == 1) continue;
      violations.push_back(absl::StrCat("the result of call ", seq,
                                        " is recorded ", times, " times"));
    }
  }
  if (recorded != calls) {
    violations.push_back(
        absl::StrCat("the histories have ", recorded, " results, not ", calls));
  }
  return violations;
}

}  // namespace anabranch::e2e
