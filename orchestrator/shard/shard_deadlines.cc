// What the time does to activities: retries that are due, the four timeouts,
// and heartbeats, which put one of them off.
//
// A timeout is not decided while its attempt's worker may not have been heard:
// in the recovery grace, and while its session's stream is gone.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

// What heartbeats leave is recorded at most this often: what a crash can take
// away is no older, and a busy activity does not write with each beat.
constexpr absl::Duration kHeartbeatRecordInterval = absl::Seconds(1);

}  // namespace

void Shard::OnDue(const TimerKey& key, Times now) {
  if (key.kind == TimerKind::kRunDeadline) {
    TimeOutRun(key, now);
    return;
  }
  if (key.kind == TimerKind::kFlowTimer) {
    OnFlowTimerDue(key);
    return;
  }
  ActivityRecord* record = FindActivity(key.id);
  if (record != nullptr) OnActivityDue(key, *record, now);
}

void Shard::OnFlowTimerDue(const TimerKey& key) {
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
}

void Shard::OnActivityDue(const TimerKey& key, ActivityRecord& record,
                          Times now) {
  switch (key.kind) {
    case TimerKind::kBackoff:
      Settle(key.id, core::BackoffOver(record), now);
      return;
    case TimerKind::kHeartbeatRecord:
      if (!unrecorded_heartbeats_.contains(key.id)) return;
      Save(record);
      timers_.Arm(key, now.steady + kHeartbeatRecordInterval);
      return;
    case TimerKind::kStartDeadline:
      if (grace_until_.has_value()) {
        // Workers are still coming back: one of them may take it.
        held_back_.push_back(key);
      } else if (paused_.contains(key.id.uid)) {
        // Nobody may take it: the wait begins anew, for a restart, too.
        const absl::Duration wait =
            FromProto(record.scheduled().options().schedule_to_start_timeout());
        *record.mutable_start_deadline() = ToProto(now.wall + wait);
        Save(record);
        timers_.Arm(key, now.steady + wait);
      } else {
        Settle(key.id, core::StartTimedOut(record), now);
      }
      return;
    default:
      OnTimeUp(key, record, now);
  }
}

void Shard::OnTimeUp(const TimerKey& key, ActivityRecord& record, Times now) {
  const bool running = record.info().state() == api::ACTIVITY_STATE_RUNNING;
  if (running && grace_until_.has_value()) {
    held_back_.push_back(key);
    return;
  }
  // A result that its worker holds, or may hold, comes first and wins.
  Session* session = sessions_.Find(record.info().session());
  if (running && session != nullptr &&
      (!session->stream.has_value() ||
       session->held_tokens.contains(record.token()))) {
    timers_.Arm(key, now.steady + limits::kSuspectAfter);
    return;
  }
  if (running) TellCancelled(record, "its time is up");
  if (key.kind == TimerKind::kCloseDeadline) {
    Settle(key.id, core::CloseTimedOut(record), now);
    return;
  }
  if (!running) return;
  if (session != nullptr) session->leases.erase(key.id);
  workers_changed_ = true;
  ExpectUsage(record);
  auto type = key.kind == TimerKind::kHeartbeatDeadline
                  ? api::TIMEOUT_TYPE_HEARTBEAT
                  : api::TIMEOUT_TYPE_START_TO_CLOSE;
  Settle(key.id,
         core::AttemptTimedOut(record, type, random_.NextUnit(), now.wall),
         now);
}

void Shard::OnHeartbeat(const api::Heartbeat& heartbeat, Times now) {
  auto token = TaskToken::Parse(heartbeat.token());
  ActivityRecord* record =
      token.has_value() ? FindActivity(token->activity) : nullptr;
  if (record == nullptr ||
      record->info().state() != api::ACTIVITY_STATE_RUNNING ||
      !core::TokenIsCurrent(*record, heartbeat.token())) {
    return;
  }
  ArmHeartbeat(*record, now);
  api::Payload details = heartbeat.details();
  Keep(token->activity.uid, details);
  if (!core::Heartbeat(*record, details, now.wall)) return;
  const TimerKey recorded{token->activity, TimerKind::kHeartbeatRecord};
  if (timers_.IsArmed(recorded)) {
    unrecorded_heartbeats_.insert(token->activity);
    return;
  }
  Save(*record);
  timers_.Arm(recorded, now.steady + kHeartbeatRecordInterval);
}

void Shard::ArmHeartbeat(const ActivityRecord& record, Times now) {
  const auto& options = record.scheduled().options();
  if (!options.has_heartbeat_timeout()) return;
  timers_.Arm(
      {{Uid{record.uid()}, record.info().seq()}, TimerKind::kHeartbeatDeadline},
      now.steady + FromProto(options.heartbeat_timeout()));
}

void Shard::ArmHeldBack(Times now) {
  for (const TimerKey& key : std::exchange(held_back_, {})) {
    // Armed meanwhile: for another attempt, whose time is not up.
    if (timers_.IsArmed(key)) continue;
    const ActivityRecord* record = FindActivity(key.id);
    if (key.kind == TimerKind::kHeartbeatDeadline && record != nullptr) {
      // Its worker is back, and has had no time to send one.
      ArmHeartbeat(*record, now);
    } else {
      timers_.Arm(key, now.steady);
    }
  }
}

void Shard::ArmRecovered(const ActivityRecord& record, Times now) {
  const ActivityId id{Uid{record.uid()}, record.info().seq()};
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
  if (record.has_start_deadline()) {
    timers_.Arm({id, TimerKind::kStartDeadline},
                left(record.start_deadline(),
                     FromProto(options.schedule_to_start_timeout())));
  }
  switch (record.info().state()) {
    case api::ACTIVITY_STATE_READY:
      matcher_.Ready(id, DemandOf(record));
      break;
    case api::ACTIVITY_STATE_BACKING_OFF:
      timers_.Arm(
          {id, TimerKind::kBackoff},
          left(record.info().next_attempt_time(), FromProto(record.backoff())));
      break;
    case api::ACTIVITY_STATE_RUNNING:
      sessions_.Expect(record.info().session(), record.info().worker(), now)
          .leases.insert(id);
      matcher_.Running(id, DemandOf(record));
      timers_.Arm({id, TimerKind::kAttemptDeadline},
                  left(record.attempt_deadline(),
                       FromProto(options.start_to_close_timeout())));
      // Nobody was there to hear the heartbeats meanwhile: the whole time.
      ArmHeartbeat(record, now);
      break;
    default:
      break;
  }
}

}  // namespace anabranch::shard
