// Failures as flows see them: a Failure message and an absl::Status are two
// views of one thing and convert without loss.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::sdk {

// Failure types that the engine itself gives.
inline constexpr char kFailureCancelled[] = "cancelled";
inline constexpr char kFailureTimeout[] = "timeout";
inline constexpr char kFailureWorkerLost[] = "worker_lost";
inline constexpr char kFailureRefused[] = "command_refused";

anabranch::v1::Failure MakeFailure(std::string_view type,
                                   std::string_view message,
                                   bool retryable = false);

// kCancelled for `cancelled`, kDeadlineExceeded for `timeout`, else kUnknown;
// carries the whole failure, so that FailureFromStatus gives it back.
absl::Status StatusFromFailure(const anabranch::v1::Failure& failure);

// The failure that the status carries, or one made from its code and message.
// `status` is not OK.
anabranch::v1::Failure FailureFromStatus(const absl::Status& status);

}  // namespace anabranch::sdk
