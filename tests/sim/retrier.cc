#include "tests/sim/retrier.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/family_programs.h"

namespace anabranch::sim {
namespace {

bool WentWrong(v1::RunState state) {
  return state == v1::RUN_STATE_FAILED || state == v1::RUN_STATE_TERMINATED ||
         state == v1::RUN_STATE_TIMED_OUT;
}

}  // namespace

void Retrier::Begin() {
  Look();
  world_.After(absl::Milliseconds(world_.config.client_retry_ms),
               [this] { Begin(); });
}

bool Retrier::IsWanted(Uid uid, const RunRecords& run) {
  if (!run.ended || run.next != Uid{} || !WentWrong(run.fold.run.state())) {
    return false;
  }
  auto known = retries_.find(uid);
  if (known == retries_.end()) {
    const auto& input = run.status->run().input().json_text();
    known = retries_.emplace(uid, RetriesOf(input)).first;
  }
  return run.status->run().generation() <= known->second;
}

bool Retrier::done() {
  for (const auto& [uid, run] : records_.runs()) {
    if (IsWanted(uid, run)) return false;
  }
  return true;
}

void Retrier::Look() {
  for (const auto& [uid, run] : records_.runs()) {
    if (!IsWanted(uid, run)) continue;
    Send(uid, run);
    if (world_.Happens(Fault::kDoubleCall)) Send(uid, run);
  }
}

void Retrier::Send(Uid uid, const RunRecords& run) {
  if (world_.Happens(Fault::kCallLost)) return;
  const api::Run& shown = run.status->run();
  shard::RetryRun retry;
  retry.name = {shown.namespace_(), shown.run_id()};
  // Of a time that never was nobody asks again.
  retry.request_id = absl::StrCat("retry-", uid.ToHex(), "-", world_.restores);
  retry.reply = [this, name = retry.name, request = retry.request_id](
                    const absl::StatusOr<shard::RetriedRun>& answer) {
    server_.Emit([&] { checks_.OnRetried(name, request, answer); });
  };
  const absl::Duration delay =
      world_.Happens(Fault::kCallReordered)
          ? world_.Between(absl::Milliseconds(20), absl::Seconds(3))
          : world_.Between(absl::Microseconds(50), absl::Milliseconds(20));
  world_.After(delay,
               [this, retry = std::move(retry), restores = world_.restores] {
                 if (restores == world_.restores) server_.Post(retry);
               });
}

}  // namespace anabranch::sim
