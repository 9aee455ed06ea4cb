// What clients ask for: signal, cancel, terminate, import. Starts are in
// shard_start.cc.
#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/request_digest.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

absl::StatusOr<std::optional<storage::v1::DedupRecord>> Shard::FindDedup(
    const RunName& name, const std::string& request_id) {
  if (request_id.empty()) return std::optional<storage::v1::DedupRecord>();
  auto it = new_dedups_.find({name, request_id});
  if (it != new_dedups_.end()) return std::optional(it->second);
  return store_.ReadDedup(name, request_id);
}

bool Shard::Deduplicated(const RunName& name, const std::string& request_id,
                         const std::string& digest, const DoneReply& reply) {
  auto known = FindDedup(name, request_id);
  if (known.ok() && !known->has_value()) return false;
  absl::Status answer = known.status();
  if (known.ok() && (*known)->body_digest() != digest) {
    answer = RequestIdReused(request_id);
  }
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
  if (run->state.closed()) {
    return RunClosed(name, api::RunState_Name(run->state.run.state()));
  }
  return run;
}

absl::Status Shard::CheckRoomForSignals(const LiveRun& run, size_t count) {
  if (run.flow == nullptr) {
    const auto waiting =
        static_cast<size_t>(run.mailbox_next - run.mailbox_first);
    return waiting + count > limits::kMailboxMax ? MailboxFull(run.name)
                                                 : absl::OkStatus();
  }
  return run.flow->unread_signal_count() + count > limits::kUnreadSignalsMax
             ? SignalsFull(run.name)
             : absl::OkStatus();
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
  absl::Status known = CheckReferences(input.input);
  if (!known.ok()) return answer(std::move(known));
  absl::Status room = CheckRoomForSignals(**run, 1);
  if (!room.ok()) return answer(std::move(room));
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
  auto run = OpenRun(input.name);
  if (!run.ok()) return answer(run.status());
  Remember(input.name, input.request_id, "TerminateRun", digest, now);
  api::HistoryEvent event;
  event.mutable_run_terminated()->set_reason(input.reason);
  event.mutable_run_terminated()->set_request_id(input.request_id);
  AppendAdministrative(**run, std::move(event), now);
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
  gone_payloads_.erase(record.source().sha256());
  Own(ConversationOwner(record.namespace_(), record.conversation_id()),
      record.source().sha256());
  new_payloads_[record.source().sha256()] = std::move(input.content);
  batch_.PutConversation(record);
  new_conversations_[key] = record;
  answer(ImportedConversation{record, true});
}

}  // namespace anabranch::shard
