#include "orchestrator/rpc/history_reader.h"

#include <algorithm>

#include "base/status_macros.h"

namespace anabranch::rpc {

absl::StatusOr<std::vector<storage::v1::ActivationRecord>> ReadHistory(
    log::StoreReader& reader, Uid uid, const storage::v1::StatusRecord& status,
    int64_t from_event, int64_t bytes_max) {
  for (const auto& segment : status.segments()) {
    if (from_event > segment.last_event_id()) continue;
    ASSIGN_OR_RETURN(
        auto activations,
        reader.ReadActivations(Uid{segment.uid()}, from_event, bytes_max));
    // The other history goes on where this one was cut.
    while (!activations.empty() &&
           activations.back().events(0).event_id() > segment.last_event_id()) {
      activations.pop_back();
    }
    if (!activations.empty()) return activations;
    from_event = segment.last_event_id() + 1;
  }
  return reader.ReadActivations(uid, from_event, bytes_max);
}

}  // namespace anabranch::rpc
