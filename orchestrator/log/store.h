// The typed view of the event log: which record lies under which key.
//
// Keys are two bytes of kind, then big-endian numbers and 0-terminated
// strings, so that one generation's history is one range scan:
//
//   ev <uid> <first event id>          ActivationRecord
//   ac <uid> <seq>                     ActivityRecord of an open activity
//   ti <uid> <seq>                     TimerRecord of an open timer
//   mb <uid> <n>                       MailboxRecord
//   st <uid>                           StatusRecord
//   us <uid> <seq> <attempt> <epoch>   UsageRecord
//   ru <namespace> 0 <run_id> 0        RunIndexRecord
//   dd <namespace> 0 <run_id> 0 <request_id>   DedupRecord
//   op <uid>                           a run that is open (empty value)
//   pa <uid>                           a run that is paused (empty value)
//   rd <uid>                           TimerRecord of an open run's deadline
//   de <uid>                           being deleted (empty value)
//   po <sha256> 0 <owner>              who refers to a content (empty value)
//   ow <owner> <sha256>                the same, the other way round
//   ls <namespace> 0 <~create time> <uid>      listing, newest first
//   ba <namespace> 0 <batch_id> 0      BatchRecord
//   bl <namespace> 0 <~create time> <batch_id> 0   listing, newest first
//   bo <namespace> 0 <batch_id> 0      a batch that is open (empty value)
//   pl <sha256>                        payload content: encoding byte, bytes
//   cv <namespace> 0 <id> 0 <revision> ConversationRecord
//   ch <uid> <seq>                     ChildRecord of an open child
//   pn <child uid>                     ParentNoticeRecord
//   fc <uid> <event id>                FlowCrashRecord: a flow died there
//   tq <name>                          TaskQueueRecord of a queue with limits
//   sm                                 StoreRecord
//
// Every value is wrapped in the record envelope (record.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "base/ids.h"
#include "orchestrator/log/event_log.h"

namespace anabranch::log {

namespace storage = anabranch::storage::v1;

// Identity of a run as callers know it.
struct RunName {
  std::string ns;
  std::string run_id;
  auto operator<=>(const RunName&) const = default;
};

// Collects typed changes for one atomic batch. Threads: one.
class BatchBuilder {
 public:
  void PutActivation(Uid uid, const storage::ActivationRecord& record);
  void PutActivity(const storage::ActivityRecord& record);
  void DeleteActivity(ActivityId id);
  void PutTimer(const storage::TimerRecord& record);
  void DeleteTimer(Uid uid, int64_t seq);
  void PutMailbox(Uid uid, int64_t n, const storage::MailboxRecord& record);
  void DeleteMailbox(Uid uid, int64_t n);
  void PutStatus(Uid uid, const storage::StatusRecord& record);
  void PutUsage(const TaskToken& token, const storage::UsageRecord& record);
  void PutRunIndex(const RunName& name, const storage::RunIndexRecord& record);
  void PutDedup(const RunName& name, std::string_view request_id,
                const storage::DedupRecord& record);
  void PutOpen(Uid uid);
  void DeleteOpen(Uid uid);
  void PutPaused(Uid uid);
  void DeletePaused(Uid uid);
  // `record.seq` is 0.
  void PutDeadline(const storage::TimerRecord& record);
  void DeleteDeadline(Uid uid);
  void DeleteStatus(Uid uid);
  void DeleteRunIndex(const RunName& name);
  void DeleteListing(std::string_view ns, absl::Time create_time, Uid uid);
  void PutDeletion(Uid uid);
  void DeleteDeletion(Uid uid);
  // Both directions.
  void PutOwner(std::string_view sha256, Uid owner);
  void DeleteOwner(std::string_view sha256, Uid owner);
  void DeletePayload(std::string_view sha256);
  // A key that a reader listed.
  void DeleteKey(std::string key) { Delete(std::move(key)); }
  void PutListing(std::string_view ns, absl::Time create_time, Uid uid);
  void PutBatch(const storage::BatchRecord& record);
  void PutBatchListing(std::string_view ns, absl::Time create_time,
                       std::string_view batch_id);
  void PutOpenBatch(std::string_view ns, std::string_view batch_id);
  void DeleteOpenBatch(std::string_view ns, std::string_view batch_id);
  void PutPayload(const anabranch::v1::PayloadRef& ref,
                  std::string_view content);
  void PutConversation(const storage::ConversationRecord& record);
  void PutChild(const storage::ChildRecord& record);
  void DeleteChild(Uid parent, int64_t seq);
  void PutParentNotice(Uid child, const storage::ParentNoticeRecord& record);
  void DeleteParentNotice(Uid child);
  void PutFlowCrash(const storage::FlowCrashRecord& record);
  void DeleteFlowCrash(Uid uid, int64_t event_id);

  void PutTaskQueue(const storage::TaskQueueRecord& record);
  void DeleteTaskQueue(std::string_view name);

  bool empty() const { return batch_.changes.empty(); }
  int64_t Bytes() const { return bytes_; }
  // Hands the batch over and starts a new one.
  WriteBatch Take();

 private:
  void Put(std::string key, std::string_view payload);
  void Delete(std::string key);

  WriteBatch batch_;
  int64_t bytes_ = 0;
};

// Typed reads. Errors are kDataLoss naming the key when a record is damaged.
// Threads: any; the log outlives the reader.
class StoreReader {
 public:
  explicit StoreReader(EventLog& log) : log_(log) {}

  // Activations whose last event is >= from_event, in order, until about
  // `bytes_max` have been read (at least one is returned when there is one).
  absl::StatusOr<std::vector<storage::ActivationRecord>> ReadActivations(
      Uid uid, int64_t from_event, int64_t bytes_max);
  absl::StatusOr<std::vector<storage::ActivityRecord>> ReadActivities(Uid uid);
  // Open activities of all runs, for recovery.
  absl::StatusOr<std::vector<storage::ActivityRecord>> ReadAllActivities();
  absl::StatusOr<std::vector<storage::TimerRecord>> ReadTimers(Uid uid);
  absl::StatusOr<std::vector<storage::TimerRecord>> ReadAllTimers();
  struct MailboxEntry {
    int64_t n = 0;
    storage::MailboxRecord record;
  };
  absl::StatusOr<std::vector<MailboxEntry>> ReadMailbox(Uid uid);
  // Runs whose mailbox is not empty.
  absl::StatusOr<std::vector<Uid>> ReadMailboxRuns();
  absl::StatusOr<std::optional<storage::StatusRecord>> ReadStatus(Uid uid);
  absl::StatusOr<std::optional<storage::RunIndexRecord>> ReadRunIndex(
      const RunName& name);
  absl::StatusOr<std::optional<storage::DedupRecord>> ReadDedup(
      const RunName& name, std::string_view request_id);
  absl::StatusOr<std::vector<Uid>> ReadOpenRuns();
  absl::StatusOr<std::vector<Uid>> ReadPausedRuns();
  // Of open runs that have one.
  absl::StatusOr<std::vector<storage::TimerRecord>> ReadAllDeadlines();
  // Generations that are being deleted.
  absl::StatusOr<std::vector<Uid>> ReadDeletions();
  // At most `limit` keys of one generation and of the requests to its name:
  // all but its status and what it owns.
  absl::StatusOr<std::vector<std::string>> ListRunKeys(Uid uid,
                                                       const RunName& name,
                                                       int limit);
  // Hashes of content that `owner` refers to, at most `limit`.
  absl::StatusOr<std::vector<std::string>> ListOwned(Uid owner, int limit);
  // Whether that content has an owner for which `counts` is true.
  absl::StatusOr<bool> HasOwner(std::string_view sha256,
                                const std::function<bool(Uid)>& counts);
  // A page of a namespace's runs, newest first, after `cursor` (empty: from
  // the newest). `next_cursor` is empty at the end. Cursors are opaque bytes.
  struct RunPage {
    std::vector<Uid> uids;
    std::string next_cursor;
  };
  absl::StatusOr<RunPage> ListRuns(std::string_view ns, std::string_view cursor,
                                   int limit);
  absl::StatusOr<std::vector<storage::UsageRecord>> ReadUsage(Uid uid);
  // What one attempt used; nothing when no result of it came.
  absl::StatusOr<std::optional<storage::UsageRecord>> ReadUsageOf(
      const TaskToken& token);

  // Queues that have limits, by name.
  absl::StatusOr<std::vector<storage::TaskQueueRecord>> ReadTaskQueues();
  absl::StatusOr<std::optional<storage::BatchRecord>> ReadBatch(
      std::string_view ns, std::string_view batch_id);
  absl::StatusOr<std::vector<storage::BatchRecord>> ReadOpenBatches();
  // A namespace's batches, newest first, after `cursor` (of an earlier entry;
  // empty: from the newest).
  struct BatchEntry {
    std::string cursor;
    storage::BatchRecord record;
  };
  absl::StatusOr<std::vector<BatchEntry>> ListBatches(std::string_view ns,
                                                      std::string_view cursor,
                                                      int limit);

  absl::StatusOr<bool> HasPayload(std::string_view sha256);
  // Content by hash; kNotFound when there is none.
  struct Content {
    anabranch::v1::PayloadEncoding encoding =
        anabranch::v1::PAYLOAD_ENCODING_UNSPECIFIED;
    std::string bytes;
  };
  absl::StatusOr<Content> ReadPayload(std::string_view sha256);
  // The newest revision, or the one named; nothing when there is none.
  absl::StatusOr<std::optional<storage::ConversationRecord>> ReadConversation(
      std::string_view ns, std::string_view id, int32_t revision = 0);
  // Newest revisions by id, after `after_id` (a conversation id; empty: from
  // the first).
  absl::StatusOr<std::vector<storage::ConversationRecord>> ListConversations(
      std::string_view ns, std::string_view after_id, int limit);

  // Open children of all runs, and ends of children that their parents have
  // not taken yet, by child: for recovery.
  absl::StatusOr<std::vector<storage::ChildRecord>> ReadAllChildren();
  using ParentNotice = std::pair<Uid, storage::ParentNoticeRecord>;
  absl::StatusOr<std::vector<ParentNotice>> ReadParentNotices();
  absl::StatusOr<std::optional<storage::FlowCrashRecord>> ReadFlowCrash(
      Uid uid, int64_t event_id);
  absl::StatusOr<std::vector<storage::FlowCrashRecord>> ReadFlowCrashes();

 private:
  EventLog& log_;
};

}  // namespace anabranch::log
