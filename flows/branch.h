// Plays one branch of fork_compare: one activity for each model turn.
#pragma once

#include <string>

#include "flows/fork_compare_input.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {

// What all branches of a run go on from.
struct BranchBase {
  // Handed on to every turn, never read: it may be a reference.
  sdk::Payload checkpoint;
  // A JSON string token; may be empty.
  std::string default_model_json;
};

// A branch result as in claude/compare.h, whatever becomes of the branch; fails
// only when the run is being cancelled. Turn k is `<name>/turn-<k>`.
sdk::Future<std::string> RunBranch(sdk::FlowContext& ctx, BranchSpec spec,
                                   BranchBase base);

}  // namespace anabranch::flows
