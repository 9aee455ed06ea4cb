#include "tests/sim/outward_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

void OutwardChecks::OnMessage(const v1::ServerMessage& message) {
  if (message.has_task()) OnTask(message.task());
  if (message.has_recorded()) OnRecorded(message.recorded().token());
  for (const auto& verdict : message.welcome().verdicts()) {
    // RECORDED is also said of what nobody waits for any more.
    world_.Trace("verdict", absl::StrCat(static_cast<int>(verdict.kind()), " ",
                                         verdict.token()));
  }
}

void OutwardChecks::OnTask(const v1::Task& task) {
  world_.Trace("task", task.token());
  auto token = TaskToken::Parse(task.token());
  if (!token.has_value()) return world_.Fail("a task without a good token");
  const RunRecords* run = records_.Find(token->activity.uid);
  const int64_t seq = token->activity.seq;
  if (run == nullptr) return world_.Fail("a task of no durable run");
  if (run->closed.contains(seq)) {
    return world_.Fail(
        absl::StrCat("a task of a closed activity: ", task.token()));
  }
  auto record = run->activities.find(seq);
  if (record == run->activities.end() ||
      record->second.token() != task.token()) {
    return world_.Fail(
        absl::StrCat("a task left before it was durable: ", task.token()));
  }
  // Whatever was carried out before must have ended, on record.
  for (const Execution& execution : ledger_.Of(token->activity)) {
    const auto& ended = record->second.info().closed_attempts();
    bool known =
        std::any_of(ended.begin(), ended.end(), [&](const auto& attempt) {
          return attempt.attempt() == execution.attempt;
        });
    if (!known) {
      world_.Fail(absl::StrCat("carried out again without a cause: ",
                               task.token(), " after ", execution.token));
    }
  }
}

void OutwardChecks::OnRecorded(const std::string& token) {
  auto parsed = TaskToken::Parse(token);
  const RunRecords* run =
      parsed.has_value() ? records_.Find(parsed->activity.uid) : nullptr;
  if (run == nullptr) return world_.Fail("Recorded for no durable run");
  const bool durable =
      run->usage.contains({parsed->activity.seq, parsed->attempt}) ||
      run->closed.contains(parsed->activity.seq) || run->ended;
  if (durable) return;
  // The failure of an attempt that was given up: its end is on record.
  auto record = run->activities.find(parsed->activity.seq);
  if (record != run->activities.end() &&
      record->second.info().state() != api::ACTIVITY_STATE_RUNNING) {
    return;
  }
  world_.Fail(absl::StrCat("Recorded left before it was durable: ", token));
}

void OutwardChecks::OnRunChanged(Uid uid, bool closed) {
  const RunRecords* run = records_.Find(uid);
  if (run == nullptr || run->ended != closed) {
    world_.Fail("watchers were told what is not durable");
  }
}

void OutwardChecks::OnAnswer(const log::RunName& name,
                             const std::string& request_id,
                             const absl::Status& status, Uid uid) {
  // Not its details: maps in them are in no fixed order.
  world_.Trace("answer", absl::StrCat(name.run_id, " ", request_id, " ",
                                      static_cast<int>(status.code()), " ",
                                      status.message()));
  const RunRecords* run = records_.Find(name);
  const bool recorded = run != nullptr && run->requests.contains(request_id);
  if (!status.ok()) {
    if (recorded) {
      world_.Fail(absl::StrCat("refused, but recorded: ", request_id, ": ",
                               status.ToString()));
    }
    return;
  }
  if (!recorded) {
    return world_.Fail(
        absl::StrCat("acknowledged, but not recorded: ", request_id));
  }
  if (uid == Uid{}) return;
  auto first = started_.emplace(request_id, uid).first;
  if (first->second != uid || records_.Find(uid) != run) {
    world_.Fail(absl::StrCat("one start, two runs: ", request_id));
  }
}

}  // namespace anabranch::sim
