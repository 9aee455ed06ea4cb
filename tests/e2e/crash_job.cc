#include "tests/e2e/crash_job.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
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

}  // namespace

CrashJob::CrashJob(client::Client& client, std::string transcript)
    : client_(client),
      transcript_(std::move(transcript)),
      outcome_(absl::UnavailableError("not ended yet")),
      thread_([this] {
        outcome_ = Run();
        done_.Notify();
      }) {}

absl::StatusOr<JobOutcome> CrashJob::Run() {
  ASSIGN_OR_RETURN(const std::string conversation,
                   ImportTranscript(client_, transcript_));
  ASSIGN_OR_RETURN(const std::string run_id,
                   StartFlow(client_, "fork_compare", Input(conversation)));
  ASSIGN_OR_RETURN(const v1::Run run, client_.AwaitRun(run_id));
  ASSIGN_OR_RETURN(const std::string result, ResultOf(client_, run));
  JobOutcome outcome{WithoutDurations(result), {}};
  ASSIGN_OR_RETURN(outcome.history, ReadHistory(client_, run_id));
  return outcome;
}

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

std::vector<std::string> CheckNothingRepeated(
    const support::Ledger& ledger, const std::vector<v1::HistoryEvent>& history,
    int64_t calls) {
  std::vector<std::string> violations;
  if (ledger.Begun() != calls) {
    violations.push_back(absl::StrCat("the ledger has ", ledger.Begun(),
                                      " calls begun, not ", calls));
  }
  for (const auto& [task, begun] : ledger.ByTask()) {
    if (begun.size() == 1) continue;
    violations.push_back(absl::StrCat("call ", task.second, " was made ",
                                      begun.size(), " times"));
  }
  int64_t recorded = 0;
  for (const auto& [seq, times] : RecordedCalls(history, kTurnType)) {
    recorded += times;
    if (times == 1) continue;
    violations.push_back(absl::StrCat("the result of call ", seq,
                                      " is recorded ", times, " times"));
  }
  if (recorded != calls) {
    violations.push_back(
        absl::StrCat("the history has ", recorded, " results, not ", calls));
  }
  return violations;
}

}  // namespace anabranch::e2e
