#include "orchestrator/shard/run_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/replay/flow_guard.h"
#include "orchestrator/replay/replay.h"

namespace anabranch::shard {
namespace {

using storage::v1::ActivationRecord;
using storage::v1::StatusRecord;

// A history is read in pieces of this size.
constexpr int64_t kReadBytes = 4 * 1024 * 1024;

// A fresh fold, keeping what is no part of the history.
core::RunState Fold(const core::RunState& before,
                    const std::vector<ActivationRecord>& history) {
  core::RunState state;
  state.uid = before.uid;
  for (const auto& activation : history) {
    for (const auto& event : activation.events()) state.Apply(event);
  }
  if (history.empty()) {
    state.run = before.run;
    // Of what an activation that broke down had done nothing is left.
    state.run.clear_history_events();
    state.run.clear_waiting_children();
    return state;
  }
  *state.run.mutable_usage() = before.run.usage();
  // Of a fork, the history before the cut is of another generation.
  if (before.run.generation() != 0) {
    state.run.set_generation(before.run.generation());
  }
  // A run is as old as its first generation.
  *state.run.mutable_create_time() = before.run.create_time();
  return state;
}

}  // namespace

absl::StatusOr<std::optional<Uid>> RunTable::FindUid(const RunName& name) {
  if (gone_.contains(name)) return std::optional<Uid>();
  auto it = names_.find(name);
  if (it != names_.end()) return std::optional<Uid>(it->second);
  ASSIGN_OR_RETURN(auto index, store_.ReadRunIndex(name));
  if (!index.has_value()) return std::optional<Uid>();
  return std::optional<Uid>(Uid{index->uid()});
}

LiveRun* RunTable::Find(Uid uid) {
  auto it = runs_.find(uid);
  return it == runs_.end() ? nullptr : &it->second;
}

LiveRun& RunTable::Create(const RunName& name, Uid uid) {
  LiveRun& run = runs_[uid];
  run.name = name;
  run.state.uid = uid;
  run.last_used = ++clock_;
  names_[name] = uid;
  gone_.erase(name);
  return run;
}

void RunTable::Remove(const RunName& name, Uid uid) {
  runs_.erase(uid);
  names_.erase(name);
  gone_.insert(name);
}

absl::StatusOr<LiveRun*> RunTable::Load(Uid uid) {
  auto it = runs_.find(uid);
  if (it != runs_.end()) {
    it->second.last_used = ++clock_;
    if (observer_ != nullptr && !it->second.state.closed()) {
      observer_->RunNeeded(/*live=*/true);
    }
    return &it->second;
  }
  ASSIGN_OR_RETURN(auto status, store_.ReadStatus(uid));
  if (!status.has_value()) return static_cast<LiveRun*>(nullptr);
  LiveRun run;
  run.name = {status->run().namespace_(), status->run().run_id()};
  run.state.uid = uid;
  run.state.run = status->run();
  run.state.published.insert(status->published().begin(),
                             status->published().end());
  run.segments.assign(status->segments().begin(), status->segments().end());
  run.previous_uid = Uid{status->previous_uid()};
  run.start_digest = status->start_digest();
  run.mailbox_first = status->mailbox_first();
  run.mailbox_next = status->mailbox_next();
  run.last_used = ++clock_;
  if (!run.state.closed()) RETURN_IF_ERROR(Rebuild(run, *status));
  // Of several generations the open one has the name; when none is open, the
  // store knows.
  if (!run.state.closed()) names_[run.name] = uid;
  return &(runs_[uid] = std::move(run));
}

absl::Status RunTable::Rebuild(LiveRun& run, const StatusRecord& status) {
  if (observer_ != nullptr) observer_->RunNeeded(/*live=*/false);
  ASSIGN_OR_RETURN(auto history, History(run));
  run.state = Fold(run.state, history);
  run.state.run.clear_waiting_activities();
  run.state.run.clear_waiting_timers();
  ReplayFlow(run, history, status.run().blocked());
  if (run.flow != nullptr && run.mailbox_first < run.mailbox_next) {
    ASSIGN_OR_RETURN(run.takeable_mail, store_.ReadMailbox(run.state.uid));
  }
  return absl::OkStatus();
}

void RunTable::ReplayFlow(LiveRun& run,
                          const std::vector<ActivationRecord>& history,
                          const v1::Blocked& blocked) {
  const sdk::FlowDefinition* definition = flows_.Find(run.state.run.flow());
  if (definition == nullptr) {
    return BlockUnknownFlow(run, run.state.run.flow());
  }
  const v1::HistoryEvent* first =
      history.empty() ? nullptr : &history.front().events(0);
  if (const auto* crash = crashes_.FindDeadly(run.state.uid, first)) {
    return BlockCrashed(run, *crash);
  }
  // The same build breaks down at the same place: not tried again. A history
  // that does not match is: it costs a replay and shows the report anew.
  bool broke_down = blocked.reason() == v1::BLOCKED_REASON_FLOW_STUCK ||
                    blocked.reason() == v1::BLOCKED_REASON_FLOW_ERROR ||
                    blocked.reason() == v1::BLOCKED_REASON_FLOW_CRASHED;
  if (broke_down && blocked.build_id() == flows_.build_id()) {
    SetBlocked(run, blocked.reason(), blocked.event_id(), blocked.report());
    return;
  }
  crashes_.Switch(run.state.uid, run.name, definition->name);
  if (observer_ != nullptr) observer_->ReplayBegins();
  replay::Replayed replayed =
      replay::Replay({absl::StrCat(run.name.ns, "/", run.name.run_id),
                      definition, flows_.build_id(), &payloads_, &crashes_},
                     history);
  if (observer_ != nullptr) observer_->ReplayEnds(run.state.last_event_id);
  if (replayed.mismatch.has_value()) {
    SetBlocked(run, replayed.mismatch->reason, replayed.mismatch->event_id,
               replayed.mismatch->report);
    return;
  }
  run.flow = std::move(replayed.flow);
  run.state.run.clear_blocked();
  run.state.run.set_state(run.state.run.has_pause() ? v1::RUN_STATE_PAUSED
                                                    : v1::RUN_STATE_RUNNING);
}

absl::StatusOr<std::vector<ActivationRecord>> RunTable::History(
    const LiveRun& run) {
  std::vector<ActivationRecord> history;
  int64_t next = 1;
  // Reads on in `uid` up to `last`; `next` is the event after the last read.
  auto read = [this, &history, &next](Uid uid, int64_t last) -> absl::Status {
    while (next <= last) {
      ASSIGN_OR_RETURN(auto page,
                       store_.ReadActivations(uid, next, kReadBytes));
      if (page.empty()) return absl::OkStatus();
      for (ActivationRecord& record : page) {
        const int64_t end = record.events(record.events_size() - 1).event_id();
        if (end > last) return absl::OkStatus();
        next = end + 1;
        history.push_back(std::move(record));
      }
    }
    return absl::OkStatus();
  };
  for (const auto& segment : run.segments) {
    RETURN_IF_ERROR(read(Uid{segment.uid()}, segment.last_event_id()));
  }
  RETURN_IF_ERROR(read(run.state.uid, std::numeric_limits<int64_t>::max()));
  history.insert(history.end(), run.undurable.begin(), run.undurable.end());
  return history;
}

void RunTable::Revive(LiveRun& run,
                      const std::vector<ActivationRecord>& history) {
  run.state = Fold(run.state, history);
  ReplayFlow(run, history, v1::Blocked());
}

void RunTable::BlockUnknownFlow(LiveRun& run, const std::string& flow) {
  SetBlocked(run, v1::BLOCKED_REASON_FLOW_UNKNOWN, 1,
             absl::StrCat("build ", flows_.build_id(), " has no flow ", flow,
                          "; run a build that has it, or terminate the run"));
}

absl::Status RunTable::Block(LiveRun& run, v1::BlockedReason reason,
                             const std::string& report) {
  ASSIGN_OR_RETURN(auto history, History(run));
  int64_t event_id = run.state.last_event_id;
  run.state = Fold(run.state, history);
  SetBlocked(run, reason, event_id, report);
  return absl::OkStatus();
}

void RunTable::EndFlow(LiveRun& run, const v1::HistoryEvent& event) {
  if (run.flow == nullptr) return;
  crashes_.Switch(run.state.uid, run.name, run.state.run.flow());
  replay::InFlow in_flow(&crashes_, event);
  run.flow.reset();
}

void RunTable::EvictFlow(LiveRun& run) {
  if (run.flow == nullptr) return;
  crashes_.Switch(run.state.uid, run.name, run.state.run.flow());
  InEviction in_eviction(crashes_);
  run.flow.reset();
}

void RunTable::BlockCrashed(LiveRun& run,
                            const storage::v1::FlowCrashRecord& record) {
  const int64_t event_id = record.event_id() == FlowPlace::kEviction
                               ? run.state.last_event_id
                               : record.event_id();
  SetBlocked(run, v1::BLOCKED_REASON_FLOW_CRASHED, event_id,
             CrashReport(record));
}

void RunTable::SetBlocked(LiveRun& run, v1::BlockedReason reason,
                          int64_t event_id, const std::string& report) {
  run.flow.reset();
  run.state.run.set_state(v1::RUN_STATE_BLOCKED);
  auto* blocked = run.state.run.mutable_blocked();
  blocked->set_reason(reason);
  blocked->set_event_id(event_id);
  blocked->set_report(report);
  blocked->set_build_id(flows_.build_id());
  blocked->set_mailbox_size(
      static_cast<int>(run.mailbox_next - run.mailbox_first));
}

void RunTable::ForgetName(const RunName& name, Uid uid) {
  auto it = names_.find(name);
  if (it != names_.end() && it->second == uid) names_.erase(it);
}

void RunTable::Evict(size_t max) {
  gone_.clear();
  std::vector<std::pair<uint64_t, Uid>> open;
  for (auto it = runs_.begin(); it != runs_.end();) {
    it->second.undurable.clear();
    if (it->second.state.closed()) {
      ForgetName(it->second.name, it->first);
      it = runs_.erase(it);
    } else {
      if (runs_.size() > max)
        open.emplace_back(it->second.last_used, it->first);
      ++it;
    }
  }
  if (runs_.size() <= max) return;
  std::sort(open.begin(), open.end());
  for (const auto& [used, uid] : open) {
    if (runs_.size() <= max) return;
    LiveRun& run = runs_[uid];
    ForgetName(run.name, uid);
    EvictFlow(run);
    runs_.erase(uid);
  }
}

}  // namespace anabranch::shard
