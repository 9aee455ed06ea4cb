// The envelope around every stored value:
//
//   byte 0       version of the envelope: 1
//   bytes 1..4   length of the content, big-endian
//   bytes 5..8   CRC-32C of key, bytes 0..4 and content, big-endian
//   bytes 9..    content
//
// The checksum covers the key, so that a value that turns up under another key
// is found out too.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anabranch::log {

inline constexpr size_t kEnvelopeBytes = 9;

// `content` up to 4 GiB.
std::string WrapRecord(std::string_view key, std::string_view content);

// The content within `value`, which must outlive it. kDataLoss naming the key
// when length or checksum do not fit, kFailedPrecondition when the envelope is
// of a newer version.
absl::StatusOr<std::string_view> UnwrapRecord(std::string_view key,
                                              std::string_view value);

}  // namespace anabranch::log
