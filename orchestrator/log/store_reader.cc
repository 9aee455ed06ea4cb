#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "orchestrator/log/errors.h"
#include "orchestrator/log/record.h"
#include "orchestrator/log/store.h"
#include "orchestrator/log/store_keys.h"

namespace anabranch::log {
namespace {

template <typename Record>
absl::StatusOr<Record> Parse(std::string_view key, std::string_view value) {
  ASSIGN_OR_RETURN(std::string_view content, UnwrapRecord(key, value));
  Record record;
  if (!record.ParseFromArray(content.data(),
                             static_cast<int>(content.size()))) {
    return DamagedRecord(key, "its content cannot be parsed");
  }
  return record;
}

template <typename Record>
absl::StatusOr<std::optional<Record>> ReadOne(EventLog& log,
                                              const std::string& key) {
  ASSIGN_OR_RETURN(std::optional<std::string> value, log.Read(key));
  if (!value.has_value()) return std::optional<Record>();
  ASSIGN_OR_RETURN(Record record, Parse<Record>(key, *value));
  return std::optional<Record>(std::move(record));
}

// Calls `take` with the parsed record of each key until it returns false; the
// first error ends it.
template <typename Record, typename Take>
absl::Status ScanRecords(EventLog& log, const ScanOptions& options, Take take) {
  absl::Status damage;
  RETURN_IF_ERROR(
      log.Scan(options, [&](std::string_view key, std::string_view value) {
        absl::StatusOr<Record> record = Parse<Record>(key, value);
        if (!record.ok()) {
          damage = record.status();
          return false;
        }
        return take(key, *std::move(record));
      }));
  return damage;
}

ScanOptions PrefixRange(const std::string& prefix) {
  return {.begin = prefix, .end = PrefixEnd(prefix)};
}

template <typename Record>
absl::StatusOr<std::vector<Record>> ReadAll(EventLog& log,
                                            const std::string& prefix) {
  std::vector<Record> records;
  RETURN_IF_ERROR(ScanRecords<Record>(log, PrefixRange(prefix),
                                      [&](std::string_view, Record record) {
                                        records.push_back(std::move(record));
                                        return true;
                                      }));
  return records;
}

std::string UidPrefix(std::string_view kind, Uid uid) {
  return KeyBuilder(kind).Id(uid).Take();
}

int64_t LastEvent(const storage::ActivationRecord& record) {
  return record.events(record.events_size() - 1).event_id();
}

// First key of the activation that holds `from_event`, or, when none does, of
// those after it.
absl::StatusOr<std::string> FindActivation(EventLog& log, Uid uid,
                                           int64_t from_event) {
  std::string begin = EventKey(uid, from_event);
  ScanOptions before{.begin = UidPrefix(kEventKind, uid),
                     .end = begin + '\0',
                     .reverse = true};
  RETURN_IF_ERROR(
      log.Scan(before, [&begin](std::string_view key, std::string_view) {
        begin = std::string(key);
        return false;
      }));
  return begin;
}

// Keys that say no more than which run: their uids.
absl::StatusOr<std::vector<Uid>> ReadUids(EventLog& log,
                                          std::string_view kind) {
  std::vector<Uid> uids;
  absl::Status damage;
  RETURN_IF_ERROR(log.Scan(PrefixRange(std::string(kind)),
                           [&](std::string_view key, std::string_view value) {
                             damage = UnwrapRecord(key, value).status();
                             uids.push_back(
                                 Uid{KeyParser(key).Number().value_or(0)});
                             return damage.ok();
                           }));
  RETURN_IF_ERROR(damage);
  return uids;
}

}  // namespace

absl::StatusOr<std::vector<storage::ActivationRecord>>
StoreReader::ReadActivations(Uid uid, int64_t from_event, int64_t bytes_max) {
  from_event = std::max<int64_t>(from_event, 0);
  ASSIGN_OR_RETURN(std::string begin, FindActivation(log_, uid, from_event));
  ScanOptions range{.begin = std::move(begin),
                    .end = PrefixEnd(UidPrefix(kEventKind, uid))};
  std::vector<storage::ActivationRecord> records;
  int64_t bytes = 0;
  absl::Status damage;
  RETURN_IF_ERROR(ScanRecords<storage::ActivationRecord>(
      log_, range, [&](std::string_view key, storage::ActivationRecord record) {
        if (record.events().empty()) {
          damage = DamagedRecord(key, "it holds no event");
          return false;
        }
        if (LastEvent(record) < from_event) return true;
        bytes += static_cast<int64_t>(record.ByteSizeLong());
        records.push_back(std::move(record));
        return bytes < bytes_max;
      }));
  RETURN_IF_ERROR(damage);
  return records;
}

absl::StatusOr<std::vector<storage::ActivityRecord>>
StoreReader::ReadActivities(Uid uid) {
  return ReadAll<storage::ActivityRecord>(log_, UidPrefix(kActivityKind, uid));
}

absl::StatusOr<std::vector<storage::ActivityRecord>>
StoreReader::ReadAllActivities() {
  return ReadAll<storage::ActivityRecord>(log_, std::string(kActivityKind));
}

absl::StatusOr<std::vector<storage::TimerRecord>> StoreReader::ReadTimers(
    Uid uid) {
  return ReadAll<storage::TimerRecord>(log_, UidPrefix(kTimerKind, uid));
}

absl::StatusOr<std::vector<storage::TimerRecord>> StoreReader::ReadAllTimers() {
  return ReadAll<storage::TimerRecord>(log_, std::string(kTimerKind));
}

absl::StatusOr<std::vector<StoreReader::MailboxEntry>> StoreReader::ReadMailbox(
    Uid uid) {
  std::vector<MailboxEntry> entries;
  RETURN_IF_ERROR(ScanRecords<storage::MailboxRecord>(
      log_, PrefixRange(UidPrefix(kMailboxKind, uid)),
      [&](std::string_view key, storage::MailboxRecord record) {
        KeyParser parser(key);
        parser.Number();  // the uid
        int64_t n = static_cast<int64_t>(parser.Number().value_or(0));
        entries.push_back({n, std::move(record)});
        return true;
      }));
  return entries;
}

absl::StatusOr<std::vector<Uid>> StoreReader::ReadMailboxRuns() {
  std::vector<Uid> uids;
  RETURN_IF_ERROR(log_.Scan(PrefixRange(std::string(kMailboxKind)),
                            [&](std::string_view key, std::string_view) {
                              Uid uid{KeyParser(key).Number().value_or(0)};
                              if (uids.empty() || uids.back() != uid) {
                                uids.push_back(uid);
                              }
                              return true;
                            }));
  return uids;
}

absl::StatusOr<std::optional<storage::UsageRecord>> StoreReader::ReadUsageOf(
    const TaskToken& token) {
  ASSIGN_OR_RETURN(auto usage,
                   ReadOne<storage::UsageRecord>(log_, UsageKey(token)));
  if (usage.has_value()) return usage;
  return ReadOne<storage::UsageRecord>(
      log_, UsagePrefix(token.activity, token.attempt));
}

absl::StatusOr<std::optional<storage::StatusRecord>> StoreReader::ReadStatus(
    Uid uid) {
  return ReadOne<storage::StatusRecord>(log_, StatusKey(uid));
}

absl::StatusOr<std::optional<storage::RunIndexRecord>>
StoreReader::ReadRunIndex(const RunName& name) {
  return ReadOne<storage::RunIndexRecord>(log_, RunIndexKey(name));
}

absl::StatusOr<std::optional<storage::DedupRecord>> StoreReader::ReadDedup(
    const RunName& name, std::string_view request_id) {
  return ReadOne<storage::DedupRecord>(log_, DedupKey(name, request_id));
}

absl::StatusOr<std::vector<storage::UsageRecord>> StoreReader::ReadUsage(
    Uid uid) {
  return ReadAll<storage::UsageRecord>(log_, UidPrefix(kUsageKind, uid));
}

absl::StatusOr<std::vector<Uid>> StoreReader::ReadOpenRuns() {
  return ReadUids(log_, kOpenKind);
}

absl::StatusOr<std::vector<Uid>> StoreReader::ReadPausedRuns() {
  return ReadUids(log_, kPausedKind);
}

absl::StatusOr<std::vector<storage::TimerRecord>>
StoreReader::ReadAllDeadlines() {
  return ReadAll<storage::TimerRecord>(log_, std::string(kDeadlineKind));
}

absl::StatusOr<StoreReader::RunPage> StoreReader::ListRuns(
    std::string_view ns, std::string_view cursor, int limit) {
  std::string prefix = ListingPrefix(ns);
  ScanOptions range = PrefixRange(prefix);
  if (!cursor.empty()) {
    range.begin.append(cursor);
    range.begin.push_back('\0');  // the key after the cursor's
  }
  RunPage page;
  std::string last;
  absl::Status damage;
  RETURN_IF_ERROR(
      log_.Scan(range, [&](std::string_view key, std::string_view value) {
        if (std::cmp_greater_equal(page.uids.size(), limit)) {
          page.next_cursor = std::move(last);
          return false;
        }
        damage = UnwrapRecord(key, value).status();
        last = std::string(key.substr(prefix.size()));
        KeyParser parser(key);
        parser.Text();    // the namespace
        parser.Number();  // the time
        page.uids.push_back(Uid{parser.Number().value_or(0)});
        return damage.ok();
      }));
  RETURN_IF_ERROR(damage);
  return page;
}

absl::StatusOr<std::vector<storage::TaskQueueRecord>>
StoreReader::ReadTaskQueues() {
  return ReadAll<storage::TaskQueueRecord>(log_, std::string(kTaskQueueKind));
}

absl::StatusOr<std::optional<storage::BatchRecord>> StoreReader::ReadBatch(
    std::string_view ns, std::string_view batch_id) {
  return ReadOne<storage::BatchRecord>(log_, BatchRecordKey(ns, batch_id));
}

absl::StatusOr<std::vector<storage::BatchRecord>>
StoreReader::ReadOpenBatches() {
  std::vector<std::pair<std::string, std::string>> keys;
  RETURN_IF_ERROR(log_.Scan(PrefixRange(std::string(kOpenBatchKind)),
                            [&](std::string_view key, std::string_view) {
                              KeyParser parser(key);
                              std::string ns = parser.Text().value_or("");
                              keys.emplace_back(std::move(ns),
                                                parser.Text().value_or(""));
                              return true;
                            }));
  std::vector<storage::BatchRecord> records;
  for (const auto& [ns, id] : keys) {
    ASSIGN_OR_RETURN(auto record, ReadBatch(ns, id));
    if (!record.has_value()) {
      return DamagedRecord(BatchRecordKey(ns, id), "it is missing");
    }
    records.push_back(*std::move(record));
  }
  return records;
}

absl::StatusOr<std::vector<StoreReader::BatchEntry>> StoreReader::ListBatches(
    std::string_view ns, std::string_view cursor, int limit) {
  std::string prefix = BatchListingPrefix(ns);
  ScanOptions range = PrefixRange(prefix);
  if (!cursor.empty()) {
    range.begin.append(cursor);
    range.begin.push_back('\0');  // the key after the cursor's
  }
  std::vector<BatchEntry> entries;
  RETURN_IF_ERROR(log_.Scan(range, [&](std::string_view key, std::string_view) {
    if (std::cmp_greater_equal(entries.size(), limit)) return false;
    KeyParser parser(key);
    parser.Text();    // the namespace
    parser.Number();  // the time
    BatchEntry& entry = entries.emplace_back();
    entry.cursor = std::string(key.substr(prefix.size()));
    entry.record.set_batch_id(parser.Text().value_or(""));
    return true;
  }));
  for (BatchEntry& entry : entries) {
    ASSIGN_OR_RETURN(auto record, ReadBatch(ns, entry.record.batch_id()));
    if (record.has_value()) entry.record = *std::move(record);
  }
  return entries;
}

absl::StatusOr<bool> StoreReader::HasPayload(std::string_view sha256) {
  ASSIGN_OR_RETURN(std::optional<std::string> value,
                   log_.Read(PayloadKey(sha256)));
  return value.has_value();
}

absl::StatusOr<StoreReader::Content> StoreReader::ReadPayload(
    std::string_view sha256) {
  std::string key = PayloadKey(sha256);
  ASSIGN_OR_RETURN(std::optional<std::string> value, log_.Read(key));
  if (!value.has_value()) return UnknownPayload(sha256);
  ASSIGN_OR_RETURN(std::string_view content, UnwrapRecord(key, *value));
  if (content.empty()) return DamagedRecord(key, "its encoding is missing");
  Content result;
  result.encoding =
      static_cast<anabranch::v1::PayloadEncoding>(content.front());
  result.bytes = *std::move(value);
  result.bytes.erase(0, kEnvelopeBytes + 1);
  return result;
}

absl::StatusOr<std::optional<storage::ConversationRecord>>
StoreReader::ReadConversation(std::string_view ns, std::string_view id,
                              int32_t revision) {
  if (revision != 0) {
    return ReadOne<storage::ConversationRecord>(
        log_, ConversationKey(ns, id, revision));
  }
  ScanOptions newest = PrefixRange(ConversationPrefix(ns, id));
  newest.reverse = true;
  std::optional<storage::ConversationRecord> found;
  RETURN_IF_ERROR(ScanRecords<storage::ConversationRecord>(
      log_, newest, [&](std::string_view, storage::ConversationRecord record) {
        found = std::move(record);
        return false;
      }));
  return found;
}

absl::StatusOr<std::vector<storage::ConversationRecord>>
StoreReader::ListConversations(std::string_view ns, std::string_view after_id,
                               int limit) {
  std::vector<storage::ConversationRecord> records;
  ScanOptions range = PrefixRange(ConversationPrefix(ns));
  if (!after_id.empty()) {
    range.begin = PrefixEnd(ConversationPrefix(ns, after_id));
  }
  // From id to id, however many revisions each has.
  while (std::cmp_less(records.size(), limit)) {
    std::optional<std::string> id;
    RETURN_IF_ERROR(
        log_.Scan(range, [&id](std::string_view key, std::string_view) {
          KeyParser parser(key);
          parser.Text();  // the namespace
          id = parser.Text().value_or("");
          return false;
        }));
    if (!id.has_value()) break;
    ASSIGN_OR_RETURN(std::optional<storage::ConversationRecord> record,
                     ReadConversation(ns, *id));
    if (record.has_value()) records.push_back(*std::move(record));
    range.begin = PrefixEnd(ConversationPrefix(ns, *id));
  }
  return records;
}

absl::StatusOr<std::vector<storage::ChildRecord>>
StoreReader::ReadAllChildren() {
  return ReadAll<storage::ChildRecord>(log_, std::string(kChildKind));
}

absl::StatusOr<std::vector<StoreReader::ParentNotice>>
StoreReader::ReadParentNotices() {
  std::vector<ParentNotice> notices;
  RETURN_IF_ERROR(ScanRecords<storage::ParentNoticeRecord>(
      log_, PrefixRange(std::string(kParentNoticeKind)),
      [&](std::string_view key, storage::ParentNoticeRecord record) {
        notices.emplace_back(Uid{KeyParser(key).Number().value_or(0)},
                             std::move(record));
        return true;
      }));
  return notices;
}

absl::StatusOr<std::optional<storage::FlowCrashRecord>>
StoreReader::ReadFlowCrash(Uid uid, int64_t event_id) {
  return ReadOne<storage::FlowCrashRecord>(log_, FlowCrashKey(uid, event_id));
}

absl::StatusOr<std::vector<storage::FlowCrashRecord>>
StoreReader::ReadFlowCrashes() {
  return ReadAll<storage::FlowCrashRecord>(log_, std::string(kFlowCrashKind));
}

}  // namespace anabranch::log
