#include "tests/sim/records.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/proto_time.h"
#include "orchestrator/log/keys.h"
#include "orchestrator/log/record.h"

namespace anabranch::sim {
namespace {

using api::HistoryEvent;

template <typename Record>
Record Parsed(std::string_view content) {
  Record record;
  AB_CHECK(
      record.ParseFromArray(content.data(), static_cast<int>(content.size())));
  return record;
}

// What an activity has come to, by the event that closes it.
const api::ActivityInfo& InfoOf(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityCompleted:
      return event.activity_completed().info();
    case HistoryEvent::kActivityFailed:
      return event.activity_failed().info();
    case HistoryEvent::kActivityTimedOut:
      return event.activity_timed_out().info();
    case HistoryEvent::kActivityCancelled:
      return event.activity_cancelled().info();
    default:
      return api::ActivityInfo::default_instance();
  }
}

// The token that a worker's own failure carries as its message.
bool IsWorkersOwn(const api::Failure& failure) {
  return failure.type() != "worker_lost" && failure.type() != "timeout";
}

}  // namespace

void Records::Fail(Uid uid, const std::string& what) {
  std::string name = uid.ToHex();
  if (auto it = now_.runs.find(uid); it != now_.runs.end()) {
    name =
        it->second.fold.run.run_id() + " (" + it->second.fold.run.flow() + ")";
  }
  world_.Fail(absl::StrCat("run ", name, ": ", what));
}

const RunRecords* Records::Find(Uid uid) const {
  auto it = now_.runs.find(uid);
  return it == now_.runs.end() ? nullptr : &it->second;
}

const RunRecords* Records::Find(const log::RunName& name) const {
  auto it = now_.names.find(name);
  return it == now_.names.end() ? nullptr : Find(it->second);
}

void Records::Apply(const log::WriteBatch& batch, shard::Times decided) {
  decided_ = decided;
  touched_.clear();
  for (const auto& change : batch.changes) {
    world_.Trace("durable", log::ReadableKey(change.key));
    world_.Trace("value", change.value.has_value()
                              ? std::to_string(change.value->size())
                              : "deleted");
    Change(change);
    if (world_.failed()) return;
  }
  for (const auto* gone : {&now_.deleting, &now_.deleted}) {
    for (Uid uid : *gone) {
      now_.runs.erase(uid);
      touched_.erase(uid);
    }
  }
  for (Uid uid : touched_) CheckRun(uid, now_.runs[uid]);
}

void Records::Change(const log::WriteBatch::Change& change) {
  log::KeyParser key(change.key);
  std::optional<std::string> content;
  if (change.value.has_value()) {
    auto unwrapped = log::UnwrapRecord(change.key, *change.value);
    AB_CHECK(unwrapped.ok());
    content = std::string(*unwrapped);
  }
  if (ChangeIndex(change.key, content)) return;
  const bool of_run =
      key.kind() == log::kEventKind || key.kind() == log::kActivityKind ||
      key.kind() == log::kTimerKind || key.kind() == log::kMailboxKind ||
      key.kind() == log::kStatusKind || key.kind() == log::kUsageKind ||
      key.kind() == log::kOpenKind;
  if (!of_run) return;
  Uid uid{*key.Number()};
  if (now_.deleted.contains(uid) || now_.deleting.contains(uid)) {
    if (content.has_value()) Fail(uid, "it is deleted, and written");
    return;
  }
  touched_.insert(uid);
  RunRecords& run = now_.runs[uid];
  if (!content.has_value() &&
      (key.kind() == log::kStatusKind || key.kind() == log::kUsageKind)) {
    return Fail(uid, "a part of it is gone");
  }
  if (key.kind() == log::kEventKind) {
    if (!content.has_value()) return Fail(uid, "a part of its history is gone");
    auto activation = Parsed<storage::v1::ActivationRecord>(*content);
    if (static_cast<int64_t>(*key.Number()) !=
        activation.events(0).event_id()) {
      return Fail(uid, "an activation lies under another's key");
    }
    Append(uid, run, activation);
  } else if (key.kind() == log::kActivityKind) {
    ChangeActivity(run, static_cast<int64_t>(*key.Number()), content);
  } else if (key.kind() == log::kTimerKind) {
    auto seq = static_cast<int64_t>(*key.Number());
    if (content.has_value()) {
      run.timer_keys.insert(seq);
    } else {
      run.timer_keys.erase(seq);
    }
  } else if (key.kind() == log::kMailboxKind) {
    ChangeMail(uid, run, static_cast<int64_t>(*key.Number()), content);
  } else if (key.kind() == log::kStatusKind) {
    run.status = Parsed<storage::v1::StatusRecord>(*content);
  } else if (key.kind() == log::kUsageKind) {
    const ActivityId id{uid, static_cast<int64_t>(*key.Number())};
    const auto attempt = static_cast<int32_t>(*key.Number32());
    const Epoch epoch{*key.Number(), *key.Number()};
    auto usage = Parsed<storage::v1::UsageRecord>(*content);
    run.usage[{epoch, id, attempt}] |= !usage.usage_json().empty();
  } else if (key.kind() == log::kOpenKind) {
    run.open = content.has_value();
  }
}

bool Records::ChangeIndex(std::string_view key_bytes,
                          const std::optional<std::string>& content) {
  log::KeyParser key(key_bytes);
  if (key.kind() == log::kDeletionKind) {
    ChangeDeletion(Uid{*key.Number()}, !content.has_value());
    return true;
  }
  if (key.kind() == log::kRunIndexKind) {
    std::string ns = *key.Text();
    log::RunName name{ns, *key.Text()};
    if (content.has_value()) {
      ChangeName(name,
                 Uid{Parsed<storage::v1::RunIndexRecord>(*content).uid()});
    } else {
      now_.names.erase(name);
      now_.chains.erase(name);
    }
    return true;
  }
  if (key.kind() == log::kTaskQueueKind) {
    const std::string name(key.Rest());
    now_.queues.erase(name);
    if (content.has_value()) {
      now_.queues[name] = Parsed<storage::v1::TaskQueueRecord>(*content);
    }
    return true;
  }
  if (key.kind() == log::kDedupKind) {
    std::string ns = *key.Text();
    std::string run_id = *key.Text();
    const std::pair<log::RunName, std::string> dedup = {
        {ns, run_id}, std::string(key.Rest())};
    if (content.has_value()) {
      now_.dedups.insert(dedup);
    } else {
      now_.dedups.erase(dedup);
    }
    return true;
  }
  if (key.kind() == log::kChildKind) {
    Uid parent{*key.Number()};
    auto seq = static_cast<int64_t>(*key.Number());
    ChangeChild(parent, seq,
                content.has_value()
                    ? std::optional(Parsed<storage::v1::ChildRecord>(*content))
                    : std::nullopt);
    return true;
  }
  if (key.kind() == log::kParentNoticeKind) {
    Uid child{*key.Number()};
    if (content.has_value()) {
      now_.notices.insert(child);
    } else {
      now_.notices.erase(child);
    }
    return true;
  }
  if (key.kind() == log::kListingKind) {
    key.Text();
    key.Number();
    Uid uid{*key.Number()};
    now_.runs[uid].listings += content.has_value() ? 1 : -1;
    touched_.insert(uid);
    return true;
  }
  return false;
}

void Records::ChangeDeletion(Uid uid, bool gone) {
  if (gone) {
    now_.deleting.erase(uid);
    now_.deleted.insert(uid);
    return;
  }
  auto run = now_.runs.find(uid);
  if (run != now_.runs.end() && !run->second.ended) {
    return Fail(uid, "it is deleted, and not closed");
  }
  if (run != now_.runs.end()) now_.runs.erase(run);
  touched_.erase(uid);
  now_.deleting.insert(uid);
}

void Records::ChangeMail(Uid uid, RunRecords& run, int64_t n,
                         const std::optional<std::string>& content) {
  if (!content.has_value()) {
    run.mail.erase(n);
    return;
  }
  run.mail[n] = Parsed<storage::v1::MailboxRecord>(*content);
  const auto& mail = run.mail[n].stimulus();
  if (mail.has_signal_received()) {
    run.mailed_signals.insert(mail.signal_received().request_id());
  }
  TakeRequest(run, mail.signal_received().request_id());
  TakeRequest(run, mail.cancel_requested().request_id());
  TakeRequest(run, mail.run_started().request_id());
  const api::ActivityInfo& info = InfoOf(mail);
  if (info.seq() == 0) return;
  // Its attempt is given up now. When a good build takes this in, the session
  // may be there again, or the orchestrator may be new.
  auto& last = run.last_records[info.seq()];
  CheckEnded(uid, last.info(), info, last.scheduled().options());
  *last.mutable_info() = info;
}

void Records::ChangeActivity(RunRecords& run, int64_t seq,
                             const std::optional<std::string>& content) {
  if (!content.has_value()) {
    run.activities.erase(seq);
    return;
  }
  auto record = Parsed<storage::v1::ActivityRecord>(*content);
  Uid uid{record.uid()};
  if (run.closed.contains(seq)) Fail(uid, "a closed activity has a record");
  auto& last = run.last_records[seq];
  // A retry begins it anew.
  if (last.uid() != record.uid()) last.Clear();
  if (record.info().attempt() < last.info().attempt()) {
    Fail(uid, "an activity's attempts went back");
  }
  CheckEnded(uid, last.info(), record.info(), record.scheduled().options());
  last = record;
  run.activities[seq] = std::move(record);
}

void Records::Append(Uid uid, RunRecords& run,
                     const storage::v1::ActivationRecord& activation) {
  if (run.history.empty()) BeginGeneration(uid, run, activation);
  if (world_.failed()) return;
  CheckExpected(uid, run, activation.events(0));
  std::string rule = run.grammar.Take(activation);
  if (!rule.empty()) return Fail(uid, rule);
  for (const auto& event : activation.events()) {
    if (run.ended) return Fail(uid, "something follows its end");
    if (event.event_id() != run.fold.last_event_id + 1) {
      return Fail(
          uid, absl::StrCat("its history goes from event ",
                            run.fold.last_event_id, " to ", event.event_id()));
    }
    if (event.event_id() > 1 &&
        FromProto(event.event_time()) < run.fold.last_time) {
      return Fail(uid, "its time goes back");
    }
    run.fold.uid = uid;
    run.fold.Apply(event);
    OnEvent(uid, run, event);
    OnChildEvent(uid, run, event);
    run.ended = run.fold.closed();
  }
  run.history.push_back(activation);
}

void Records::OnEvent(Uid uid, RunRecords& run, const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kRunStarted:
      TakeRequest(run, event.run_started().request_id());
      break;
    case HistoryEvent::kSignalReceived: {
      const auto& request = event.signal_received().request_id();
      if (request.empty()) break;
      if (!run.signals.insert(request).second) {
        Fail(uid, "a signal was taken in twice: " + request);
      }
      TakeRequest(run, request);
      break;
    }
    case HistoryEvent::kCancelRequested:
      TakeRequest(run, event.cancel_requested().request_id());
      break;
    case HistoryEvent::kRunTimedOut:
      OnTimedOut(uid, run);
      break;
    case HistoryEvent::kRunTerminated:
      TakeRequest(run, event.run_terminated().request_id());
      break;
    case HistoryEvent::kTimerStarted:
      run.timers[event.timer_started().seq()] = {event.timer_started(),
                                                 decided_};
      break;
    case HistoryEvent::kTimerCancelled:
      run.timers[event.timer_cancelled().timer_seq()].over = true;
      break;
    case HistoryEvent::kTimerFired:
      OnTimerFired(run, event.timer_fired().seq());
      break;
    case HistoryEvent::kActivityCompleted: {
      int64_t seq = event.activity_completed().seq();
      OnClosed(uid, run, seq, event, event.activity_completed().info());
      CheckResult(run, seq, event);
      break;
    }
    case HistoryEvent::kActivityFailed:
      OnClosed(uid, run, event.activity_failed().seq(), event,
               event.activity_failed().info());
      break;
    case HistoryEvent::kActivityTimedOut:
      OnClosed(uid, run, event.activity_timed_out().seq(), event,
               event.activity_timed_out().info());
      break;
    case HistoryEvent::kActivityCancelled:
      OnClosed(uid, run, event.activity_cancelled().seq(), event,
               event.activity_cancelled().info());
      break;
    default:
      break;
  }
}

void Records::TakeRequest(RunRecords& run, const std::string& request_id) {
  if (request_id.empty()) return;
  bool added = run.requests.insert(request_id).second;
  for (Uid at = run.previous; at != Uid{}; at = now_.runs[at].previous) {
    added = added && !now_.runs[at].requests.contains(request_id);
  }
  if (added && world_.disk_full) {
    Fail(run.fold.uid, "a full disk took in " + request_id);
  }
}

void Records::OnTimerFired(RunRecords& run, int64_t seq) {
  auto it = run.timers.find(seq);
  if (it == run.timers.end()) {
    return Fail(run.fold.uid, "a timer fired that was never started");
  }
  RunRecords::Timer& timer = it->second;
  if (timer.over) return Fail(run.fold.uid, "a timer fired twice");
  timer.over = true;
  if (FromProto(timer.started.fire_time()) > run.fold.last_time) {
    return Fail(run.fold.uid, "a timer fired before its time");
  }
  // After a jump of the wall clock neither clock alone says what is right.
  if (world_.on(Fault::kWallJump)) return;
  absl::Duration ran = decided_.steady - timer.decided.steady;
  // What is stored is cut to whole nanoseconds.
  if (ran + absl::Microseconds(1) < FromProto(timer.started.duration())) {
    Fail(run.fold.uid, absl::StrCat("a timer ran ", absl::ToDoubleSeconds(ran),
                                    " s, too short"));
  }
}

void Records::OnClosed(Uid uid, RunRecords& run, int64_t seq,
                       const HistoryEvent& event,
                       const api::ActivityInfo& info) {
  if (!run.closed.emplace(seq, event.attributes_case()).second) {
    return Fail(uid, absl::StrCat("activity ", seq, " closed twice"));
  }
  const auto& last = run.last_records[seq];
  CheckEnded(uid, last.info(), info, last.scheduled().options());
}

void Records::CheckResult(const RunRecords& run, int64_t seq,
                          const HistoryEvent& event) {
  const auto& completed = event.activity_completed();
  const auto& record = run.last_records.at(seq);
  const Execution* execution = ledger_.Find(record.token());
  if (execution == nullptr || !execution->outcome.has_value() ||
      !execution->outcome->result.has_value()) {
    return Fail(
        run.fold.uid,
        absl::StrCat("activity ", seq, " has a result, but nobody carried out ",
                     record.token()));
  }
  if (completed.result().has_ref()) return;  // FinalChecks reads those
  if (completed.result().json_text() !=
      execution->outcome->result->json_text()) {
    Fail(run.fold.uid,
         absl::StrCat("activity ", seq, " has a result of another attempt: ",
                      completed.result().json_text(), " while ", record.token(),
                      " is current"));
  }
}

void Records::CheckEnded(Uid uid, const api::ActivityInfo& before,
                         const api::ActivityInfo& info,
                         const api::ActivityOptions& options) {
  if (info.lost_attempts() > before.lost_attempts() &&
      !sessions_.MayBeLost(info.session(), decided_.steady)) {
    Fail(uid, absl::StrCat("activity ", info.seq(), ": ", info.session(),
                           " was given up while it was there"));
  }
  std::set<int32_t> answered;
  const auto& record = now_.runs[uid].last_records[info.seq()];
  const std::string& current = record.token();
  // What a retry takes in again was an earlier generation's.
  const Uid maker = record.uid() == 0 ? uid : Uid{record.uid()};
  for (const auto& closed : info.closed_attempts()) {
    const auto& failure = closed.failure();
    if (failure.type() == "timeout") {
      absl::Duration ran =
          FromProto(closed.end_time()) - FromProto(closed.start_time());
      const bool silent =
          failure.message().find("heartbeat") != std::string::npos;
      if (!world_.on(Fault::kWallJump) &&
          ran + absl::Microseconds(1) <
              FromProto(silent ? options.heartbeat_timeout()
                               : options.start_to_close_timeout())) {
        Fail(uid, "an attempt timed out too early");
      }
    }
    if (!IsWorkersOwn(failure)) continue;
    if (!answered.insert(closed.attempt()).second) {
      Fail(uid,
           absl::StrCat("activity ", info.seq(), ": the failure of attempt ",
                        closed.attempt(), " was recorded twice"));
    }
    auto token = TaskToken::Parse(failure.message());
    if (!token.has_value() || token->attempt != closed.attempt() ||
        token->activity != ActivityId{maker, info.seq()}) {
      Fail(uid, "a failure of another attempt was recorded");
    }
    // One that is new is that of the token that was current.
    if (closed.attempt() == before.attempt() && failure.message() != current) {
      Fail(uid, "a failure of an attempt that was not current was recorded");
    }
  }
}

void Records::CheckRun(Uid uid, const RunRecords& run) {
  if (!run.status.has_value()) return Fail(uid, "it has no status");
  const api::Run& shown = run.status->run();
  const api::Run& folded = run.fold.run;
  const bool blocked = shown.state() == api::RUN_STATE_BLOCKED;
  auto check = [&](bool holds, const char* what) {
    if (!holds) Fail(uid, what);
  };
  // A generation that waits for the next round has not begun.
  const bool waits = run.history.empty();
  check(blocked || waits ? !run.ended : shown.state() == folded.state(),
        "its status shows another state than its history");
  check(shown.history_events() == run.fold.last_event_id,
        "its status counts other events");
  check(
      shown.result().SerializeAsString() == folded.result().SerializeAsString(),
      "its status shows another result");
  check(shown.failure().SerializeAsString() ==
            folded.failure().SerializeAsString(),
        "its status shows another failure");
  check(run.open == !run.ended, "the open index is wrong about it");
  check(blocked || waits || run.ended || run.mail.empty(),
        "it is open, has mail and is not blocked");
  check(static_cast<int64_t>(run.mail.size()) ==
            run.status->mailbox_next() - run.status->mailbox_first(),
        "its status counts other mail");
  std::set<int64_t> mailed_timers;
  std::set<int64_t> mailed_activities;
  for (const auto& [n, mail] : run.mail) {
    const HistoryEvent& event = mail.stimulus();
    if (event.has_timer_fired()) {
      mailed_timers.insert(event.timer_fired().seq());
    }
    mailed_activities.insert(event.activity_completed().seq());
    mailed_activities.insert(event.activity_failed().seq());
    mailed_activities.insert(event.activity_timed_out().seq());
    mailed_activities.insert(event.activity_cancelled().seq());
  }
  std::set<int64_t> timers;
  for (const auto& [seq, timer] : run.fold.open_timers) {
    if (!mailed_timers.contains(seq)) timers.insert(seq);
  }
  check(timers == run.timer_keys, "its timers are not those of its history");
  for (int64_t seq : run.fold.open_activities) {
    check(run.activities.contains(seq) || mailed_activities.contains(seq),
          "an open activity has no record");
  }
  for (const auto& [seq, record] : run.activities) {
    check(run.fold.open_activities.contains(seq),
          "a record's activity is not open");
  }
  // It lists no more than a hundred.
  check(shown.waiting_activities_size() ==
            std::min(100, static_cast<int>(run.activities.size())),
        "its status shows other activities");
  CheckChain(uid, run);
  CheckChildren(uid, run);
  CheckDeadline(uid, run);
}

}  // namespace anabranch::sim
