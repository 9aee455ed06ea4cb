// Keys of the event log: two bytes of kind, then big-endian numbers and
// 0-terminated texts, so that bytewise order is the order of what they mean.
// store.h lists the kinds.
//
// Within a text that another part follows, a 0 is written 01 01 and a 1 is
// written 01 02: any text can be stored and the order stays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"

namespace anabranch::log {

inline constexpr std::string_view kEventKind = "ev";
inline constexpr std::string_view kActivityKind = "ac";
inline constexpr std::string_view kTimerKind = "ti";
inline constexpr std::string_view kMailboxKind = "mb";
inline constexpr std::string_view kStatusKind = "st";
inline constexpr std::string_view kUsageKind = "us";
inline constexpr std::string_view kRunIndexKind = "ru";
inline constexpr std::string_view kDedupKind = "dd";
inline constexpr std::string_view kOpenKind = "op";
inline constexpr std::string_view kListingKind = "ls";
inline constexpr std::string_view kPausedKind = "pa";
inline constexpr std::string_view kDeadlineKind = "rd";
inline constexpr std::string_view kBatchKind = "ba";
inline constexpr std::string_view kBatchListingKind = "bl";
inline constexpr std::string_view kOpenBatchKind = "bo";
inline constexpr std::string_view kDeletionKind = "de";
inline constexpr std::string_view kOwnersKind = "po";
inline constexpr std::string_view kOwnedKind = "ow";
inline constexpr std::string_view kPayloadKind = "pl";
inline constexpr std::string_view kConversationKind = "cv";
inline constexpr std::string_view kChildKind = "ch";
inline constexpr std::string_view kParentNoticeKind = "pn";
inline constexpr std::string_view kFlowCrashKind = "fc";
inline constexpr std::string_view kTaskQueueKind = "tq";
inline constexpr std::string_view kStoreKind = "sm";

// Puts a key together, part by part.
class KeyBuilder {
 public:
  explicit KeyBuilder(std::string_view kind) : key_(kind) {}

  KeyBuilder& Number(uint64_t value);
  KeyBuilder& Number32(uint32_t value);
  // `value` must not be negative: order would be lost.
  KeyBuilder& Count(int64_t value);
  KeyBuilder& Id(Uid uid) { return Number(uid.value); }
  // A text that other parts may follow.
  KeyBuilder& Text(std::string_view text);
  // Bytes as they are; only as the last part.
  KeyBuilder& Rest(std::string_view bytes);

  std::string Take() { return std::move(key_); }

 private:
  std::string key_;
};

// Takes a key apart in the order in which it was put together.
class KeyParser {
 public:
  // `key` must outlive the parser and start with a kind.
  explicit KeyParser(std::string_view key);

  std::string_view kind() const { return kind_; }
  // Nothing when the key is too short, from there on.
  std::optional<uint64_t> Number();
  std::optional<uint32_t> Number32();
  std::optional<std::string> Text();
  std::string_view Rest() const { return rest_; }

 private:
  std::string_view kind_;
  std::string_view rest_;
};

// The first key after all keys that start with `prefix`; empty (no end) when
// there is none.
std::string PrefixEnd(std::string prefix);

// A key as people can read it: printable bytes as they are, others as \xNN.
std::string ReadableKey(std::string_view key);

}  // namespace anabranch::log
