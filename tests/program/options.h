// Options of `call` and `child`, as programs write them.
//
// Of `call`:
//
//   attempts=N backoff=D (the same before each retry, never jittered)
//   start_to_close=D schedule_to_close=D schedule_to_start=D heartbeat=D
//   exhausted=fail|park cancellation=try|wait|abandon
//   queue=NAME priority=N key=NAME never=TYPE (a failure never retried)
//   name=NAME (for people; no option of the API)
//
// Of `child`:
//
//   flow=NAME policy=terminate|abandon|request_cancel timeout=D wait=started
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/v1/activity.pb.h"
#include "anabranch/v1/run.pb.h"
#include "tests/program/ast.h"

namespace anabranch::program {

// kInvalidArgument naming the option. Retries have no jitter: what a program
// does is exact.
absl::StatusOr<anabranch::v1::ActivityOptions> ToActivityOptions(
    const Options& options);

struct ChildOptions {
  std::string flow = "program";
  anabranch::v1::ParentClosePolicy policy =
      anabranch::v1::PARENT_CLOSE_POLICY_TERMINATE;
  absl::Duration timeout;
  // Only until the child exists.
  bool wait_started = false;
};

// kInvalidArgument naming the option.
absl::StatusOr<ChildOptions> ToChildOptions(const Options& options);

}  // namespace anabranch::program
