// Options of `call`, as programs write them.
//
//   attempts=N backoff=D (the same before each retry, never jittered)
//   start_to_close=D schedule_to_close=D schedule_to_start=D heartbeat=D
//   exhausted=fail|park cancellation=try|wait|abandon
//   queue=NAME priority=N key=NAME never=TYPE (a failure never retried)
//   name=NAME (for people; no option of the API)
#pragma once

#include "absl/status/statusor.h"
#include "anabranch/v1/activity.pb.h"
#include "tests/program/ast.h"

namespace anabranch::program {

// kInvalidArgument naming the option. Retries have no jitter: what a program
// does is exact.
absl::StatusOr<anabranch::v1::ActivityOptions> ToActivityOptions(
    const Options& options);

}  // namespace anabranch::program
