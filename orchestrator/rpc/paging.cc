#include "orchestrator/rpc/paging.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

constexpr size_t kCheckBytes = 8;

// FNV-1a: guards against mistakes, not against malice.
std::string Check(std::string_view scope, std::string_view cursor) {
  uint64_t hash = 0xcbf29ce484222325;
  for (std::string_view part : {scope, std::string_view("\0", 1), cursor}) {
    for (unsigned char c : part) hash = (hash ^ c) * 0x100000001b3;
  }
  std::string bytes;
  for (size_t i = 0; i < kCheckBytes; ++i) {
    bytes += static_cast<char>(hash >> (8 * i));
  }
  return bytes;
}

}  // namespace

absl::StatusOr<int> PageSize(int32_t page_size, int if_zero) {
  if (page_size < 0) {
    return InvalidField("page_size", "must not be negative");
  }
  if (page_size == 0) return if_zero;
  return std::min(page_size, limits::kPageSizeMax);
}

std::string MakePageToken(std::string_view scope, std::string_view cursor) {
  return absl::WebSafeBase64Escape(Check(scope, cursor) + std::string(cursor));
}

absl::StatusOr<std::string> ReadPageToken(std::string_view scope,
                                          std::string_view token) {
  if (token.empty()) return std::string();
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(
          absl::string_view(token.data(), token.size()), &bytes) ||
      bytes.size() < kCheckBytes) {
    return InvalidPageToken();
  }
  std::string cursor = bytes.substr(kCheckBytes);
  if (Check(scope, cursor) != bytes.substr(0, kCheckBytes)) {
    return InvalidPageToken();
  }
  return cursor;
}

}  // namespace anabranch::rpc
