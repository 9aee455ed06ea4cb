// Errors that programs can read: an absl::Status that carries google.rpc
// details as payloads, which the RPC layer hands on to gRPC clients.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"

namespace anabranch {

// Domain of every ErrorInfo of this project.
inline constexpr char kErrorDomain[] = "anabranch";

// An error with google.rpc.ErrorInfo. `reason` is stable, UPPER_SNAKE_CASE;
// `metadata` holds every value that `message` names.
absl::Status MakeError(absl::StatusCode code, std::string_view reason,
                       std::string_view message,
                       std::map<std::string, std::string> metadata = {});

// kInvalidArgument, reason INVALID_FIELD, with google.rpc.BadRequest naming
// the field's path ("branches[1].name") and what is wrong with it.
absl::Status InvalidField(std::string_view field, std::string_view problem);

// The same for several fields at once; not empty.
struct FieldProblem {
  std::string field;
  std::string problem;
};
absl::Status InvalidFields(const std::vector<FieldProblem>& problems);

// Adds google.rpc.RetryInfo.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// Adds google.rpc.PreconditionFailure with one violation.
absl::Status WithPrecondition(absl::Status status, std::string_view type,
                              std::string_view subject,
                              std::string_view description);

// The ErrorInfo's reason, or an empty string.
std::string ErrorReason(const absl::Status& status);

// The BadRequest's violations, if any.
std::vector<FieldProblem> FieldProblems(const absl::Status& status);

}  // namespace anabranch
