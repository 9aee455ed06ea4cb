// Each activity type has a kind; a kind has named defaults. All in this file
// and its .cc: change them here.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "anabranch/v1/activity.pb.h"

namespace anabranch::sdk {

// kind      attempts  interval × coefficient ≤ maximum   jitter  start-to-close
// claude    5         1 s × 2 ≤ 60 s                     1.0     300 s
// local     3         0.1 s × 2 ≤ 5 s                    0.5     30 s
// compute   2         0.1 s × 2 ≤ 5 s                    0       30 s

// The queue of activities that name none, and of workers that name none.
inline constexpr char kDefaultTaskQueue[] = "default";

// "claude" for claude.*, "compute" for conversation.compare, else "local".
std::string_view KindOfActivityType(std::string_view activity_type);

// `options` with everything that it leaves out taken from its kind's defaults
// (the type's kind when it names none). kInvalidArgument naming the field and
// what is wrong with it: coefficient < 1, jitter outside [0, 1], attempts < 1,
// negative or overlong durations, timeouts of zero, a heartbeat_timeout above
// start_to_close_timeout, maximum below initial interval, an unknown kind or
// enum value, a priority outside 1 to 5, a queue or key that is no such name.
absl::StatusOr<anabranch::v1::ActivityOptions> ResolveOptions(
    std::string_view activity_type,
    const anabranch::v1::ActivityOptions& options);

}  // namespace anabranch::sdk
