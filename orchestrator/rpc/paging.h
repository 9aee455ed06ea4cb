// Page sizes and page tokens (AIP-158).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/limits.h"

namespace anabranch::rpc {

// 0 means `if_zero`, more than the maximum means the maximum; INVALID_FIELD
// when negative.
absl::StatusOr<int> PageSize(int32_t page_size,
                             int if_zero = limits::kPageSizeDefault);

// `cursor` as an opaque token that is good only for requests whose other
// fields make up the same `scope`.
std::string MakePageToken(std::string_view scope, std::string_view cursor);

// The cursor; empty for an empty token. INVALID_PAGE_TOKEN when it is none of
// this scope.
absl::StatusOr<std::string> ReadPageToken(std::string_view scope,
                                          std::string_view token);

}  // namespace anabranch::rpc
