// Open activities: where each waits, who has it, how it ends.
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

ActivityId IdOf(const storage::v1::ActivityRecord& record) {
  return {Uid{record.uid()}, record.info().seq()};
}

}  // namespace

Shard::ActivityRecord* Shard::FindActivity(ActivityId id) {
  auto it = activities_.find(id);
  return it == activities_.end() ? nullptr : &it->second;
}

void Shard::Took(core::ActivityRow row) const {
  if (options_.on_activity_row) options_.on_activity_row(row);
  if (options_.observer != nullptr) options_.observer->Moved(row);
}

void Shard::Save(const ActivityRecord& record) {
  batch_.PutActivity(record);
  unrecorded_heartbeats_.erase(IdOf(record));
  Touch(Uid{record.uid()});
}

void Shard::ScheduleActivity(const LiveRun& run, const api::HistoryEvent& event,
                             Times now) {
  const auto& scheduled = event.activity_scheduled();
  const ActivityId id{run.state.uid, scheduled.seq()};
  ActivityRecord& record = activities_[id] =
      core::NewActivity(scheduled, id.uid, FromProto(event.event_time()));
  record.set_namespace_(run.name.ns);
  record.set_run_id(run.name.run_id);
  const auto& options = scheduled.options();
  if (record.has_close_deadline()) {
    timers_.Arm({id, TimerKind::kCloseDeadline},
                now.steady + FromProto(options.schedule_to_close_timeout()));
  }
  if (record.has_start_deadline()) {
    timers_.Arm({id, TimerKind::kStartDeadline},
                now.steady + FromProto(options.schedule_to_start_timeout()));
  }
  Save(record);
  Offer(record, now);
}

void Shard::Offer(const ActivityRecord& record, Times now) {
  const ActivityId id = IdOf(record);
  if (record.info().state() != api::ACTIVITY_STATE_RUNNING) {
    timers_.Disarm({id, TimerKind::kAttemptDeadline});
    timers_.Disarm({id, TimerKind::kHeartbeatDeadline});
    matcher_.Ended(id);
  }
  if (record.info().state() == api::ACTIVITY_STATE_READY) {
    matcher_.Ready(id, DemandOf(record));
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
  Took(core::Grant(*record, {token.ToString(), session.id, session.label},
                   now.wall)
           .row);
  if (options_.observer != nullptr) options_.observer->Granted(record->info());
  session.leases.insert(match.id);
  --session.credit;
  workers_changed_ = true;
  Save(*record);
  const auto& options = record->scheduled().options();
  timers_.Disarm({match.id, TimerKind::kStartDeadline});
  timers_.Arm({match.id, TimerKind::kAttemptDeadline},
              now.steady + FromProto(options.start_to_close_timeout()));
  ArmHeartbeat(*record, now);
  SendTask(session, *record);
}

void Shard::SendTask(const Session& session, const ActivityRecord& record) {
  const auto& scheduled = record.scheduled();
  const auto& options = scheduled.options();
  api::ServerMessage message;
  auto* task = message.mutable_task();
  task->set_token(record.token());
  task->set_namespace_(record.namespace_());
  task->set_run_id(record.run_id());
  task->set_uid(Uid{record.uid()}.ToHex());
  task->set_seq(record.info().seq());
  task->set_attempt(record.info().attempt());
  task->set_activity_type(scheduled.activity_type());
  task->set_task_queue(options.task_queue());
  *task->mutable_input() = scheduled.input();
  *task->mutable_attachments() = scheduled.attachments();
  *task->mutable_start_to_close_timeout() = options.start_to_close_timeout();
  if (options.has_heartbeat_timeout()) {
    *task->mutable_heartbeat_timeout() = options.heartbeat_timeout();
  }
  if (const auto* details = core::HeartbeatDetails(record)) {
    *task->mutable_heartbeat_details() = *details;
  }
  Send(session, std::move(message));
}

void Shard::Settle(ActivityId id, core::Transition transition, Times now) {
  Took(transition.row);
  if (transition.closing.has_value()) {
    CloseActivity(id, *std::move(transition.closing), now);
    return;
  }
  ActivityRecord* record = FindActivity(id);
  AB_CHECK(record != nullptr);
  Save(*record);
  Offer(*record, now);
}

void Shard::CancelActivity(ActivityId id, Times now) {
  ActivityRecord* record = FindActivity(id);
  if (record == nullptr) return;
  core::Transition transition = core::CancelRequested(*record);
  if (!transition.closing.has_value()) {
    TellCancelled(*record, "cancelled by its run");
  }
  Settle(id, std::move(transition), now);
}

int Shard::ReleaseParked(Uid uid, Times now) {
  int released = 0;
  for (auto it = activities_.lower_bound({uid, 0});
       it != activities_.end() && it->first.uid == uid; ++it) {
    auto transition = core::Released(it->second);
    if (!transition.has_value()) continue;
    timers_.Disarm({it->first, TimerKind::kBackoff});
    Settle(it->first, *std::move(transition), now);
    ++released;
  }
  return released;
}

void Shard::CloseActivity(ActivityId id, api::HistoryEvent closing,
                          Times /*now*/) {
  Forget(id);
  follow_ups_.emplace_back(id.uid, std::move(closing));
}

void Shard::Forget(ActivityId id) {
  ActivityRecord* record = FindActivity(id);
  if (record == nullptr) return;
  if (record->info().state() == api::ACTIVITY_STATE_RUNNING) {
    ExpectUsage(*record);
  }
  Session* session = sessions_.Find(record->info().session());
  if (session != nullptr && session->leases.erase(id) > 0) {
    workers_changed_ = true;
  }
  matcher_.Remove(id);
  matcher_.Ended(id);
  timers_.DisarmActivity(id);
  unrecorded_heartbeats_.erase(id);
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
  ExpectUsage(*record);
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

}  // namespace anabranch::shard
