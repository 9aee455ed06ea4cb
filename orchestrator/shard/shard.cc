#include "orchestrator/shard/shard.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/shard/errors.h"

namespace anabranch::shard {
namespace {

// Open activities that a status lists: it is written in each round that
// changes its run, and one that fans out changes in very many. Whoever shows a
// run reads the activities' own records.
constexpr int kStatusActivitiesMax = 100;

}  // namespace

Shard::Shard(log::EventLog& log, const sdk::FlowRegistry& flows, Random& random,
             Effects& effects, ShardOptions options)
    : log_(log),
      store_(log),
      flows_(flows),
      random_(random),
      effects_(effects),
      options_(std::move(options)),
      crashes_(options_.flow_slot, flows.build_id()),
      runs_(store_, flows, *this, crashes_, options_.observer) {}

absl::Status Shard::Recover(Times now) {
  RETURN_IF_ERROR(crashes_.Recover(store_));
  RETURN_IF_ERROR(RecoverTaskQueues(now));
  ASSIGN_OR_RETURN(auto activities, store_.ReadAllActivities());
  for (auto& record : activities) {
    ActivityId id{Uid{record.uid()}, record.info().seq()};
    activities_[id] = std::move(record);
    ArmRecovered(activities_[id], now);
  }
  ASSIGN_OR_RETURN(auto timers, store_.ReadAllTimers());
  for (const auto& timer : timers) {
    // A clock jump can neither stretch a timer nor fire it early by more than
    // it had to run.
    absl::Duration left =
        std::clamp(FromProto(timer.fire_time()) - now.wall,
                   absl::ZeroDuration(), FromProto(timer.duration()));
    timers_.Arm({{Uid{timer.uid()}, timer.seq()}, TimerKind::kFlowTimer},
                now.steady + left);
  }
  ASSIGN_OR_RETURN(auto deadlines, store_.ReadAllDeadlines());
  for (const auto& deadline : deadlines) {
    absl::Duration left =
        std::clamp(FromProto(deadline.fire_time()) - now.wall,
                   absl::ZeroDuration(), FromProto(deadline.duration()));
    timers_.Arm({{Uid{deadline.uid()}, 0}, TimerKind::kRunDeadline},
                now.steady + left);
  }
  RETURN_IF_ERROR(RecoverDeletions());
  ASSIGN_OR_RETURN(auto paused, store_.ReadPausedRuns());
  for (Uid uid : paused) {
    paused_.try_emplace(uid);
    matcher_.Hold(uid);
  }
  RETURN_IF_ERROR(RecoverChildren());
  if (!sessions_.all().empty()) {
    grace_until_ = now.steady + limits::kRecoveryGrace;
  }
  RETURN_IF_ERROR(RecoverBatches());
  // A good build takes in what waits in mailboxes.
  ASSIGN_OR_RETURN(auto blocked, store_.ReadMailboxRuns());
  for (Uid uid : blocked) {
    ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(uid));
    if (run == nullptr || run->state.closed()) continue;
    if (run->flow != nullptr) TakeMail(*run, now);
    Touch(uid);
  }
  // Those that this build must not run show it, whether or not somebody asks.
  for (Uid uid : crashes_.DeadlyRuns()) {
    ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(uid));
    if (run != nullptr) Touch(uid);
  }
  last_tick_ = now;
  return absl::OkStatus();
}

void Shard::Take(Input input, Times now) {
  UpdateGrace(now);
  std::visit([&](auto& value) { On(std::move(value), now); }, input);
  RunFollowUps(now);
}

void Shard::Tick(Times now) {
  UpdateGrace(now);
  for (Input& input : std::exchange(deferred_, {})) {
    std::visit([&](auto& value) { On(std::move(value), now); }, input);
    RunFollowUps(now);
  }
  BeginPostponed(now);
  ContinueDeletions();
  if (sessions_.UpdateSuspects(now)) workers_changed_ = true;
  LoseExpired(now);
  while (auto key = timers_.PopDue(now.steady)) {
    OnDue(*key, now);
    RunFollowUps(now);
  }
  if (!draining_ && !disk_full_) {
    while (auto match = matcher_.Next(sessions_, now.steady)) {
      Grant(*match, now);
    }
  }
  RunFollowUps(now);
  WorkOnBatches(now);
  for (const FlowPlace& place : crashes_.TakeForgotten()) {
    batch_.DeleteFlowCrash(place.uid, place.event_id);
  }
  WriteStatuses();
}

log::WriteBatch Shard::TakeBatch() { return batch_.Take(); }

void Shard::Release() {
  for (auto& reply : std::exchange(replies_, {})) reply();
  SendOutgoing();
  for (auto& [stream, status] : std::exchange(closing_, {})) {
    effects_.CloseStream(stream, std::move(status));
  }
  for (auto [uid, closed] : std::exchange(changed_, {})) {
    effects_.RunChanged(uid, closed);
  }
  if (std::exchange(workers_changed_, false)) {
    effects_.WorkersChanged(sessions_.Snapshot());
  }
  TellDemands();
  for (auto& message : std::exchange(messages_, {})) {
    released_messages_.push_back(std::move(message));
  }
  TellTaskQueues();
  new_payloads_.clear();
  new_dedups_.clear();
  new_conversations_.clear();
  new_told_.clear();
  new_untold_.clear();
  ForgetClosedBatches();
  new_owners_.clear();
  gone_owners_.clear();
  gone_payloads_.clear();
  generations_begun_.clear();
  runs_.Evict(options_.live_flows_max);
}

std::optional<absl::Duration> Shard::NextDue() const {
  std::optional<absl::Duration> due = timers_.Next();
  auto earlier = [&due](std::optional<absl::Duration> other) {
    if (other.has_value() && (!due.has_value() || *other < *due)) due = other;
  };
  // In the grace nobody is given up: due times of sessions that passed
  // meanwhile would keep the loop spinning until its end.
  earlier(grace_until_.has_value() ? grace_until_ : sessions_.NextDue());
  // What a rate lets go at the last tick's time is not waiting for a time.
  if (!draining_ && !disk_full_ && last_tick_.has_value()) {
    earlier(matcher_.NextDue(last_tick_->steady));
  }
  if (HasBatchWork()) earlier(absl::ZeroDuration());
  // What the last round left over.
  if (last_tick_.has_value() &&
      (!deferred_.empty() || !postponed_.empty() || !deleting_.empty())) {
    earlier(last_tick_->steady);
  }
  return due;
}

std::vector<ShardMessage> Shard::TakeMessages() {
  return std::exchange(released_messages_, {});
}

std::vector<FlowLogLine> Shard::TakeFlowLog() {
  return std::exchange(flow_log_, {});
}

void Shard::WriteStatuses() {
  for (auto& [uid, closed] : changed_) {
    absl::StatusOr<bool> written = WriteStatus(uid);
    // The store cannot be read: going on would lose what it holds.
    AB_CHECK_MSG(written.ok(), std::string(written.status().message()));
    closed = *written;
  }
  new_usage_.clear();
}

absl::StatusOr<bool> Shard::WriteStatus(Uid uid) {
  storage::v1::StatusRecord status;
  LiveRun* run = runs_.Find(uid);
  if (run != nullptr) {
    DescribeLive(*run, status);
  } else {
    ASSIGN_OR_RETURN(auto stored, runs_.ReadStatus(uid));
    if (!stored.has_value()) return false;
    status = *std::move(stored);
  }
  api::Run& shown = *status.mutable_run();
  auto usage = new_usage_.find(uid);
  if (usage != new_usage_.end()) {
    for (const std::string& json : usage->second) {
      core::AddUsage(*shown.mutable_usage(), json);
    }
    if (run != nullptr) *run->state.run.mutable_usage() = shown.usage();
  }
  shown.clear_waiting_activities();
  shown.set_retrying(false);
  for (auto it = activities_.lower_bound({uid, 0});
       it != activities_.end() && it->first.uid == uid; ++it) {
    if (shown.waiting_activities_size() < kStatusActivitiesMax) {
      *shown.add_waiting_activities() = it->second.info();
    }
    if (it->second.info().state() == api::ACTIVITY_STATE_BACKING_OFF) {
      shown.set_retrying(true);
    }
  }
  batch_.PutStatus(uid, status);
  return core::IsClosed(shown.state());
}

void Shard::DescribeLive(const LiveRun& run,
                         storage::v1::StatusRecord& status) {
  *status.mutable_run() = run.state.run;
  status.set_start_digest(run.start_digest);
  status.set_mailbox_first(run.mailbox_first);
  status.set_mailbox_next(run.mailbox_next);
  status.set_previous_uid(run.previous_uid.value);
  *status.mutable_segments() = {run.segments.begin(), run.segments.end()};
  api::Run& shown = *status.mutable_run();
  shown.clear_published();
  for (const auto& [name, value] : run.state.published) {
    (*status.mutable_published())[name] = value;
    shown.add_published(name);
  }
  if (shown.has_blocked()) {
    shown.mutable_blocked()->set_mailbox_size(
        static_cast<int>(run.mailbox_next - run.mailbox_first));
  }
  for (const auto& [seq, timer] : run.state.open_timers) {
    auto* info = shown.add_waiting_timers();
    info->set_seq(seq);
    *info->mutable_fire_time() = timer.fire_time();
  }
  if (run.flow != nullptr) {
    shown.set_unread_signals(static_cast<int>(run.flow->unread_signal_count()));
  }
}

void Shard::SendOutgoing() {
  std::map<StreamId, std::vector<api::ServerMessage>> frames;
  for (Outgoing& out : std::exchange(outgoing_, {})) {
    if (out.message.has_task()) {
      FillPayload(*out.message.mutable_task()->mutable_input());
      for (auto& [name, payload] :
           *out.message.mutable_task()->mutable_attachments()) {
        FillPayload(payload);
      }
    }
    frames[out.stream].push_back(std::move(out.message));
  }
  for (auto& [stream, messages] : frames) {
    effects_.SendToWorker(stream, std::move(messages));
  }
}

void Shard::FillPayload(api::Payload& payload) {
  if (!payload.has_ref()) return;
  auto content = Read(payload.ref());
  AB_CHECK_MSG(content.ok(), std::string(content.status().message()));
  payload = core::InlinePayload(payload.ref().encoding(), *std::move(content));
}

absl::StatusOr<std::string> Shard::Read(const v1::PayloadRef& ref) {
  auto it = new_payloads_.find(ref.sha256());
  if (it != new_payloads_.end()) return it->second;
  ASSIGN_OR_RETURN(auto content, store_.ReadPayload(ref.sha256()));
  return std::move(content.bytes);
}

}  // namespace anabranch::shard
