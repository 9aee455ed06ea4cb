// Brings a transcript from this machine to the server.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/session.h"

namespace anabranch::cli {

struct ImportOptions {
  std::string source;           // a file, "-", or the id of a local session
  bool latest = false;          // the newest local session instead
  std::string conversation_id;  // empty: the transcript's own
  bool validate_only = false;
};

absl::StatusOr<v1::ImportConversationResponse> ImportTranscript(
    Session& session, const ImportOptions& options);

// "5f…: revision 1, 12 steps (imported)".
std::string ImportLine(const v1::ImportConversationResponse& response,
                       bool validate_only);

}  // namespace anabranch::cli
