// Open activities: where each waits, when its time is up, who has it.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

Shard::ActivityRecord* Shard::FindActivity(ActivityId id) {
  auto it = activities_.find(id);
  return it == activities_.end() ? nullptr : &it->second;
}

void Shard::Save(const ActivityRecord& record) {
  batch_.PutActivity(record);
  Touch(Uid{record.uid()});
}

void Shard::Offer(const ActivityRecord& record, Times now) {
  ActivityId id{Uid{record.uid()}, record.info().seq()};
  if (record.info().state() != api::ACTIVITY_STATE_RUNNING) {
    timers_.Disarm({id, TimerKind::kAttemptDeadline});
  }
  if (record.info().state() == api::ACTIVITY_STATE_READY) {
    matcher_.Ready(id, record.info().activity_type());
  } else if (record.info().state() == api::ACTIVITY_STATE_BACKING_OFF) {
    timers_.Arm({id, TimerKind::kBackoff},
                now.steady + FromProto(record.backoff()));
  }
}

void Shard::Grant(const Matcher::Match& match, Times now) {
  ActivityRecord* record = FindActivity(match.id);
  AB_CHECK(record != nullptr);
  Session& session = *match.session;
  TaskToken token{log_.epoch(), match.id, record->info().attempt() + 1};
  core::Grant(*record, {token.ToString(), session.id, session.label}, now.wall);
  session.leases.insert(match.id);
  --session.credit;
  workers_changed_ = true;
  Save(*record);
  const auto& scheduled = record->scheduled();
  timers_.Arm(
      {match.id, TimerKind::kAttemptDeadline},
      now.steady + FromProto(scheduled.options().start_to_close_timeout()));

  api::ServerMessage message;
  auto* task = message.mutable_task();
  task->set_token(record->token());
  task->set_namespace_(record->namespace_());
  task->set_run_id(record->run_id());
  task->set_uid(match.id.uid.ToHex());
  task->set_seq(match.id.seq);
  task->set_attempt(record->info().attempt());
  task->set_activity_type(scheduled.activity_type());
  *task->mutable_input() = scheduled.input();
  *task->mutable_attachments() = scheduled.attachments();
  *task->mutable_start_to_close_timeout() =
      scheduled.options().start_to_close_timeout();
  if (record->has_heartbeat_details()) {
    *task->mutable_heartbeat_details() = record->heartbeat_details();
  }
  Send(session, std::move(message));
}

void Shard::OnDue(const TimerKey& key, Times now) {
  if (key.kind == TimerKind::kRunDeadline) return TimeOutRun(key, now);
  if (key.kind == TimerKind::kFlowTimer) {
    if (auto paused = paused_.find(key.id.uid); paused != paused_.end()) {
      paused->second.push_back(key);
      return;
    }
    if (grace_until_.has_value() && HasAttemptInFlight(key.id.uid)) {
      held_back_.push_back(key);
      return;
    }
    api::HistoryEvent stimulus;
    stimulus.mutable_timer_fired()->set_seq(key.id.seq);
    // A BLOCKED run's timer has fired, too: its mailbox says so.
    batch_.DeleteTimer(key.id.uid, key.id.seq);
    follow_ups_.emplace_back(key.id.uid, std::move(stimulus));
    return;
  }
  ActivityRecord* record = FindActivity(key.id);
  if (record == nullptr) return;
  if (key.kind == TimerKind::kBackoff) {
    core::BackoffOver(*record);
    Save(*record);
    Offer(*record, now);
    return;
  }
  const bool running = record->info().state() == api::ACTIVITY_STATE_RUNNING;
  if (running && grace_until_.has_value()) {
    held_back_.push_back(key);
    return;
  }
  // A result that its worker holds, or may hold, comes first and wins.
  Session* session = sessions_.Find(record->info().session());
  if (running && session != nullptr &&
      (!session->stream.has_value() ||
       session->held_tokens.contains(record->token()))) {
    timers_.Arm(key, now.steady + limits::kSuspectAfter);
    return;
  }
  if (running) TellCancelled(*record, "its time is up");
  if (key.kind == TimerKind::kCloseDeadline) {
    CloseActivity(key.id, core::CloseTimeout(*record), now);
  } else if (running) {
    if (session != nullptr) session->leases.erase(key.id);
    Settle(key.id, core::AttemptTimedOut(*record, random_.NextUnit(), now.wall),
           now);
  }
}

void Shard::Settle(ActivityId id, core::Transition transition, Times now) {
  if (transition.closing.has_value()) {
    CloseActivity(id, *std::move(transition.closing), now);
    return;
  }
  ActivityRecord* record = FindActivity(id);
  AB_CHECK(record != nullptr);
  Save(*record);
  Offer(*record, now);
}

void Shard::CloseActivity(ActivityId id, api::HistoryEvent closing,
                          Times /*now*/) {
  Forget(id);
  follow_ups_.emplace_back(id.uid, std::move(closing));
}

void Shard::Forget(ActivityId id) {
  ActivityRecord* record = FindActivity(id);
  if (record == nullptr) return;
  Session* session = sessions_.Find(record->info().session());
  if (session != nullptr && session->leases.erase(id) > 0) {
    workers_changed_ = true;
  }
  matcher_.Remove(id);
  timers_.Disarm({id, TimerKind::kBackoff});
  timers_.Disarm({id, TimerKind::kAttemptDeadline});
  timers_.Disarm({id, TimerKind::kCloseDeadline});
  batch_.DeleteActivity(id);
  activities_.erase(id);
  Touch(id.uid);
}

void Shard::LoseAttempt(ActivityId id, Times now) {
  ActivityRecord* record = FindActivity(id);
  if (record == nullptr ||
      record->info().state() != api::ACTIVITY_STATE_RUNNING) {
    return;
  }
  Settle(id, core::Lost(*record, random_.NextUnit(), now.wall), now);
}

void Shard::TellCancelled(const ActivityRecord& record,
                          const std::string& reason) {
  Session* session = sessions_.Find(record.info().session());
  if (session == nullptr) return;
  api::ServerMessage message;
  message.mutable_cancel()->set_token(record.token());
  message.mutable_cancel()->set_reason(reason);
  Send(*session, std::move(message));
}

bool Shard::HasAttemptInFlight(Uid uid) const {
  for (auto it = activities_.lower_bound({uid, 0});
       it != activities_.end() && it->first.uid == uid; ++it) {
    if (it->second.info().state() == api::ACTIVITY_STATE_RUNNING) return true;
  }
  return false;
}

void Shard::ArmRecovered(const ActivityRecord& record, Times now) {
  ActivityId id{Uid{record.uid()}, record.info().seq()};
  const auto& options = record.scheduled().options();
  // A clock jump can neither stretch what remains nor make it negative.
  auto left = [&now](const google::protobuf::Timestamp& deadline,
                     absl::Duration whole) {
    return now.steady + std::clamp(FromProto(deadline) - now.wall,
                                   absl::ZeroDuration(), whole);
  };
  if (record.has_close_deadline()) {
    timers_.Arm({id, TimerKind::kCloseDeadline},
                left(record.close_deadline(),
                     FromProto(options.schedule_to_close_timeout())));
  }
  switch (record.info().state()) {
    case api::ACTIVITY_STATE_READY:
      matcher_.Ready(id, record.info().activity_type());
      break;
    case api::ACTIVITY_STATE_BACKING_OFF:
      timers_.Arm(
          {id, TimerKind::kBackoff},
          left(record.info().next_attempt_time(), FromProto(record.backoff())));
      break;
    case api::ACTIVITY_STATE_RUNNING:
      sessions_.Expect(record.info().session(), record.info().worker(), now)
          .leases.insert(id);
      timers_.Arm({id, TimerKind::kAttemptDeadline},
                  left(record.attempt_deadline(),
                       FromProto(options.start_to_close_timeout())));
      break;
    default:
      break;
  }
}

}  // namespace anabranch::shard
