#include "tests/e2e/proof.h"

#include "absl/strings/str_cat.h"
#include "tests/e2e/fork_job.h"

namespace anabranch::e2e {
namespace {

void CountRepeats(const support::Ledger& ledger, const DeadWorker& dead_worker,
                  Proof& proof) {
  for (const auto& [task, calls] : ledger.ByTask()) {
    for (size_t i = 1; i < calls.size(); ++i) {
      const bool died = calls[i - 1]->session == dead_worker.session &&
                        calls[i]->begun_ms >= dead_worker.killed_ms;
      ++(died ? proof.repeated_after_worker_kill
              : proof.repeated_after_orchestrator_kill);
    }
  }
}

void CheckHistory(const support::Ledger& ledger,
                  const std::vector<v1::HistoryEvent>& history, Proof& proof) {
  const auto tasks = ledger.ByTask();
  for (const auto& [seq, times] : RecordedCalls(history, kTurnType)) {
    proof.calls_recorded += times;
    if (times == 1) continue;
    proof.violations.push_back(absl::StrCat("the result of call ", seq,
                                            " is recorded ", times,
                                            " times instead of once"));
  }
  for (const auto& [task, calls] : tasks) {
    if (task.first.empty()) {
      proof.violations.push_back("the ledger has a call for no task");
    }
    if (!calls.back()->finished()) {
      proof.violations.push_back(absl::StrCat("the last call for task ",
                                              task.second, " never finished"));
    }
  }
}

}  // namespace

Proof Prove(const support::Ledger& ledger,
            const std::vector<v1::HistoryEvent>& history,
            const DeadWorker& dead_worker) {
  Proof proof;
  proof.ledger_begun = ledger.Begun();
  proof.ledger_finished = ledger.Finished();
  CountRepeats(ledger, dead_worker, proof);
  CheckHistory(ledger, history, proof);
  if (proof.repeated_after_orchestrator_kill != 0) {
    proof.violations.push_back(
        absl::StrCat(proof.repeated_after_orchestrator_kill,
                     " calls were made again though no worker died"));
  }
  if (proof.ledger_begun !=
      proof.calls_recorded + proof.repeated_after_worker_kill) {
    proof.violations.push_back(absl::StrCat(
        proof.ledger_begun, " calls begun are not ", proof.calls_recorded,
        " recorded + ", proof.repeated_after_worker_kill,
        " repeated after the worker's death"));
  }
  return proof;
}

}  // namespace anabranch::e2e
