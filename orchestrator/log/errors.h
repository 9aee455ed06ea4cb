// What the event log tells people: what happened, where, and what to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anabranch::log {

// kDataLoss.
absl::Status DamagedRecord(std::string_view key, std::string_view how);
// kFailedPrecondition: a record whose envelope is of a later version.
absl::Status NewerRecord(std::string_view key, int version);

// kNotFound.
absl::Status UnknownPayload(std::string_view sha256);

}  // namespace anabranch::log
