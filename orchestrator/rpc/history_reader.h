// One generation's history, wherever its events lie.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "base/ids.h"
#include "orchestrator/log/store.h"

namespace anabranch::rpc {

// Activations from the one that holds `from_event` on, as
// StoreReader::ReadActivations, across the histories that the generation began
// with (`status.segments`). Empty at the end.
absl::StatusOr<std::vector<storage::v1::ActivationRecord>> ReadHistory(
    log::StoreReader& reader, Uid uid, const storage::v1::StatusRecord& status,
    int64_t from_event, int64_t bytes_max);

}  // namespace anabranch::rpc
