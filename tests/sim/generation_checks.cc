#include "tests/sim/generation_checks.h"

#include "absl/strings/str_cat.h"
#include "base/error_details.h"

namespace anabranch::sim {

void GenerationChecks::OnRetried(
    const log::RunName& name, const std::string& request_id,
    const absl::StatusOr<shard::RetriedRun>& answer) {
  world_.Trace("retried", absl::StrCat(name.run_id, " ", request_id, " ",
                                       static_cast<int>(answer.status().code()),
                                       " ", answer.status().message()));
  const bool kept = records_.contents().dedups.contains({name, request_id});
  if (!answer.ok()) {
    const std::string reason = ErrorReason(answer.status());
    const bool right = reason == "DISK_FULL" ||
                       (reason == "RUN_NOT_FOUND" && world_.restores > 0) ||
                       (reason == "RUN_NOT_RETRYABLE" && world_.restores > 0);
    if (kept || !right) {
      world_.Fail(absl::StrCat("a retry was refused without reason: ",
                               answer.status().ToString()));
    }
    return;
  }
  if (!kept) {
    return world_.Fail("a retry was acknowledged, and forgotten: " +
                       request_id);
  }
  const std::pair now(answer->released_activities, answer->generation);
  if (answers_.emplace(request_id, now).first->second != now) {
    world_.Fail("one retry, two answers: " + request_id);
  }
  if (records_.Chain(name).size() < static_cast<size_t>(answer->generation)) {
    world_.Fail("a retry promised a generation that is not there: " +
                request_id);
  }
}

void GenerationChecks::CheckAtEnd(const Ledger& ledger) {
  for (const auto& [uid, run] : records_.runs()) {
    const RunRecords* before = records_.Find(run.previous);
    if (before == nullptr ||
        before->fold.run.state() == api::RUN_STATE_CONTINUED_AS_NEW) {
      continue;
    }
    for (const auto& activation : before->history) {
      for (const auto& event : activation.events()) {
        const int64_t seq = event.activity_completed().seq();
        if (seq == 0 || ledger.Of({uid, seq}).empty()) continue;
        world_.Fail(absl::StrCat("run ", run.fold.run.run_id(), ": activity ",
                                 seq,
                                 " had a result and was carried out again"));
      }
    }
  }
}

}  // namespace anabranch::sim
