// What fork_compare is asked for, read and checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "claude/transcript.h"

namespace anabranch::flows {

// Column of the transcript's own continuation: no branch may have this name.
inline constexpr char kOriginalColumn[] = "original";

inline constexpr size_t kBranchesMax = 50;
inline constexpr size_t kBranchNameBytesMax = 64;
inline constexpr int64_t kMaxTurnsDefault = 5;
inline constexpr int64_t kMaxTurnsMax = 100;
inline constexpr int64_t kBranchSecondsMax = 86'400;

// One branch. The *_json members are JSON string tokens as the user wrote
// them, with quotes, to be spliced into other JSON; empty when absent.
struct BranchSpec {
  std::string name;
  std::string model_json;                  // absent: the checkpoint's
  std::vector<std::string> messages_json;  // to inject, one after the other
  std::string replace_json;                // in place of the last prompt
  std::string system_json;  // absent: the checkpoint's; "\"\"": none
  int64_t max_turns = kMaxTurnsDefault;  // at least one for each message
  int64_t max_tokens = 0;
  int64_t timeout_seconds = 0;  // of the whole branch; 0: none
};

struct ForkCompareInput {
  std::string conversation;
  int fork_at_step = 0;
  std::string leaf;                  // empty: the newest
  std::vector<BranchSpec> branches;  // not empty

  // The input of conversation.load and conversation.checkpoint.
  std::string CutJson() const;
};

// kInvalidArgument with the path of every problem.
absl::StatusOr<ForkCompareInput> ParseForkCompareInput(std::string_view json);

// Whether every branch can go on from the fork point. kInvalidArgument with
// the field when it is out of range or when a branch has no model;
// kFailedPrecondition (FORK_POINT_INVALID, with PreconditionFailure) with the
// nearest valid steps when the cut is invalid for a branch.
absl::Status CheckForkPoint(const ForkCompareInput& input,
                            const claude::Transcript& transcript);

}  // namespace anabranch::flows
