// RetryRun: lets parked activities of an open run go, or begins the next
// generation of a closed one where it went wrong (core/fork_plan.h).
#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/core/fork_plan.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/replay/replay.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/request_digest.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

constexpr std::string_view kMethod = "RetryRun";

// The first answer, kept as the dedup record's method:
// "RetryRun/<released>/<generation>".
std::string ToMethod(const RetriedRun& answer) {
  return absl::StrCat(absl::string_view(kMethod.data(), kMethod.size()), "/",
                      answer.released_activities, "/", answer.generation);
}

RetriedRun FromMethod(std::string_view method) {
  RetriedRun answer;
  const size_t first = method.find('/');
  const size_t second = method.find('/', first + 1);
  if (second == std::string_view::npos) return answer;
  auto read = [&method](size_t from, size_t to, int32_t& number) {
    std::from_chars(method.data() + from, method.data() + to, number);
  };
  read(first + 1, second, answer.released_activities);
  read(second + 1, method.size(), answer.generation);
  return answer;
}

bool CanBeRetried(api::RunState state) {
  return state == api::RUN_STATE_FAILED || state == api::RUN_STATE_TIMED_OUT ||
         state == api::RUN_STATE_TERMINATED;
}

}  // namespace

void Shard::On(RetryRun input, Times now) {
  // What a closed run left behind is read from the store: it waits until the
  // batch in hand is there.
  auto uid = runs_.FindUid(input.name);
  LiveRun* live = uid.ok() && uid->has_value() ? runs_.Find(**uid) : nullptr;
  if (live != nullptr && live->state.closed() &&
      changed_.contains(live->state.uid)) {
    deferred_.emplace_back(std::move(input));
    return;
  }
  absl::StatusOr<RetriedRun> result = Retry(input, now);
  Later([reply = std::move(input.reply), result = std::move(result)] {
    reply(result);
  });
}

absl::StatusOr<RetriedRun> Shard::Retry(const RetryRun& input, Times now) {
  const std::string digest = Digest({kMethod});
  ASSIGN_OR_RETURN(auto known, FindDedup(input.name, input.request_id));
  if (known.has_value()) {
    if (known->body_digest() != digest) {
      return RequestIdReused(input.request_id);
    }
    return FromMethod(known->method());
  }
  if (disk_full_) return DiskFull();
  ASSIGN_OR_RETURN(auto uid, runs_.FindUid(input.name));
  if (!uid.has_value()) return RunNotFound(input.name);
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(*uid));
  if (run == nullptr) return RunNotFound(input.name);
  RetriedRun answer{0, run->state.run.generation()};
  if (!run->state.closed()) {
    answer.released_activities = ReleaseParked(*uid, now);
  } else if (CanBeRetried(run->state.run.state())) {
    ASSIGN_OR_RETURN(answer.generation,
                     BeginRetry(*run, input.request_id, now));
  } else {
    return RunNotRetryable(input.name, run->state.run);
  }
  Remember(input.name, input.request_id, ToMethod(answer), digest, now);
  return answer;
}

absl::StatusOr<int32_t> Shard::BeginRetry(LiveRun& before,
                                          const std::string& request_id,
                                          Times now) {
  ASSIGN_OR_RETURN(auto history, runs_.History(before));
  // What waited for a good build when it was closed waits on.
  ASSIGN_OR_RETURN(auto entries, store_.ReadMailbox(before.state.uid));
  std::vector<api::HistoryEvent> mail;
  for (auto& entry : entries) {
    batch_.DeleteMailbox(before.state.uid, entry.n);
    mail.push_back(std::move(*entry.record.mutable_stimulus()));
  }
  core::ForkPlan plan = core::PlanRetry(history, mail);
  std::vector<api::HistoryEvent> again = std::move(plan.again);
  before.mailbox_first = before.mailbox_next;
  Touch(before.state.uid);

  LiveRun& run = NextGeneration(before, NewUid());
  const RunName name = run.name;
  auto next = again.begin();
  if (plan.last_event_id == 0) {
    if (next == again.end() || !next->has_run_started()) {
      return absl::DataLossError(absl::StrCat("run ", before.state.uid.ToHex(),
                                              " has lost its first event"));
    }
    BeginAgain(run, before, std::move(*next->mutable_run_started()), now);
    ++next;
  } else {
    history.pop_back();
    ForkFrom(run, before, plan, history, request_id, now);
  }
  const int32_t generation = run.state.run.generation();
  if (run.state.closed()) {
    for (; next != again.end(); ++next) {
      RETURN_IF_ERROR(StimulateCurrent(name, std::move(*next), now));
    }
    return generation;
  }
  // All at once, so that an end on the way lists the signals behind it.
  for (; next != again.end(); ++next) {
    core::ForEachPayload(*next,
                         [this, uid = run.state.uid](api::Payload& payload) {
                           Keep(uid, payload);
                         });
    PutTakeableMail(run, std::move(*next));
  }
  if (run.flow != nullptr) TakeMail(run, now);
  return generation;
}

void Shard::BeginAgain(LiveRun& run, const LiveRun& before,
                       api::RunStarted started, Times now) {
  started.set_uid(run.state.uid.ToHex());
  started.set_generation(run.state.run.generation());
  started.set_continued_from(before.state.uid.ToHex());
  if (FromProto(started.deadline()) <= now.wall) started.clear_deadline();
  BeginGeneration(run, std::move(started), now);
}

void Shard::ForkFrom(LiveRun& run, const LiveRun& before,
                     const core::ForkPlan& plan,
                     const std::vector<storage::v1::ActivationRecord>& history,
                     const std::string& request_id, Times now) {
  const Uid uid = run.state.uid;
  // The cut lies in the generation's own part: that begins with Forked or
  // RunStarted, and what closed it comes later.
  run.segments = before.segments;
  storage::v1::Segment& last = run.segments.emplace_back();
  last.set_uid(before.state.uid.value);
  last.set_last_event_id(plan.last_event_id);
  runs_.Revive(run, history);
  api::HistoryEvent event;
  auto* forked = event.mutable_forked();
  forked->set_source_uid(before.state.uid.ToHex());
  forked->set_source_event_id(plan.last_event_id);
  forked->set_cut_before(replay::EventTypeName(plan.cut_off));
  forked->set_request_id(request_id);
  AppendAdministrative(run, std::move(event), now);
  if (run.state.run.has_deadline()) {
    ArmDeadline(uid, run.state.run.deadline(), now);
  }
  if (run.state.run.has_pause()) HoldRun(uid);
  Reopen(run, plan, now);
}

void Shard::Reopen(LiveRun& run, const core::ForkPlan& plan, Times now) {
  const Uid uid = run.state.uid;
  // As if they had been asked for now: attempts begin anew.
  api::HistoryEvent event;
  *event.mutable_event_time() = ToProto(run.state.last_time);
  for (const auto& [seq, scheduled] : plan.activities) {
    *event.mutable_activity_scheduled() = scheduled;
    FollowEvent(run, event, now);
  }
  for (const auto& [seq, scheduled] : plan.children) {
    *event.mutable_child_scheduled() = scheduled;
    FollowEvent(run, event, now);
    if (plan.cancelled_children.contains(seq)) CancelChild(uid, seq);
  }
  for (const auto& [seq, timer] : plan.timers) {
    storage::v1::TimerRecord record;
    record.set_uid(uid.value);
    record.set_seq(seq);
    *record.mutable_fire_time() = timer.fire_time();
    *record.mutable_duration() = timer.duration();
    batch_.PutTimer(record);
    timers_.Arm({{uid, seq}, TimerKind::kFlowTimer},
                now.steady + std::clamp(FromProto(timer.fire_time()) - now.wall,
                                        absl::ZeroDuration(),
                                        FromProto(timer.duration())));
  }
  for (int64_t seq : plan.given_up) {
    api::HistoryEvent cancelled;
    cancelled.mutable_activity_cancelled()->set_seq(seq);
    follow_ups_.emplace_back(uid, std::move(cancelled));
  }
}

}  // namespace anabranch::shard
