#include "tests/sim/outward_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"

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
  if (world_.disk_full) {
    return world_.Fail("a task was granted while the disk was full");
  }
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
  if (task.heartbeat_details().SerializeAsString() !=
      record->second.info().heartbeat_details().SerializeAsString()) {
    return world_.Fail(absl::StrCat(
        "a task is not told what the attempts before left: ", task.token()));
  }
  epochs_.insert(token->epoch);
  // Whatever was carried out before must have ended, on record.
  for (const Execution& execution : ledger_.Of(token->activity)) {
    // What followed the copy of a restored store is on no record.
    if (void_epochs_.contains(TaskToken::Parse(execution.token)->epoch)) {
      continue;
    }
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
  const bool deleted =
      parsed.has_value() &&
      (records_.contents().deleting.contains(parsed->activity.uid) ||
       records_.contents().deleted.contains(parsed->activity.uid));
  if (deleted) return;  // a repeated result, and its run went in the same round
  if (run == nullptr) return world_.Fail("Recorded for no durable run");
  const bool durable = run->usage.contains(*parsed) ||
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

void OutwardChecks::OnRestored() {
  started_.clear();
  void_epochs_ = epochs_;
}

void OutwardChecks::OnAnswer(const Answer& answer) {
  // Not its details: maps in them are in no fixed order.
  world_.Trace("answer",
               absl::StrCat(answer.name.run_id, " ", answer.request_id, " ",
                            static_cast<int>(answer.status.code()), " ",
                            answer.status.message()));
  const RunRecords* run = records_.Find(answer.name);
  const bool recorded = records_.Recorded(answer.name, answer.request_id);
  if (!answer.status.ok()) {
    // After a restore a signal may come before its start is repeated, and again
    // after that, all in one round.
    const bool void_now = world_.restores > 0 &&
                          answer.status.code() == absl::StatusCode::kNotFound;
    // Refused before a retry, and said again after it.
    const bool retried = records_.Chain(answer.name).size() > 1 &&
                         ErrorReason(answer.status) == "RUN_CLOSED";
    if (recorded && !void_now && !retried) {
      world_.Fail(absl::StrCat("refused, but recorded: ", answer.request_id,
                               ": ", answer.status.ToString()));
    }
    return;
  }
  const bool found = answer.uid != Uid{} && !answer.created && run != nullptr;
  if (!recorded && !found) {
    return world_.Fail(
        absl::StrCat("acknowledged, but not recorded: ", answer.request_id));
  }
  // Asked again, even long after, it must get the same answer.
  if (!found &&
      !records_.contents().dedups.contains({answer.name, answer.request_id})) {
    return world_.Fail(
        absl::StrCat("acknowledged, and forgotten: ", answer.request_id));
  }
  if (answer.uid == Uid{}) return;
  // Of a run that has gone on, any generation may be named, but never an
  // earlier one than before.
  const auto& chain = records_.Chain(answer.name);
  auto first = started_.emplace(answer.name, answer.uid).first;
  auto place = std::find(chain.begin(), chain.end(), answer.uid);
  if (place == chain.end() ||
      place < std::find(chain.begin(), chain.end(), first->second)) {
    world_.Fail(absl::StrCat("one start, two runs: ", answer.request_id));
  }
  first->second = answer.uid;
}

}  // namespace anabranch::sim
