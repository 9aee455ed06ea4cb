// What clients ask for: start, signal, cancel, terminate, import.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

// Tells requests apart: parts cannot run into each other.
std::string Digest(std::initializer_list<std::string_view> parts) {
  std::string bytes;
  for (std::string_view part : parts) {
    bytes += std::to_string(part.size());
    bytes += ':';
    bytes += part;
  }
  return Sha256Hex(bytes);
}

// The same for equal content, whether inline or a reference.
std::string PayloadDigest(const api::Payload& payload) {
  if (payload.has_ref()) return payload.ref().sha256();
  auto content = core::ContentOf(payload);
  return content.bytes == nullptr ? "" : Sha256Hex(*content.bytes);
}

// A server-made id: of the request when it has one, so that a retried start
// finds its run.
std::string MakeRunId(const StartRun& input, Random& random) {
  if (input.request_id.empty()) {
    return "run-" + RandomHexId(random).substr(0, 16);
  }
  return "run-" + Digest({input.name.ns, input.request_id}).substr(0, 24);
}

}  // namespace

bool Shard::Deduplicated(const RunName& name, const std::string& request_id,
                         const std::string& digest, const DoneReply& reply) {
  if (request_id.empty()) return false;
  std::optional<storage::v1::DedupRecord> known;
  auto it = new_dedups_.find({name, request_id});
  if (it != new_dedups_.end()) {
    known = it->second;
  } else {
    auto stored = store_.ReadDedup(name, request_id);
    if (!stored.ok()) {
      Later([reply, status = stored.status()] { reply(status); });
      return true;
    }
    known = *std::move(stored);
  }
  if (!known.has_value()) return false;
  absl::Status answer = known->body_digest() == digest
                            ? absl::OkStatus()
                            : RequestIdReused(request_id);
  Later([reply, answer] { reply(answer); });
  return true;
}

void Shard::Remember(const RunName& name, const std::string& request_id,
                     const std::string& method, const std::string& digest,
                     Times now) {
  if (request_id.empty()) return;
  storage::v1::DedupRecord record;
  record.set_method(method);
  record.set_body_digest(digest);
  *record.mutable_time() = ToProto(now.wall);
  batch_.PutDedup(name, request_id, record);
  new_dedups_[{name, request_id}] = std::move(record);
}

absl::StatusOr<LiveRun*> Shard::OpenRun(const RunName& name) {
  if (disk_full_) return DiskFull();
  ASSIGN_OR_RETURN(auto uid, runs_.FindUid(name));
  if (!uid.has_value()) return RunNotFound(name);
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(*uid));
  if (run == nullptr) return RunNotFound(name);
  return run;
}

void Shard::On(StartRun input, Times now) {
  if (input.name.run_id.empty()) {
    input.name.run_id = MakeRunId(input, random_);
  }
  const RunName name = input.name;
  const std::string digest = Digest({input.flow, PayloadDigest(input.input)});
  Reply<StartedRun> reply = input.reply;
  auto answer = [this, reply](absl::StatusOr<StartedRun> result) {
    Later([reply, result = std::move(result)] { reply(result); });
  };
  auto uid = runs_.FindUid(name);
  if (!uid.ok()) return answer(uid.status());
  // A repeated request gets the first answer; only then does the id matter.
  bool repeated =
      Deduplicated(name, input.request_id, digest,
                   [reply, name, uid = *uid](const absl::Status& status) {
                     if (!status.ok()) return reply(status);
                     reply(StartedRun{name, uid.value_or(Uid{}), true});
                   });
  if (repeated) return;
  if (uid->has_value()) {
    auto run = runs_.Load(**uid);
    if (!run.ok()) return answer(run.status());
    if (*run == nullptr || (*run)->start_digest != digest) {
      return answer(RunAlreadyExists(name));
    }
    return answer(StartedRun{name, **uid, false});
  }
  if (disk_full_) return answer(DiskFull());
  if (flows_.Find(input.flow) == nullptr) {
    return answer(FlowNotFound(input.flow));
  }
  BeginRun(input, digest, now);
}

void Shard::BeginRun(const StartRun& input, const std::string& digest,
                     Times now) {
  Uid uid{random_.Next()};
  while (uid.value == 0) uid.value = random_.Next();
  LiveRun& run = runs_.Create(input.name, uid);
  run.start_digest = digest;
  run.flow = flows_.Find(input.flow)->create();
  run.flow->SetPayloadReader(this);
  // So that a run whose very first activation breaks down has a face.
  run.state.run.set_namespace_(input.name.ns);
  run.state.run.set_run_id(input.name.run_id);
  run.state.run.set_flow(input.flow);
  run.state.run.set_uid(uid.ToHex());
  run.state.run.set_generation(1);
  *run.state.run.mutable_create_time() = ToProto(now.wall);

  api::HistoryEvent stimulus;
  auto* started = stimulus.mutable_run_started();
  started->set_namespace_(input.name.ns);
  started->set_run_id(input.name.run_id);
  started->set_flow(input.flow);
  *started->mutable_input() = input.input;
  started->set_uid(uid.ToHex());
  started->set_generation(1);
  started->set_seed(random_.Next());
  started->set_request_id(input.request_id);
  for (const auto& [name, payload] : input.attachments) {
    (*started->mutable_attachments())[name] = payload;
  }
  for (const auto& [name, value] : input.labels) {
    (*started->mutable_labels())[name] = value;
  }
  storage::v1::RunIndexRecord index;
  index.set_uid(uid.value);
  batch_.PutRunIndex(input.name, index);
  batch_.PutOpen(uid);
  batch_.PutListing(input.name.ns, now.wall, uid);
  Remember(input.name, input.request_id, "StartRun", digest, now);
  Stimulate(uid, std::move(stimulus), now);
  Later([reply = input.reply, name = input.name, uid] {
    reply(StartedRun{name, uid, true});
  });
}

void Shard::On(SignalRun input, Times now) {
  auto answer = [this, &input](absl::Status status) {
    Later([reply = input.reply, status = std::move(status)] { reply(status); });
  };
  const std::string digest =
      Digest({"SignalRun", input.signal, PayloadDigest(input.input)});
  if (Deduplicated(input.name, input.request_id, digest, input.reply)) return;
  auto run = OpenRun(input.name);
  if (!run.ok()) return answer(run.status());
  if ((*run)->state.closed()) {
    return answer(
        RunClosed(input.name, api::RunState_Name((*run)->state.run.state())));
  }
  if ((*run)->mailbox_next - (*run)->mailbox_first >= limits::kMailboxMax) {
    return answer(MailboxFull(input.name));
  }
  api::HistoryEvent stimulus;
  auto* signal = stimulus.mutable_signal_received();
  signal->set_name(input.signal);
  *signal->mutable_input() = input.input;
  signal->set_request_id(input.request_id);
  Remember(input.name, input.request_id, "SignalRun", digest, now);
  Stimulate((*run)->state.uid, std::move(stimulus), now);
  answer(absl::OkStatus());
}

void Shard::On(CancelRun input, Times now) {
  auto answer = [this, &input](absl::Status status) {
    Later([reply = input.reply, status = std::move(status)] { reply(status); });
  };
  const std::string digest = Digest({"CancelRun", input.reason});
  if (Deduplicated(input.name, input.request_id, digest, input.reply)) return;
  auto run = OpenRun(input.name);
  if (!run.ok()) return answer(run.status());
  if ((*run)->state.closed()) {
    return answer(
        RunClosed(input.name, api::RunState_Name((*run)->state.run.state())));
  }
  Remember(input.name, input.request_id, "CancelRun", digest, now);
  if (!(*run)->state.run.cancel_requested()) {
    api::HistoryEvent stimulus;
    stimulus.mutable_cancel_requested()->set_reason(input.reason);
    stimulus.mutable_cancel_requested()->set_request_id(input.request_id);
    Stimulate((*run)->state.uid, std::move(stimulus), now);
  }
  answer(absl::OkStatus());
}

void Shard::On(TerminateRun input, Times now) {
  auto answer = [this, &input](absl::Status status) {
    Later([reply = input.reply, status = std::move(status)] { reply(status); });
  };
  const std::string digest = Digest({"TerminateRun", input.reason});
  if (Deduplicated(input.name, input.request_id, digest, input.reply)) return;
  auto found = OpenRun(input.name);
  if (!found.ok()) return answer(found.status());
  LiveRun& run = **found;
  if (run.state.closed()) {
    return answer(
        RunClosed(input.name, api::RunState_Name(run.state.run.state())));
  }
  Remember(input.name, input.request_id, "TerminateRun", digest, now);
  // Administrative: never needs the flow.
  api::HistoryEvent event;
  event.mutable_run_terminated()->set_reason(input.reason);
  event.mutable_run_terminated()->set_request_id(input.request_id);
  event.set_event_id(run.state.last_event_id + 1);
  event.set_activation(event.event_id());
  *event.mutable_event_time() =
      ToProto(std::max(now.wall, run.state.last_time));
  storage::v1::ActivationRecord record;
  AppendEvent(run, std::move(event), record);
  Record(run, std::move(record), now);
  answer(absl::OkStatus());
}

void Shard::On(ImportConversation input, Times now) {
  auto& record = input.record;
  auto answer = [this, &input](absl::StatusOr<ImportedConversation> result) {
    Later([reply = input.reply, result = std::move(result)] { reply(result); });
  };
  if (disk_full_) return answer(DiskFull());
  const std::pair key(record.namespace_(), record.conversation_id());
  std::optional<storage::v1::ConversationRecord> known;
  if (auto it = new_conversations_.find(key); it != new_conversations_.end()) {
    known = it->second;
  } else {
    auto stored =
        store_.ReadConversation(record.namespace_(), record.conversation_id());
    if (!stored.ok()) return answer(stored.status());
    known = *std::move(stored);
  }
  if (known.has_value() &&
      known->source().sha256() == record.source().sha256()) {
    return answer(ImportedConversation{*known, false});
  }
  // Both are sorted by uuid: every known line must still be there, unchanged.
  bool extends = !known.has_value() ||
                 std::includes(record.lines().begin(), record.lines().end(),
                               known->lines().begin(), known->lines().end(),
                               [](const auto& a, const auto& b) {
                                 return std::pair(a.uuid(), a.hash()) <
                                        std::pair(b.uuid(), b.hash());
                               });
  if (!extends) return answer(ConversationExists(record.conversation_id()));
  record.set_revision(known.has_value() ? known->revision() + 1 : 1);
  *record.mutable_import_time() = ToProto(now.wall);
  batch_.PutPayload(record.source(), input.content);
  new_payloads_[record.source().sha256()] = std::move(input.content);
  batch_.PutConversation(record);
  new_conversations_[key] = record;
  answer(ImportedConversation{record, true});
}

}  // namespace anabranch::shard
