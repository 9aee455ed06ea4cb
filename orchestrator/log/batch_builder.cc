#include <utility>

#include "base/check.h"
#include "orchestrator/log/record.h"
#include "orchestrator/log/store.h"
#include "orchestrator/log/store_keys.h"

namespace anabranch::log {

void BatchBuilder::Put(std::string key, std::string_view payload) {
  std::string value = WrapRecord(key, payload);
  bytes_ += static_cast<int64_t>(key.size() + value.size());
  batch_.changes.push_back({std::move(key), std::move(value)});
}

void BatchBuilder::Delete(std::string key) {
  bytes_ += static_cast<int64_t>(key.size());
  batch_.changes.push_back({std::move(key), std::nullopt});
}

WriteBatch BatchBuilder::Take() {
  bytes_ = 0;
  return std::exchange(batch_, WriteBatch());
}

void BatchBuilder::PutActivation(Uid uid,
                                 const storage::ActivationRecord& record) {
  AB_CHECK(record.events_size() > 0);
  Put(EventKey(uid, record.events(0).event_id()), record.SerializeAsString());
}

void BatchBuilder::PutActivity(const storage::ActivityRecord& record) {
  ActivityId id{.uid = Uid{record.uid()}, .seq = record.info().seq()};
  Put(ActivityKey(id), record.SerializeAsString());
}

void BatchBuilder::DeleteActivity(ActivityId id) { Delete(ActivityKey(id)); }

void BatchBuilder::PutTimer(const storage::TimerRecord& record) {
  Put(TimerKey(Uid{record.uid()}, record.seq()), record.SerializeAsString());
}

void BatchBuilder::DeleteTimer(Uid uid, int64_t seq) {
  Delete(TimerKey(uid, seq));
}

void BatchBuilder::PutMailbox(Uid uid, int64_t n,
                              const storage::MailboxRecord& record) {
  Put(MailboxKey(uid, n), record.SerializeAsString());
}

void BatchBuilder::DeleteMailbox(Uid uid, int64_t n) {
  Delete(MailboxKey(uid, n));
}

void BatchBuilder::PutStatus(Uid uid, const storage::StatusRecord& record) {
  Put(StatusKey(uid), record.SerializeAsString());
}

void BatchBuilder::PutUsage(const TaskToken& token,
                            const storage::UsageRecord& record) {
  Put(UsageKey(token), record.SerializeAsString());
}

void BatchBuilder::PutRunIndex(const RunName& name,
                               const storage::RunIndexRecord& record) {
  Put(RunIndexKey(name), record.SerializeAsString());
}

void BatchBuilder::PutDedup(const RunName& name, std::string_view request_id,
                            const storage::DedupRecord& record) {
  Put(DedupKey(name, request_id), record.SerializeAsString());
}

void BatchBuilder::PutOpen(Uid uid) { Put(OpenKey(uid), ""); }

void BatchBuilder::DeleteOpen(Uid uid) { Delete(OpenKey(uid)); }

void BatchBuilder::PutPaused(Uid uid) { Put(PausedKey(uid), ""); }

void BatchBuilder::DeletePaused(Uid uid) { Delete(PausedKey(uid)); }

void BatchBuilder::PutDeadline(const storage::TimerRecord& record) {
  Put(DeadlineKey(Uid{record.uid()}), record.SerializeAsString());
}

void BatchBuilder::DeleteDeadline(Uid uid) { Delete(DeadlineKey(uid)); }

void BatchBuilder::DeleteStatus(Uid uid) { Delete(StatusKey(uid)); }

void BatchBuilder::DeleteRunIndex(const RunName& name) {
  Delete(RunIndexKey(name));
}

void BatchBuilder::DeleteListing(std::string_view ns, absl::Time create_time,
                                 Uid uid) {
  Delete(ListingKey(ns, create_time, uid));
}

void BatchBuilder::PutDeletion(Uid uid) { Put(DeletionKey(uid), ""); }

void BatchBuilder::DeleteDeletion(Uid uid) { Delete(DeletionKey(uid)); }

void BatchBuilder::PutOwner(std::string_view sha256, Uid owner) {
  Put(OwnersKey(sha256, owner), "");
  Put(OwnedKey(owner, sha256), "");
}

void BatchBuilder::DeleteOwner(std::string_view sha256, Uid owner) {
  Delete(OwnersKey(sha256, owner));
  Delete(OwnedKey(owner, sha256));
}

void BatchBuilder::DeletePayload(std::string_view sha256) {
  Delete(PayloadKey(sha256));
}

void BatchBuilder::PutListing(std::string_view ns, absl::Time create_time,
                              Uid uid) {
  Put(ListingKey(ns, create_time, uid), "");
}

void BatchBuilder::PutBatch(const storage::BatchRecord& record) {
  Put(BatchRecordKey(record.namespace_(), record.batch_id()),
      record.SerializeAsString());
}

void BatchBuilder::PutBatchListing(std::string_view ns, absl::Time create_time,
                                   std::string_view batch_id) {
  Put(BatchListingKey(ns, create_time, batch_id), "");
}

void BatchBuilder::PutOpenBatch(std::string_view ns,
                                std::string_view batch_id) {
  Put(OpenBatchKey(ns, batch_id), "");
}

void BatchBuilder::DeleteOpenBatch(std::string_view ns,
                                   std::string_view batch_id) {
  Delete(OpenBatchKey(ns, batch_id));
}

void BatchBuilder::PutPayload(const anabranch::v1::PayloadRef& ref,
                              std::string_view content) {
  std::string encoded;
  encoded.reserve(1 + content.size());
  encoded.push_back(static_cast<char>(ref.encoding()));
  encoded.append(content);
  Put(PayloadKey(ref.sha256()), encoded);
}

void BatchBuilder::PutTaskQueue(const storage::TaskQueueRecord& record) {
  Put(TaskQueueKey(record.name()), record.SerializeAsString());
}

void BatchBuilder::DeleteTaskQueue(std::string_view name) {
  Delete(TaskQueueKey(name));
}

void BatchBuilder::PutConversation(const storage::ConversationRecord& record) {
  Put(ConversationKey(record.namespace_(), record.conversation_id(),
                      record.revision()),
      record.SerializeAsString());
}

void BatchBuilder::PutChild(const storage::ChildRecord& record) {
  Put(ChildKey(Uid{record.uid()}, record.scheduled().seq()),
      record.SerializeAsString());
}

void BatchBuilder::DeleteChild(Uid parent, int64_t seq) {
  Delete(ChildKey(parent, seq));
}

void BatchBuilder::PutParentNotice(Uid child,
                                   const storage::ParentNoticeRecord& record) {
  Put(ParentNoticeKey(child), record.SerializeAsString());
}

void BatchBuilder::DeleteParentNotice(Uid child) {
  Delete(ParentNoticeKey(child));
}

void BatchBuilder::PutFlowCrash(const storage::FlowCrashRecord& record) {
  Put(FlowCrashKey(Uid{record.uid()}, record.event_id()),
      record.SerializeAsString());
}

void BatchBuilder::DeleteFlowCrash(Uid uid, int64_t event_id) {
  Delete(FlowCrashKey(uid, event_id));
}

}  // namespace anabranch::log
