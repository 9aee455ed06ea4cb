// A child run as its parent records it. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "orchestrator/core/run_state.h"

namespace anabranch::core {

// The event that records StartChild, everything filled in. Errors say which
// limit or field is in the way and what to do.
absl::StatusOr<api::ChildScheduled> ScheduleChild(
    const RunState& parent, int64_t seq, const api::StartChild& command);

// "PARENT.SEQ", in later generations "PARENT.gGENERATION.SEQ", whose numbers
// begin anew. Too long a one is cut and ends in a hash of the whole.
std::string MadeChildId(const RunState& parent, int64_t seq);

}  // namespace anabranch::core
