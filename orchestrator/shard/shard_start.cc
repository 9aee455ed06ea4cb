// StartRun: a new run, or the one that has the id already.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/request_digest.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

// Methods of dedup records: a repeated start must say `created` as the first
// one did.
constexpr char kCreated[] = "StartRun";
constexpr char kExisting[] = "StartRun/existing";

// A server-made id: of the request when it has one, so that a retried start
// finds its run.
std::string MakeRunId(const StartRun& input, Random& random) {
  if (input.request_id.empty()) {
    return "run-" + RandomHexId(random).substr(0, 16);
  }
  return "run-" + Digest({input.name.ns, input.request_id}).substr(0, 24);
}

}  // namespace

void Shard::On(StartRun input, Times now) {
  if (input.name.run_id.empty()) {
    input.name.run_id = MakeRunId(input, random_);
  }
  absl::StatusOr<StartedRun> result = Start(input, now);
  Later([reply = std::move(input.reply), result = std::move(result)] {
    reply(result);
  });
}

absl::StatusOr<StartedRun> Shard::Start(StartRun& input, Times now) {
  const std::string digest = StartRequestDigest(input);
  ASSIGN_OR_RETURN(auto uid, runs_.FindUid(input.name));
  // A repeated request gets the first answer; only then does the id matter.
  ASSIGN_OR_RETURN(auto known, FindDedup(input.name, input.request_id));
  if (known.has_value()) {
    if (known->body_digest() != digest) {
      return RequestIdReused(input.request_id);
    }
    return StartedRun{input.name, uid.value_or(Uid{}),
                      known->method() == kCreated};
  }
  if (uid.has_value()) return UseExisting(input, *uid, digest, now);
  if (disk_full_) return DiskFull();
  if (IsBeingDeleted(input.name)) return RunBeingDeleted(input.name);
  for (auto& [name, payload] : input.attachments) {
    RETURN_IF_ERROR(CheckReferences(payload));
  }
  RETURN_IF_ERROR(CheckReferences(input.input));
  for (auto& signal : input.signals) {
    RETURN_IF_ERROR(CheckReferences(signal));
  }
  if (flows_.Find(input.flow) == nullptr) {
    return FlowNotFound(input.flow, flows_.Names());
  }
  Remember(input.name, input.request_id, kCreated, digest, now);
  return StartedRun{input.name, BeginRun(input, now), true};
}

absl::StatusOr<StartedRun> Shard::UseExisting(StartRun& input, Uid uid,
                                              const std::string& digest,
                                              Times now) {
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(uid));
  if (run == nullptr) return RunNotFound(input.name);
  StartedRun existing{input.name, uid, false};
  const bool same = run->start_digest == StartDigest(input);
  if (!input.use_existing || (run->state.closed() && input.signals.empty())) {
    if (same) return existing;
    return input.use_existing ? ExistingRunClosed(input.name, run->state.run)
                              : RunAlreadyExists(input.name);
  }
  if (run->state.closed()) {
    return ExistingRunClosed(input.name, run->state.run);
  }
  if (input.signals.empty()) return existing;
  if (disk_full_) return DiskFull();
  RETURN_IF_ERROR(CheckRoomForSignals(*run, input.signals.size()));
  Remember(input.name, input.request_id, kExisting, digest, now);
  for (api::SignalReceived& signal : input.signals) {
    api::HistoryEvent stimulus;
    *stimulus.mutable_signal_received() = std::move(signal);
    stimulus.mutable_signal_received()->set_request_id(input.request_id);
    RETURN_IF_ERROR(StimulateCurrent(input.name, std::move(stimulus), now));
  }
  return existing;
}

absl::Status Shard::StimulateCurrent(const RunName& name,
                                     api::HistoryEvent stimulus, Times now) {
  // The stimulus before may have moved the run to its next generation.
  ASSIGN_OR_RETURN(auto uid, runs_.FindUid(name));
  if (!uid.has_value()) return RunNotFound(name);
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(*uid));
  if (run == nullptr) return RunNotFound(name);
  if (!run->state.closed()) {
    Stimulate(*uid, std::move(stimulus), now);
    return absl::OkStatus();
  }
  // Or closed it: what was acknowledged is kept, for RetryRun. A request to
  // cancel came too late for a run that is never to be retried.
  const api::RunState state = run->state.run.state();
  if (stimulus.has_cancel_requested() && (state == api::RUN_STATE_COMPLETED ||
                                          state == api::RUN_STATE_CANCELLED)) {
    return absl::OkStatus();
  }
  core::ForEachPayload(
      stimulus, [this, uid](api::Payload& payload) { Keep(*uid, payload); });
  PutMail(*run, std::move(stimulus));
  Touch(*uid);
  return absl::OkStatus();
}

Uid Shard::BeginRun(const StartRun& input, Times now) {
  const Uid uid = NewUid();
  api::RunStarted started;
  started.set_namespace_(input.name.ns);
  started.set_run_id(input.name.run_id);
  started.set_flow(input.flow);
  *started.mutable_input() = input.input;
  started.set_uid(uid.ToHex());
  started.set_generation(1);
  started.set_seed(random_.Next());
  started.set_request_id(input.request_id);
  for (const auto& [name, payload] : input.attachments) {
    (*started.mutable_attachments())[name] = payload;
  }
  for (const auto& [name, value] : input.labels) {
    (*started.mutable_labels())[name] = value;
  }
  for (const auto& signal : input.signals) {
    *started.add_signals() = signal;
    started.mutable_signals()->rbegin()->set_request_id(input.request_id);
  }
  if (input.run_timeout.has_value()) {
    *started.mutable_deadline() = ToProto(now.wall + *input.run_timeout);
  }
  if (input.parent.has_value()) *started.mutable_parent() = *input.parent;
  LiveRun& run = NewGeneration(input.name, uid, StartDigest(input));
  *run.state.run.mutable_create_time() = ToProto(now.wall);
  batch_.PutListing(input.name.ns, now.wall, uid);
  BeginGeneration(run, std::move(started), now);
  return uid;
}

void Shard::ArmDeadline(Uid uid, const google::protobuf::Timestamp& deadline,
                        Times now) {
  storage::v1::TimerRecord record;
  record.set_uid(uid.value);
  *record.mutable_fire_time() = deadline;
  const absl::Duration left =
      std::max(FromProto(deadline) - now.wall, absl::ZeroDuration());
  *record.mutable_duration() = ToProto(left);
  batch_.PutDeadline(record);
  timers_.Arm({{uid, 0}, TimerKind::kRunDeadline}, now.steady + left);
}

}  // namespace anabranch::shard
