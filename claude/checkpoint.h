// A conversation cut at a step and frozen: what a branch goes on from.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "claude/transcript.h"

namespace anabranch::claude {

// Whether one can go on after `step`. `has_message`: the branch injects one.
// InvalidArgument with the range when there is no such step; FailedPrecondition
// with the reason and the nearest valid steps when it is an invalid cut.
absl::Status ValidateForkPoint(const Transcript& transcript, int step,
                               bool has_message);

// Whether another text can stand in place of step `step`: only of a prompt.
absl::Status ValidateReplaceMessage(const Transcript& transcript, int step);

// The model that a branch takes when it names none: of the next assistant step
// after `step`, else of the last before; empty when there is none.
std::string DefaultModel(const Transcript& transcript, int step);

// The checkpoint at `step`, a JSON object:
//   conversation   the session id
//   step           N
//   last           kind of step N: prompt | assistant | tool_results
//   messages       [{"role","content"}…] to send: steps 1..N without thinking,
//                  empty text and emptied messages; neighbours of one role
//                  merged, except that a prompt N stands alone, to be replaced
//   system         text blocks; absent when no prompt_snapshot carries any
//   tools          likewise; a tool that the steps used and nothing declares
//                  has an open schema; absent when there are none
//   default_model  see DefaultModel(); absent when there is none
//   original       the transcript's own continuation, a branch result as in
//                  compare.h without a name
// Errors as ValidateForkPoint() with a message; whether one is needed is the
// branch's matter.
absl::StatusOr<std::string> BuildCheckpoint(const Transcript& transcript,
                                            int step);

}  // namespace anabranch::claude
