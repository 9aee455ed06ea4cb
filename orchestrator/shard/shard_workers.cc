// Workers: sessions come and go, leases stay, results are recorded once.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

api::ServerMessage Recorded(const std::string& token) {
  api::ServerMessage message;
  message.mutable_recorded()->set_token(token);
  return message;
}

api::ServerMessage Refused(const std::string& token, const char* reason) {
  api::ServerMessage message;
  message.mutable_refused()->set_token(token);
  message.mutable_refused()->set_reason(reason);
  return message;
}

api::Verdict MakeVerdict(const std::string& token, api::VerdictKind kind,
                         const char* reason) {
  api::Verdict verdict;
  verdict.set_token(token);
  verdict.set_kind(kind);
  verdict.set_reason(reason);
  return verdict;
}

// Nobody has told how the attempt ended: see ExpectUsage. What is refused is
// recorded only with what it used, so it never looks like this.
bool IsOnlyExpected(const storage::v1::UsageRecord& usage) {
  return !usage.accepted() && usage.usage_json().empty();
}

// The token of the attempt in hand. There is one.
TaskToken TokenOf(const storage::v1::ActivityRecord& record) {
  const auto token = TaskToken::Parse(record.token());
  AB_CHECK(token.has_value());
  return *token;
}

// The attempt ended only because its worker was thought lost.
bool WasLost(const storage::v1::ActivityRecord& record) {
  return record.info().last_failure().type() == "worker_lost";
}

}  // namespace

void Shard::Send(const Session& session, api::ServerMessage message) {
  if (!session.stream.has_value()) return;
  outgoing_.push_back({*session.stream, std::move(message)});
}

void Shard::On(const WorkerConnected& input, Times now) {
  const api::Hello& hello = input.hello;
  // Streams are numbered as their Hello arrives: one that its successor has
  // overtaken on the way here no longer says what the session does.
  const Session* known = sessions_.Find(hello.session());
  if (known != nullptr && known->stream.has_value() &&
      *known->stream > input.stream) {
    closing_.emplace_back(input.stream,
                          absl::AbortedError("the session has a newer stream"));
    return;
  }
  auto [session, replaced] = sessions_.Connect(input.stream, hello, now);
  if (replaced.has_value()) {
    closing_.emplace_back(*replaced,
                          absl::AbortedError("the session has a newer stream"));
  }
  workers_changed_ = true;
  MarkQueues(*session);
  ReissueUndelivered(*session, hello, now);
  api::ServerMessage message;
  auto* welcome = message.mutable_welcome();
  welcome->set_epoch(std::to_string(log_.epoch().counter));
  *welcome->mutable_beat_interval() = ToProto(limits::kBeatInterval);
  for (const auto& token : hello.running_tokens()) {
    *welcome->add_verdicts() = VerdictOn(*session, token, false, now);
  }
  for (const auto& token : hello.held_tokens()) {
    *welcome->add_verdicts() = VerdictOn(*session, token, true, now);
  }
  Send(*session, std::move(message));
  if (draining_) {
    api::ServerMessage drain;
    drain.mutable_drain()->set_reason("the server is going down");
    Send(*session, std::move(drain));
  }
}

void Shard::ReissueUndelivered(Session& session, const api::Hello& hello,
                               Times now) {
  std::set<std::string> named(hello.running_tokens().begin(),
                              hello.running_tokens().end());
  named.insert(hello.held_tokens().begin(), hello.held_tokens().end());
  for (ActivityId id : std::set<ActivityId>(session.leases)) {
    ActivityRecord* record = FindActivity(id);
    AB_CHECK(record != nullptr);
    if (named.contains(record->token())) continue;
    session.leases.erase(id);
    matcher_.NeverDelivered(id);
    SettleAsReady(id, core::NeverDelivered(*record), now);
  }
}

void Shard::SettleAsReady(ActivityId id, core::Transition transition,
                          Times now) {
  ActivityRecord* record = FindActivity(id);
  if (record->cancel_requested()) {
    Took(transition.row);
    transition = core::CancelRequested(*record);
  }
  Settle(id, std::move(transition), now);
}

void Shard::MarkQueues(const Session& session) {
  for (const std::string& queue : session.queues) matcher_.MarkChanged(queue);
}

api::Verdict Shard::VerdictOn(Session& session, const std::string& token,
                              bool held, Times now) {
  auto forget = [&](api::VerdictKind kind, const char* reason) {
    session.held_tokens.erase(token);
    return MakeVerdict(token, kind, reason);
  };
  auto parsed = TaskToken::Parse(token);
  ActivityRecord* record =
      parsed.has_value() ? FindActivity(parsed->activity) : nullptr;
  if (record == nullptr) {
    return held ? forget(api::VERDICT_KIND_RECORDED, "the activity is closed")
                : forget(api::VERDICT_KIND_DROP, "the activity is closed");
  }
  if (!core::TokenIsCurrent(*record, token) ||
      record->info().session() != session.id) {
    return forget(api::VERDICT_KIND_DROP, "the attempt is stale");
  }
  const ActivityId id = parsed->activity;
  if (record->info().state() != api::ACTIVITY_STATE_RUNNING) {
    // Its failure is recorded: only our answer was lost.
    if (WasTold(*parsed).has_value()) {
      return forget(api::VERDICT_KIND_RECORDED, "the failure is recorded");
    }
    // Ended by its time, not by a loss: only a finished result still counts.
    if (!held && !WasLost(*record)) {
      return forget(api::VERDICT_KIND_DROP, "the attempt's time is up");
    }
    matcher_.Remove(id);
    matcher_.Running(id, DemandOf(*record));
    timers_.Disarm({id, TimerKind::kBackoff});
    Took(core::TakenUpAgain(*record, session.id).row);
    timers_.Arm({id, TimerKind::kAttemptDeadline},
                now.steady +
                    std::max(absl::ZeroDuration(),
                             FromProto(record->attempt_deadline()) - now.wall));
    Save(*record);
  }
  session.leases.insert(id);
  // Without a stream it could send none.
  ArmHeartbeat(*record, now);
  if (record->cancel_requested() && !held) {
    return MakeVerdict(token, api::VERDICT_KIND_CANCEL, "cancelled by its run");
  }
  return MakeVerdict(token, api::VERDICT_KIND_KEEP, "");
}

void Shard::On(const WorkerFrame& input, Times now) {
  Session* session = sessions_.ByStream(input.stream);
  if (session == nullptr) return;
  sessions_.Heard(*session, now);
  for (const auto& message : input.messages) OnMessage(*session, message, now);
}

void Shard::OnMessage(Session& session, const api::WorkerMessage& message,
                      Times now) {
  switch (message.kind_case()) {
    case api::WorkerMessage::kCredit:
      session.credit =
          std::min(session.slots, session.credit + message.credit().count());
      break;
    case api::WorkerMessage::kTaskAccepted: {
      auto token = TaskToken::Parse(message.task_accepted().token());
      ActivityRecord* record =
          token.has_value() ? FindActivity(token->activity) : nullptr;
      if (record != nullptr &&
          core::TokenIsCurrent(*record, message.task_accepted().token())) {
        record->set_accepted(true);
      }
      break;
    }
    case api::WorkerMessage::kHeartbeat:
      OnHeartbeat(message.heartbeat(), now);
      break;
    case api::WorkerMessage::kCompleted:
      OnCompleted(session, message.completed(), now);
      break;
    case api::WorkerMessage::kFailed:
      OnFailed(session, message.failed(), now);
      break;
    case api::WorkerMessage::kLeaving:
      session.leaving = true;
      session.credit = 0;
      workers_changed_ = true;
      break;
    default:
      // Beats say nothing more; the RPC layer keeps the rest away.
      break;
  }
}

void Shard::CountUsage(const ActivityRecord& record,
                       const std::string& usage_json) {
  const TaskToken token = TokenOf(record);
  // Whatever a worker says twice, its attempt counts once. One that runs has
  // told nothing yet, and costs no look into the store.
  const bool runs = record.info().state() == api::ACTIVITY_STATE_RUNNING;
  if (!runs && WasTold(token).has_value()) return;
  if (!usage_json.empty()) {
    if (options_.observer != nullptr) options_.observer->Used(usage_json);
    new_usage_[token.activity.uid].push_back(usage_json);
  }
  storage::v1::UsageRecord usage;
  usage.set_usage_json(usage_json);
  usage.set_accepted(true);
  batch_.PutUsage(token, usage);
  new_told_[token] = true;
  Touch(token.activity.uid);
}

std::optional<bool> Shard::WasTold(const TaskToken& token) {
  if (auto it = new_told_.find(token); it != new_told_.end()) {
    return it->second;
  }
  auto usage = store_.ReadUsageOf(token);
  AB_CHECK_MSG(usage.ok(), std::string(usage.status().message()));
  if (!usage->has_value() || IsOnlyExpected(**usage)) return std::nullopt;
  return (*usage)->accepted();
}

void Shard::ExpectUsage(const ActivityRecord& record) {
  const TaskToken token = TokenOf(record);
  if (new_told_.contains(token)) return;
  batch_.PutUsage(token, storage::v1::UsageRecord());
  new_untold_.insert(token);
}

bool Shard::WasGranted(const TaskToken& token) {
  if (new_untold_.contains(token)) return true;
  auto usage = store_.ReadUsageOf(token);
  AB_CHECK_MSG(usage.ok(), std::string(usage.status().message()));
  return usage->has_value() && IsOnlyExpected(**usage);
}

bool Shard::RunExists(Uid uid) {
  if (deleting_.contains(uid)) return false;
  if (runs_.Find(uid) != nullptr) return true;
  auto status = runs_.ReadStatus(uid);
  AB_CHECK_MSG(status.ok(), std::string(status.status().message()));
  return status->has_value();
}

Shard::ActivityRecord* Shard::Claim(Session& session, const std::string& token,
                                    const std::string& usage_json) {
  session.held_tokens.erase(token);
  auto parsed = TaskToken::Parse(token);
  if (!parsed.has_value()) {
    Send(session, Refused(token, "this token was never issued"));
    return nullptr;
  }
  ActivityRecord* record = FindActivity(parsed->activity);
  if (record != nullptr && core::TokenIsCurrent(*record, token)) return record;
  if (auto accepted = WasTold(*parsed)) {
    // Told before: the answer was lost, not the result.
    Send(session,
         *accepted ? Recorded(token) : Refused(token, "the attempt is stale"));
    return nullptr;
  }
  Send(session, Refused(token, "the attempt is stale"));
  if (!usage_json.empty() && RunExists(parsed->activity.uid) &&
      WasGranted(*parsed)) {
    // What was used counts, even for a result that nobody wants; but nobody can
    // count for an attempt that there never was.
    storage::v1::UsageRecord refused;
    refused.set_usage_json(usage_json);
    batch_.PutUsage(*parsed, refused);
    new_told_[*parsed] = false;
    CountFor(parsed->activity.uid, usage_json);
  }
  return nullptr;
}

void Shard::OnCompleted(Session& session, const api::Completed& completed,
                        Times now) {
  ActivityRecord* record =
      Claim(session, completed.token(), completed.usage_json());
  if (record == nullptr) return;
  CountUsage(*record, completed.usage_json());
  Send(session, Recorded(completed.token()));
  Settle({Uid{record->uid()}, record->info().seq()},
         core::Result(*record, completed.result(), completed.usage_json()),
         now);
}

void Shard::OnFailed(Session& session, const api::Failed& failed, Times now) {
  ActivityRecord* record = Claim(session, failed.token(), failed.usage_json());
  if (record == nullptr) return;
  Send(session, Recorded(failed.token()));
  const ActivityId id{Uid{record->uid()}, record->info().seq()};
  CountUsage(*record, failed.usage_json());
  // An attempt that was given up already: its failure changes nothing.
  if (record->info().state() != api::ACTIVITY_STATE_RUNNING) return;
  session.leases.erase(id);
  workers_changed_ = true;
  if (core::TimedOutBefore(*record)) {
    // Taken up again for what its worker held, which might have been a result.
    SettleAsReady(id, core::GivenUpAgain(*record, now.wall), now);
    return;
  }
  core::AttemptFailure failure;
  failure.failure = failed.failure();
  core::ForEachPayload(failure.failure, [this, id](api::Payload& payload) {
    Keep(id.uid, payload);
  });
  if (failed.has_next_delay()) {
    failure.next_delay =
        std::clamp(FromProto(failed.next_delay()), absl::ZeroDuration(),
                   limits::kWorkerDelayMax);
  }
  failure.u = random_.NextUnit();
  failure.usage_json = failed.usage_json();
  Settle(id, core::AttemptFailed(*record, failure, now.wall), now);
}

void Shard::On(const WorkerDisconnected& input, Times now) {
  const Session* session = sessions_.ByStream(input.stream);
  if (session != nullptr) MarkQueues(*session);
  sessions_.Disconnect(input.stream, now);
  workers_changed_ = true;
}

void Shard::On(const DrainWorkers& input, Times /*now*/) {
  draining_ = true;
  for (auto& [id, session] : sessions_.all()) {
    api::ServerMessage message;
    message.mutable_drain()->set_reason(input.reason);
    Send(session, std::move(message));
  }
}

void Shard::LoseExpired(Times now) {
  if (grace_until_.has_value()) return;
  for (const std::string& id : sessions_.Expired(now)) {
    Session* session = sessions_.Find(id);
    if (session->stream.has_value()) {
      closing_.emplace_back(
          *session->stream,
          absl::DeadlineExceededError("nothing was heard for too long"));
    }
    MarkQueues(*session);
    std::set<ActivityId> leases = session->leases;
    sessions_.Remove(id);
    for (ActivityId activity : leases) LoseAttempt(activity, now);
    workers_changed_ = true;
  }
}

void Shard::UpdateGrace(Times now) {
  if (last_tick_.has_value()) {
    absl::Duration gap = now.steady - last_tick_->steady;
    absl::Duration jump = (now.wall - last_tick_->wall) - gap;
    bool leased = std::any_of(
        sessions_.all().begin(), sessions_.all().end(),
        [](const auto& entry) { return !entry.second.leases.empty(); });
    if (leased && (gap > limits::kTimeGap || jump > limits::kTimeGap ||
                   -jump > limits::kTimeGap)) {
      sessions_.BeginGrace(now);
      grace_until_ = now.steady + limits::kRecoveryGrace;
    }
  }
  last_tick_ = now;
  if (!grace_until_.has_value()) return;
  if (now.steady < *grace_until_ && !sessions_.GraceFulfilled()) return;
  grace_until_.reset();
  ArmHeldBack(now);
}

}  // namespace anabranch::shard
