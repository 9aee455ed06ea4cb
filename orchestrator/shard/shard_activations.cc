// One stimulus, one activation: decided, applied, drained, recorded.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/sha256.h"
#include "orchestrator/core/decide.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/replay/replay.h"
#include "orchestrator/shard/shard.h"
#include "sdk/markers.h"

namespace anabranch::shard {

using storage::v1::ActivationRecord;

void Shard::Stimulate(Uid uid, api::HistoryEvent stimulus, Times now) {
  auto loaded = runs_.Load(uid);
  AB_CHECK_MSG(loaded.ok(), std::string(loaded.status().message()));
  LiveRun* run = *loaded;
  if (run == nullptr || run->state.closed()) return;
  Touch(uid);
  core::ForEachPayload(
      stimulus, [this, uid](api::Payload& payload) { Keep(uid, payload); });
  if (std::find(postponed_.begin(), postponed_.end(), uid) !=
      postponed_.end()) {
    // Its turn to begin comes; what is sent to it meanwhile comes after that.
    return PutTakeableMail(*run, std::move(stimulus));
  }
  // What came before goes in before, and may end this generation.
  if (run->flow != nullptr) TakeMail(*run, now);
  if (run->state.closed()) return PassOn(*run, std::move(stimulus), now);
  if (stimulus.has_run_started()) {
    const auto* crash = crashes_.FindDeadly(uid, &stimulus);
    if (crash != nullptr) runs_.BlockCrashed(*run, *crash);
  }
  if (run->flow == nullptr) {
    // Its time is now, whenever a good build takes it in.
    *stimulus.mutable_event_time() = ToProto(now.wall);
    PutMail(*run, std::move(stimulus));
  } else {
    Activate(*run, std::move(stimulus), now);
  }
}

void Shard::TakeMail(LiveRun& run, Times now) {
  auto mail = std::exchange(run.takeable_mail, {});
  run.signals_behind.clear();
  for (const auto& entry : mail) {
    const api::HistoryEvent& stimulus = entry.record.stimulus();
    if (stimulus.has_signal_received()) {
      run.signals_behind.push_back(stimulus.signal_received());
    }
  }
  for (auto& entry : mail) {
    const api::RunState state = run.state.run.state();
    // What is left when a run goes wrong waits for RetryRun.
    if (run.state.closed() && state != api::RUN_STATE_COMPLETED &&
        state != api::RUN_STATE_CANCELLED &&
        state != api::RUN_STATE_CONTINUED_AS_NEW) {
      break;
    }
    batch_.DeleteMailbox(run.state.uid, entry.n);
    run.mailbox_first = entry.n + 1;
    api::HistoryEvent stimulus = std::move(*entry.record.mutable_stimulus());
    if (run.state.closed()) {
      // Its end has listed the signals among them.
      if (!stimulus.has_signal_received()) {
        PassOn(run, std::move(stimulus), now);
      }
      continue;
    }
    if (stimulus.has_signal_received()) run.signals_behind.pop_front();
    if (run.flow != nullptr) {
      Activate(run, std::move(stimulus), now);
    } else {
      // The build broke down on the way: the rest waits on, in order.
      PutMail(run, std::move(stimulus));
    }
  }
  run.signals_behind.clear();
}

void Shard::PassOn(const LiveRun& run, api::HistoryEvent stimulus, Times now) {
  // What its activities, timers and children come to is of no use any more.
  if (!stimulus.has_signal_received() && !stimulus.has_cancel_requested()) {
    return;
  }
  absl::Status passed = StimulateCurrent(run.name, std::move(stimulus), now);
  AB_CHECK_MSG(passed.ok(), std::string(passed.message()));
}

void Shard::PutTakeableMail(LiveRun& run, api::HistoryEvent stimulus) {
  log::StoreReader::MailboxEntry mail;
  mail.n = run.mailbox_next;
  *mail.record.mutable_stimulus() = stimulus;
  PutMail(run, std::move(stimulus));
  run.takeable_mail.push_back(std::move(mail));
}

void Shard::PutMail(LiveRun& run, api::HistoryEvent stimulus) {
  storage::v1::MailboxRecord record;
  *record.mutable_stimulus() = std::move(stimulus);
  batch_.PutMailbox(run.state.uid, run.mailbox_next++, record);
}

void Shard::Activate(LiveRun& run, api::HistoryEvent stimulus, Times now) {
  absl::Time time = std::max(now.wall, run.state.last_time);
  if (stimulus.has_timer_fired()) {
    auto timer = run.state.open_timers.find(stimulus.timer_fired().seq());
    if (timer == run.state.open_timers.end()) return;
    time = std::max(time, FromProto(timer->second.fire_time()));
  }
  if (run.state.run.has_pause()) {
    run.pause_reason = run.state.run.pause().reason();
  }
  api::HistoryEvent unsent = stimulus;
  stimulus.set_event_id(run.state.last_event_id + 1);
  stimulus.set_activation(stimulus.event_id());
  *stimulus.mutable_event_time() = ToProto(time);
  stimulus.set_build_id(flows_.build_id());
  if (stimulus.event_id() > limits::kContinueAsNewSuggestedEvents) {
    stimulus.set_internal_flags(stimulus.internal_flags() |
                                sdk::kFlagContinueAsNewSuggested);
  }
  ActivationRecord record;
  AppendEvent(run, std::move(stimulus), record);
  Deliver(run, record.events(0));
  if (DrainCommands(run, record)) {
    for (auto& line : run.flow->TakeLogLines()) {
      flow_log_.push_back({run.name, std::move(line)});
    }
    const bool begins = record.events(0).has_run_started();
    Record(run, std::move(record), now);
    if (begins && !run.state.closed() && paused_.contains(run.state.uid)) {
      // The generation before was paused.
      api::HistoryEvent pause;
      pause.mutable_run_paused()->set_reason(run.pause_reason);
      AppendAdministrative(run, std::move(pause), now);
    }
    return;
  }
  const bool threw = !run.flow->exception().empty();
  const std::string report = BreakdownReport(run, record.events(0).event_id());
  runs_.EndFlow(run, record.events(0));
  absl::Status blocked = runs_.Block(
      run,
      threw ? v1::BLOCKED_REASON_FLOW_ERROR : v1::BLOCKED_REASON_FLOW_STUCK,
      report);
  AB_CHECK_MSG(blocked.ok(), std::string(blocked.message()));
  PutMail(run, std::move(unsent));
}

std::string Shard::BreakdownReport(const LiveRun& run, int64_t event_id) const {
  if (run.flow->exception().empty()) {
    return absl::StrCat("the flow asked for more than ",
                        limits::kActivationCommandsMax,
                        " things or bytes without end in one activation, "
                        "at event ",
                        event_id);
  }
  const replay::ReplayInput input{
      .run = absl::StrCat(run.name.ns, "/", run.name.run_id),
      .flow = flows_.Find(run.state.run.flow()),
      .build_id = flows_.build_id()};
  return replay::ExceptionReport(input, event_id, run.flow->exception());
}

void Shard::Deliver(LiveRun& run, const api::HistoryEvent& event) {
  crashes_.Switch(run.state.uid, run.name, run.state.run.flow());
  replay::InFlow in_flow(&crashes_, event);
  run.flow->Deliver(event);
}

bool Shard::DrainCommands(LiveRun& run, ActivationRecord& record) {
  sdk::FlowInstance& flow = *run.flow;
  const absl::Time time = run.state.last_time;
  int64_t bytes = 0;
  while (flow.exception().empty() && !flow.stuck()) {
    auto command = flow.TakeCommand();
    if (!command.has_value()) return true;
    core::FlowFacts facts;
    if (core::IsClosing(*command)) {
      facts.unread_signals = flow.UnreadSignals();
      // Acknowledged, too.
      facts.unread_signals.insert(facts.unread_signals.end(),
                                  run.signals_behind.begin(),
                                  run.signals_behind.end());
    }
    api::HistoryEvent event =
        core::DecideCommand(run.state, *command, facts, time);
    if (event.has_run_continued_as_new()) {
      event.mutable_run_continued_as_new()->set_uid(NewUid().ToHex());
    }
    event.set_event_id(run.state.last_event_id + 1);
    event.set_activation(record.events(0).event_id());
    *event.mutable_event_time() = record.events(0).event_time();
    core::ForEachPayload(event, [this, &run](api::Payload& payload) {
      Keep(run.state.uid, payload);
    });
    bytes += static_cast<int64_t>(event.ByteSizeLong());
    AppendEvent(run, std::move(event), record);
    if (record.events_size() > limits::kActivationCommandsMax ||
        bytes > limits::kActivationBytesMax) {
      return false;
    }
    const auto& appended = record.events(record.events_size() - 1);
    if (core::ConcernsFlow(appended)) Deliver(run, appended);
  }
  return false;
}

void Shard::AppendEvent(LiveRun& run, api::HistoryEvent event,
                        ActivationRecord& record) {
  run.state.Apply(event);
  *record.add_events() = std::move(event);
}

void Shard::Record(LiveRun& run, ActivationRecord record, Times now) {
  Touch(run.state.uid);
  if (options_.observer != nullptr) options_.observer->Activated(record);
  batch_.PutActivation(run.state.uid, record);
  for (const auto& event : record.events()) FollowEvent(run, event, now);
  run.undurable.push_back(std::move(record));
  if (!run.state.closed()) return;
  const bool paused = paused_.contains(run.state.uid);
  const auto& events = run.undurable.back().events();
  const api::HistoryEvent& last = *events.rbegin();
  if (last.has_run_continued_as_new()) {
    const auto next = Uid::FromHex(last.run_continued_as_new().uid());
    const auto deaths = crashes_.HandOn(run.state.uid, next.value_or(Uid{}));
    if (deaths.has_value()) batch_.PutFlowCrash(*deaths);
  }
  CloseRun(run);
  if (last.has_run_continued_as_new()) {
    ContinueAsNew(run, last.run_continued_as_new(), paused, now);
  }
}

void Shard::FollowEvent(LiveRun& run, const api::HistoryEvent& event,
                        Times now) {
  const Uid uid = run.state.uid;
  switch (event.attributes_case()) {
    case api::HistoryEvent::kActivityScheduled:
      ScheduleActivity(run, event, now);
      break;
    case api::HistoryEvent::kActivityCancelRequested:
      CancelActivity({uid, event.activity_cancel_requested().activity_seq()},
                     now);
      break;
    case api::HistoryEvent::kTimerStarted: {
      const auto& started = event.timer_started();
      storage::v1::TimerRecord record;
      record.set_uid(uid.value);
      record.set_seq(started.seq());
      *record.mutable_fire_time() = started.fire_time();
      *record.mutable_duration() = started.duration();
      batch_.PutTimer(record);
      timers_.Arm({{uid, started.seq()}, TimerKind::kFlowTimer},
                  now.steady + FromProto(started.duration()));
      break;
    }
    case api::HistoryEvent::kTimerCancelled:
      timers_.Disarm(
          {{uid, event.timer_cancelled().timer_seq()}, TimerKind::kFlowTimer});
      batch_.DeleteTimer(uid, event.timer_cancelled().timer_seq());
      break;
    case api::HistoryEvent::kTimerFired:
      batch_.DeleteTimer(uid, event.timer_fired().seq());
      break;
    case api::HistoryEvent::kRunPaused:
      HoldRun(uid);
      break;
    case api::HistoryEvent::kRunResumed:
      LetRunGo(uid, now);
      break;
    case api::HistoryEvent::kChildScheduled:
      ScheduleChild(run, event.child_scheduled());
      break;
    case api::HistoryEvent::kChildCancelRequested:
      CancelChild(uid, event.child_cancel_requested().child_seq());
      break;
    default:
      break;
  }
}

void Shard::CloseRun(LiveRun& run) {
  const Uid uid = run.state.uid;
  std::vector<ActivityId> open;
  for (auto it = activities_.lower_bound({uid, 0});
       it != activities_.end() && it->first.uid == uid; ++it) {
    open.push_back(it->first);
  }
  for (ActivityId id : open) {
    const ActivityRecord& record = activities_[id];
    // Who was asked to cancel already is not told twice.
    if (record.info().state() == api::ACTIVITY_STATE_RUNNING &&
        !record.cancel_requested()) {
      TellCancelled(record, "its run is closed");
    }
    Forget(id);
  }
  // The fold has dropped open timers already: those of the store are asked.
  auto timers = store_.ReadTimers(uid);
  AB_CHECK_MSG(timers.ok(), std::string(timers.status().message()));
  for (const auto& timer : *timers) batch_.DeleteTimer(uid, timer.seq());
  for (const auto& activation : run.undurable) {
    for (const auto& event : activation.events()) {
      if (event.has_timer_started()) {
        batch_.DeleteTimer(uid, event.timer_started().seq());
      }
    }
  }
  // A retry has armed those of the generation before.
  for (const TimerKey& key : timers_.DisarmAll(uid)) {
    if (key.kind == TimerKind::kFlowTimer) {
      batch_.DeleteTimer(uid, key.id.seq);
    }
  }
  // What waits in the mailbox was acknowledged: RetryRun takes it in.
  run.takeable_mail.clear();
  if (run.state.run.has_deadline()) batch_.DeleteDeadline(uid);
  if (paused_.erase(uid) > 0) {
    batch_.DeletePaused(uid);
    matcher_.Unhold(uid);
  }
  batch_.DeleteOpen(uid);
  CloseChildren(uid);
  // The parent waits for the last generation's end.
  if (run.state.run.has_parent() &&
      run.state.run.state() != api::RUN_STATE_CONTINUED_AS_NEW) {
    NotifyParent(run.state.run);
  }
  crashes_.Forget(uid);
  runs_.EndFlow(run, run.undurable.back().events(0));
}

void Shard::RunFollowUps(Times now) {
  while (!follow_ups_.empty()) {
    auto [uid, stimulus] = std::move(follow_ups_.front());
    follow_ups_.pop_front();
    Stimulate(uid, std::move(stimulus), now);
  }
}

void Shard::Keep(Uid owner, api::Payload& payload) {
  core::InlineContent content = core::ContentOf(payload);
  if (content.bytes != nullptr && static_cast<int64_t>(content.bytes->size()) >
                                      limits::kInlinePayloadBytesMax) {
    api::PayloadRef ref;
    ref.set_sha256(Sha256Hex(*content.bytes));
    ref.set_size_bytes(static_cast<int64_t>(content.bytes->size()));
    ref.set_encoding(content.encoding);
    auto known = HasContent(ref.sha256());
    AB_CHECK_MSG(known.ok(), std::string(known.status().message()));
    if (!*known) {
      batch_.PutPayload(ref, *content.bytes);
      new_payloads_[ref.sha256()] = *content.bytes;
      gone_payloads_.erase(ref.sha256());
    }
    *payload.mutable_ref() = std::move(ref);
  }
  if (payload.has_ref()) Own(owner, payload.ref().sha256());
}

}  // namespace anabranch::shard
