// What StoreReader says of runs that are being deleted, and of content and its
// owners.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status_macros.h"
#include "orchestrator/log/store.h"
#include "orchestrator/log/store_keys.h"

namespace anabranch::log {
namespace {

// Kinds of records that lie under a generation's uid, beside its status.
constexpr std::string_view kKindsOfRun[] = {
    kEventKind, kActivityKind, kTimerKind,    kMailboxKind,   kUsageKind,
    kOpenKind,  kPausedKind,   kDeadlineKind, kFlowCrashKind,
};

// Calls `take` with the keys that begin with `prefix`, until it returns false.
template <typename Take>
absl::Status ScanKeys(EventLog& log, const std::string& prefix, Take take) {
  return log.Scan(
      {.begin = prefix, .end = PrefixEnd(prefix)},
      [&take](std::string_view key, std::string_view) { return take(key); });
}

absl::Status AppendKeys(EventLog& log, const std::string& prefix, size_t limit,
                        std::vector<std::string>& keys) {
  if (keys.size() >= limit) return absl::OkStatus();
  return ScanKeys(log, prefix, [&keys, limit](std::string_view key) {
    keys.emplace_back(key);
    return keys.size() < limit;
  });
}

}  // namespace

absl::StatusOr<std::vector<Uid>> StoreReader::ReadDeletions() {
  std::vector<Uid> uids;
  RETURN_IF_ERROR(
      ScanKeys(log_, std::string(kDeletionKind), [&uids](std::string_view key) {
        uids.push_back(Uid{KeyParser(key).Number().value_or(0)});
        return true;
      }));
  return uids;
}

absl::StatusOr<std::vector<std::string>> StoreReader::ListRunKeys(
    Uid uid, const RunName& name, int limit) {
  const auto max = static_cast<size_t>(limit);
  std::vector<std::string> keys;
  for (std::string_view kind : kKindsOfRun) {
    RETURN_IF_ERROR(
        AppendKeys(log_, KeyBuilder(kind).Id(uid).Take(), max, keys));
  }
  RETURN_IF_ERROR(AppendKeys(log_, DedupKey(name, ""), max, keys));
  return keys;
}

absl::StatusOr<std::vector<std::string>> StoreReader::ListOwned(Uid owner,
                                                                int limit) {
  const auto max = static_cast<size_t>(limit);
  std::vector<std::string> hashes;
  RETURN_IF_ERROR(
      ScanKeys(log_, OwnedKey(owner, ""), [&hashes, max](std::string_view key) {
        KeyParser parser(key);
        parser.Number();  // the owner
        hashes.emplace_back(parser.Rest());
        return hashes.size() < max;
      }));
  return hashes;
}

absl::StatusOr<bool> StoreReader::HasOwner(
    std::string_view sha256, const std::function<bool(Uid)>& counts) {
  bool found = false;
  RETURN_IF_ERROR(ScanKeys(log_, OwnersPrefix(sha256),
                           [&found, &counts](std::string_view key) {
                             KeyParser parser(key);
                             parser.Text();  // the hash
                             found = counts(Uid{parser.Number().value_or(0)});
                             return !found;
                           }));
  return found;
}

}  // namespace anabranch::log
