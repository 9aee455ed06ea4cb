// Errors of the API with what the server says beside the code: a stable reason,
// its metadata, the fields at fault, when to try again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace anabranch::client {

// Domain of errors that the client itself makes.
inline constexpr char kClientDomain[] = "client.anabranch";
// Reason when nothing answers at the address.
inline constexpr char kReasonUnreachable[] = "SERVER_UNREACHABLE";

struct FieldViolation {
  std::string field;        // path within the request: input.prompt
  std::string description;  // what is wrong with it
};

struct ErrorDetails {
  std::string reason =
      "";  // stable: RUN_NOT_FOUND; empty when the server gave none
  std::string domain = "";
  std::map<std::string, std::string> metadata = {};
  std::vector<FieldViolation> field_violations = {};
  std::vector<std::string> precondition_violations = {};  // their descriptions
  absl::Duration retry_delay =
      absl::ZeroDuration();  // zero when the server gave none
};

// The same code and message; the details travel as a payload of the status.
absl::Status FromGrpcStatus(const grpc::Status& status);

// A status of the client's own, with a reason.
absl::Status MakeError(absl::StatusCode code, const std::string& message,
                       const std::string& reason,
                       const std::map<std::string, std::string>& metadata);

// InvalidArgument that names the fields at fault.
absl::Status MakeFieldError(const std::string& message,
                            const std::string& reason,
                            const std::vector<FieldViolation>& violations);

// Empty details for statuses that carry none.
ErrorDetails DetailsOf(const absl::Status& status);

}  // namespace anabranch::client
