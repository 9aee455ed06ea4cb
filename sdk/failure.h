// Failures as flows see them: a Failure message and an absl::Status are two
// views of one thing and convert without loss. A flow branches on the type:
//
//   auto reply = co_await ctx.Start({.type = "claude.messages", ...});
//   if (!reply.ok() && FailureOf(reply).type() == "overloaded_error") ...
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anabranch/v1/activity.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::sdk {

// Failure types that the engine itself gives.
inline constexpr char kFailureCancelled[] = "cancelled";
inline constexpr char kFailureTimeout[] = "timeout";
inline constexpr char kFailureWorkerLost[] = "worker_lost";
inline constexpr char kFailureRefused[] = "command_refused";
// Of a child that somebody terminated.
inline constexpr char kFailureTerminated[] = "terminated";
// Of a child that ended without saying why.
inline constexpr char kFailureChild[] = "child_failed";
// Of a call that makes no sense, such as a race of nothing: a flow that is
// wrong fails, the server lives.
inline constexpr char kFailureMisuse[] = "misuse";
// Of FirstSuccess, when failures of several types are all there is.
inline constexpr char kFailureAllFailed[] = "all_failed";

anabranch::v1::Failure MakeFailure(std::string_view type,
                                   std::string_view message,
                                   bool retryable = false);

// What a flow gets for an activity that failed or ran out of time. A timeout is
// of type `timeout`, and its details are
//
//   {"timeout":"HEARTBEAT","retry_state":"MAXIMUM_ATTEMPTS_REACHED"}
//
// with the names of TimeoutType and RetryState; a failure's details are those
// of the worker, or {"retry_state":…} where it gave none.
anabranch::v1::Failure FailureOfActivity(
    const anabranch::v1::ActivityFailed& failed);
anabranch::v1::Failure FailureOfActivity(
    const anabranch::v1::ActivityTimedOut& timed_out);

// Which limit ran out; unspecified when the failure is no timeout of an
// activity.
anabranch::v1::TimeoutType TimeoutOf(const anabranch::v1::Failure& failure);
// Why the activity was not tried again; unspecified when that is not known.
anabranch::v1::RetryState RetryStateOf(const anabranch::v1::Failure& failure);

// kCancelled for `cancelled`, kDeadlineExceeded for `timeout`, else kUnknown;
// carries the whole failure, so that FailureOf gives it back.
absl::Status StatusFromFailure(const anabranch::v1::Failure& failure);

// The failure that the status carries, or one made from its code and message.
// `status` is not OK.
anabranch::v1::Failure FailureOf(const absl::Status& status);
template <typename T>
anabranch::v1::Failure FailureOf(const absl::StatusOr<T>& result) {
  return FailureOf(result.status());
}

}  // namespace anabranch::sdk
