// Generations: a run's successive histories. Continue-as-new and RetryRun
// begin the next one in the batch that closes, or follows, the last.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

Uid Shard::NewUid() {
  Uid uid{random_.Next()};
  while (uid.value == 0) uid.value = random_.Next();
  return uid;
}

LiveRun& Shard::NewGeneration(const RunName& name, Uid uid,
                              const std::string& digest) {
  LiveRun& run = runs_.Create(name, uid);
  run.start_digest = digest;
  api::Run& face = run.state.run;
  face.set_namespace_(name.ns);
  face.set_run_id(name.run_id);
  face.set_uid(uid.ToHex());
  face.set_generation(1);
  face.set_state(api::RUN_STATE_RUNNING);
  storage::v1::RunIndexRecord index;
  index.set_uid(uid.value);
  batch_.PutRunIndex(name, index);
  batch_.PutOpen(uid);
  return run;
}

LiveRun& Shard::NextGeneration(LiveRun& before, Uid uid) {
  const Uid old = before.state.uid;
  LiveRun& run = NewGeneration(before.name, uid, before.start_digest);
  run.previous_uid = old;
  // What is known of the run as a whole goes on.
  auto usage = new_usage_.find(old);
  if (usage != new_usage_.end()) {
    for (const std::string& json : usage->second) {
      core::AddUsage(*before.state.run.mutable_usage(), json);
    }
    new_usage_.erase(usage);
  }
  const api::Run& last = before.state.run;
  api::Run& face = run.state.run;
  face.set_flow(last.flow());
  face.set_generation(last.generation() + 1);
  *face.mutable_create_time() = last.create_time();
  *face.mutable_labels() = last.labels();
  *face.mutable_input() = last.input();
  if (last.has_parent()) *face.mutable_parent() = last.parent();
  if (last.has_usage()) *face.mutable_usage() = last.usage();
  // Listed once, at its place.
  const absl::Time created = FromProto(last.create_time());
  batch_.DeleteListing(before.name.ns, created, old);
  batch_.PutListing(before.name.ns, created, uid);
  return run;
}

void Shard::BeginGeneration(LiveRun& run, api::RunStarted started, Times now) {
  const Uid uid = run.state.uid;
  const sdk::FlowDefinition* flow = flows_.Find(started.flow());
  if (flow != nullptr) {
    run.flow = flow->create();
    run.flow->SetPayloadReader(this);
  } else {
    runs_.BlockUnknownFlow(run, started.flow());
  }
  // So that a run whose very first activation breaks down has a face.
  api::Run& face = run.state.run;
  face.set_flow(started.flow());
  *face.mutable_labels() = started.labels();
  if (started.has_parent()) *face.mutable_parent() = started.parent();
  if (started.has_deadline()) {
    *face.mutable_deadline() = started.deadline();
    ArmDeadline(uid, started.deadline(), now);
  }
  api::HistoryEvent stimulus;
  *stimulus.mutable_run_started() = std::move(started);
  if (++generations_begun_[run.name] <= limits::kGenerationsPerRoundMax) {
    Stimulate(uid, std::move(stimulus), now);
    return;
  }
  // A flow that does nothing but continue as new lets others have their turn.
  Touch(uid);
  core::ForEachPayload(
      stimulus, [this, uid](api::Payload& payload) { Keep(uid, payload); });
  PutTakeableMail(run, std::move(stimulus));
  postponed_.push_back(uid);
}

void Shard::BeginPostponed(Times now) {
  for (Uid uid : std::exchange(postponed_, {})) {
    auto run = runs_.Load(uid);
    AB_CHECK_MSG(run.ok(), std::string(run.status().message()));
    if (*run == nullptr || (*run)->flow == nullptr) continue;
    if (generations_begun_[(*run)->name] > limits::kGenerationsPerRoundMax) {
      // Postponed in this very round.
      postponed_.push_back(uid);
      continue;
    }
    TakeMail(**run, now);
  }
}

absl::StatusOr<api::RunStarted> Shard::StartOf(const LiveRun& run) {
  if (!run.undurable.empty()) {
    const api::HistoryEvent& first = run.undurable.front().events(0);
    if (first.has_run_started()) return first.run_started();
  }
  const Uid origin =
      run.segments.empty() ? run.state.uid : Uid{run.segments[0].uid()};
  ASSIGN_OR_RETURN(auto page, store_.ReadActivations(origin, 1, 1));
  if (page.empty() || !page[0].events(0).has_run_started()) {
    return absl::DataLossError("run " + origin.ToHex() +
                               " has lost its first event");
  }
  return page[0].events(0).run_started();
}

void Shard::ContinueAsNew(LiveRun& before,
                          const api::RunContinuedAsNew& continued, bool paused,
                          Times now) {
  auto first = StartOf(before);
  AB_CHECK_MSG(first.ok(), std::string(first.status().message()));
  api::RunStarted started = *std::move(first);
  const Uid uid = Uid::FromHex(continued.uid()).value_or(Uid{});
  LiveRun& run = NextGeneration(before, uid);
  *started.mutable_input() = continued.input();
  started.set_uid(continued.uid());
  started.set_generation(run.state.run.generation());
  started.set_seed(random_.Next());
  started.set_continued_from(before.state.uid.ToHex());
  started.set_cancel_requested(before.state.run.cancel_requested());
  *started.mutable_signals() = continued.unread_signals();
  started.clear_published();
  for (const auto& [name, value] : before.state.published) {
    (*started.mutable_published())[name] = value;
  }
  started.clear_deadline();
  if (before.state.run.has_deadline()) {
    *started.mutable_deadline() = before.state.run.deadline();
  }
  if (paused) {
    run.pause_reason = before.pause_reason;
    HoldRun(uid);
  }
  BeginGeneration(run, std::move(started), now);
}

void Shard::CountFor(Uid uid, const std::string& usage_json) {
  if (usage_json.empty()) return;
  if (options_.observer != nullptr) options_.observer->Used(usage_json);
  new_usage_[uid].push_back(usage_json);
  Touch(uid);
  // Of a run that has gone on since: its newest generation shows the sum.
  LiveRun* run = runs_.Find(uid);
  RunName name;
  if (run != nullptr) {
    name = run->name;
  } else {
    auto status = runs_.ReadStatus(uid);
    AB_CHECK_MSG(status.ok(), std::string(status.status().message()));
    if (!status->has_value()) return;
    name = {(*status)->run().namespace_(), (*status)->run().run_id()};
  }
  auto current = runs_.FindUid(name);
  AB_CHECK_MSG(current.ok(), std::string(current.status().message()));
  if (!current->has_value() || **current == uid) return;
  new_usage_[**current].push_back(usage_json);
  Touch(**current);
}

}  // namespace anabranch::shard
