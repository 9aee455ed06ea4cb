// Errors as people and scripts see them.
#pragma once

#include "absl/status/status.h"
#include "client/cli/session.h"

namespace anabranch::cli {

// Says on stderr what happened, the reason, the fields at fault and what to
// do; with --json as one JSON object.
void ReportError(const Session& session, const absl::Status& error);

// Which exit code an error means.
ExitCode ExitCodeOf(const absl::Status& error);

}  // namespace anabranch::cli
