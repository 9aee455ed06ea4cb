// The key of each kind of record: what writes and reads agree on. store.h
// lists them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/ids.h"
#include "orchestrator/log/keys.h"
#include "orchestrator/log/store.h"

namespace anabranch::log {

inline std::string EventKey(Uid uid, int64_t first_event) {
  return KeyBuilder(kEventKind).Id(uid).Count(first_event).Take();
}
inline std::string ActivityKey(ActivityId id) {
  return KeyBuilder(kActivityKind).Id(id.uid).Count(id.seq).Take();
}
inline std::string TimerKey(Uid uid, int64_t seq) {
  return KeyBuilder(kTimerKind).Id(uid).Count(seq).Take();
}
inline std::string MailboxKey(Uid uid, int64_t n) {
  return KeyBuilder(kMailboxKind).Id(uid).Count(n).Take();
}
inline std::string StatusKey(Uid uid) {
  return KeyBuilder(kStatusKind).Id(uid).Take();
}
// Of every token with that number. Earlier builds wrote it so, for all of them.
inline std::string UsagePrefix(ActivityId id, int32_t attempt) {
  return KeyBuilder(kUsageKind)
      .Id(id.uid)
      .Count(id.seq)
      .Number32(static_cast<uint32_t>(attempt))
      .Take();
}
// A store that was restored from a backup gives the number of an attempt that
// it does not know of again: the epoch tells the two apart.
inline std::string UsageKey(const TaskToken& token) {
  return KeyBuilder(UsagePrefix(token.activity, token.attempt))
      .Number(token.epoch.counter)
      .Number(token.epoch.nonce)
      .Take();
}
inline std::string RunIndexKey(const RunName& name) {
  return KeyBuilder(kRunIndexKind).Text(name.ns).Text(name.run_id).Take();
}
inline std::string DedupKey(const RunName& name, std::string_view request_id) {
  return KeyBuilder(kDedupKind)
      .Text(name.ns)
      .Text(name.run_id)
      .Rest(request_id)
      .Take();
}
inline std::string OpenKey(Uid uid) {
  return KeyBuilder(kOpenKind).Id(uid).Take();
}
inline std::string PausedKey(Uid uid) {
  return KeyBuilder(kPausedKind).Id(uid).Take();
}
inline std::string DeadlineKey(Uid uid) {
  return KeyBuilder(kDeadlineKind).Id(uid).Take();
}
inline std::string DeletionKey(Uid uid) {
  return KeyBuilder(kDeletionKind).Id(uid).Take();
}
inline std::string OwnersPrefix(std::string_view sha256) {
  return KeyBuilder(kOwnersKind).Text(sha256).Take();
}
inline std::string OwnersKey(std::string_view sha256, Uid owner) {
  return KeyBuilder(kOwnersKind).Text(sha256).Id(owner).Take();
}
inline std::string OwnedKey(Uid owner, std::string_view sha256) {
  return KeyBuilder(kOwnedKind).Id(owner).Rest(sha256).Take();
}
inline std::string ListingPrefix(std::string_view ns) {
  return KeyBuilder(kListingKind).Text(ns).Take();
}
// Nanoseconds since 1970, inverted: newest first.
inline std::string ListingKey(std::string_view ns, absl::Time create_time,
                              Uid uid) {
  auto nanos = static_cast<uint64_t>(absl::ToUnixNanos(create_time));
  return KeyBuilder(kListingKind).Text(ns).Number(~nanos).Id(uid).Take();
}
inline std::string BatchRecordKey(std::string_view ns, std::string_view id) {
  return KeyBuilder(kBatchKind).Text(ns).Text(id).Take();
}
inline std::string OpenBatchKey(std::string_view ns, std::string_view id) {
  return KeyBuilder(kOpenBatchKind).Text(ns).Text(id).Take();
}
inline std::string BatchListingPrefix(std::string_view ns) {
  return KeyBuilder(kBatchListingKind).Text(ns).Take();
}
// Newest first, as runs.
inline std::string BatchListingKey(std::string_view ns, absl::Time create_time,
                                   std::string_view id) {
  auto nanos = static_cast<uint64_t>(absl::ToUnixNanos(create_time));
  return KeyBuilder(kBatchListingKind).Text(ns).Number(~nanos).Text(id).Take();
}
inline std::string PayloadKey(std::string_view sha256) {
  return KeyBuilder(kPayloadKind).Rest(sha256).Take();
}
inline std::string ConversationPrefix(std::string_view ns) {
  return KeyBuilder(kConversationKind).Text(ns).Take();
}
// All revisions of one conversation.
inline std::string ConversationPrefix(std::string_view ns,
                                      std::string_view id) {
  return KeyBuilder(kConversationKind).Text(ns).Text(id).Take();
}
inline std::string ConversationKey(std::string_view ns, std::string_view id,
                                   int32_t revision) {
  return KeyBuilder(kConversationKind)
      .Text(ns)
      .Text(id)
      .Number32(static_cast<uint32_t>(revision))
      .Take();
}
inline std::string ChildKey(Uid parent, int64_t seq) {
  return KeyBuilder(kChildKind).Id(parent).Count(seq).Take();
}
inline std::string ParentNoticeKey(Uid child) {
  return KeyBuilder(kParentNoticeKind).Id(child).Take();
}
inline std::string FlowCrashKey(Uid uid, int64_t event_id) {
  return KeyBuilder(kFlowCrashKind).Id(uid).Count(event_id).Take();
}
inline std::string TaskQueueKey(std::string_view name) {
  return KeyBuilder(kTaskQueueKind).Rest(name).Take();
}
inline std::string StoreKey() { return std::string(kStoreKind); }

}  // namespace anabranch::log
