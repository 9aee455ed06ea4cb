// StartRun: a new run, or the one that has the id already.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
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
  if (flows_.Find(input.flow) == nullptr) return FlowNotFound(input.flow);
  Remember(input.name, input.request_id, kCreated, digest, now);
  return StartedRun{input.name, BeginRun(input, now), true};
}

absl::StatusOr<StartedRun> Shard::UseExisting(StartRun& input, Uid uid,
                                              const std::string& digest,
                                              Times now) {
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(uid));
  if (run == nullptr) return RunNotFound(input.name);
  const StartedRun existing{input.name, uid, false};
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
    // The one before may have moved the run to its next generation.
    ASSIGN_OR_RETURN(auto current, runs_.FindUid(input.name));
    ASSIGN_OR_RETURN(run, runs_.Load(current.value_or(uid)));
    if (run == nullptr) return RunNotFound(input.name);
    if (run->state.closed()) {
      // Or closed it: what was acknowledged is kept, for RetryRun.
      PutMail(*run, std::move(stimulus));
      Touch(run->state.uid);
      continue;
    }
    Stimulate(run->state.uid, std::move(stimulus), now);
  }
  return existing;
}

Uid Shard::NewUid() {
  Uid uid{random_.Next()};
  while (uid.value == 0) uid.value = random_.Next();
  return uid;
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
  batch_.PutListing(input.name.ns, now.wall, uid);
  BeginGeneration(input.name, StartDigest(input), ToProto(now.wall),
                  std::move(started), now);
  return uid;
}

LiveRun& Shard::BeginGeneration(const RunName& name, const std::string& digest,
                                const google::protobuf::Timestamp& create_time,
                                api::RunStarted started, Times now) {
  const Uid uid = Uid::FromHex(started.uid()).value_or(Uid{});
  LiveRun& run = runs_.Create(name, uid);
  run.start_digest = digest;
  const sdk::FlowDefinition* flow = flows_.Find(started.flow());
  if (flow != nullptr) {
    run.flow = flow->create();
    run.flow->SetPayloadReader(this);
  }
  // So that a run whose very first activation breaks down has a face.
  api::Run& face = run.state.run;
  face.set_namespace_(name.ns);
  face.set_run_id(name.run_id);
  face.set_flow(started.flow());
  face.set_uid(started.uid());
  face.set_generation(started.generation());
  *face.mutable_create_time() = create_time;
  *face.mutable_labels() = started.labels();
  if (started.has_parent()) *face.mutable_parent() = started.parent();
  if (started.has_deadline()) {
    *face.mutable_deadline() = started.deadline();
    ArmDeadline(uid, started.deadline(), now);
  }
  storage::v1::RunIndexRecord index;
  index.set_uid(uid.value);
  batch_.PutRunIndex(name, index);
  batch_.PutOpen(uid);
  api::HistoryEvent stimulus;
  *stimulus.mutable_run_started() = std::move(started);
  Stimulate(uid, std::move(stimulus), now);
  return run;
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
