#include "client/cli/import.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/cli/input.h"
#include "client/cli/local_transcripts.h"

namespace anabranch::cli {
namespace {

absl::StatusOr<std::string> SourcePath(Session& session,
                                       const ImportOptions& options) {
  if (options.latest) {
    ASSIGN_OR_RETURN(const auto newest, ListLocalTranscripts(session.env, 1));
    if (newest.empty()) {
      ASSIGN_OR_RETURN(const auto folder, TranscriptFolder(session.env));
      return absl::NotFoundError(
          absl::StrCat("There is no transcript under ", folder.string(), "."));
    }
    session.Note(absl::StrCat("latest: ", newest.front().path.string()));
    return newest.front().path.string();
  }
  if (options.source.empty()) {
    return absl::InvalidArgumentError(
        "Name a transcript: a file, the id of a local session, or --latest.");
  }
  std::error_code error;
  if (options.source == "-" || std::filesystem::exists(options.source, error) ||
      options.source.find('/') != std::string::npos) {
    return options.source;
  }
  ASSIGN_OR_RETURN(const auto found,
                   FindLocalTranscript(session.env, options.source));
  return found.path.string();
}

}  // namespace

absl::StatusOr<v1::ImportConversationResponse> ImportTranscript(
    Session& session, const ImportOptions& options) {
  ASSIGN_OR_RETURN(const std::string path, SourcePath(session, options));
  ASSIGN_OR_RETURN(std::string bytes, ReadAll(path, session.env.in));
  if (bytes.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty."));
  }
  v1::ImportConversationRequest request;
  request.set_conversation_id(options.conversation_id);
  // Bytes: what is no UTF-8 shall reach the server, which says where.
  request.mutable_source()->set_data(std::move(bytes));
  request.set_validate_only(options.validate_only);
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  return client->ImportConversation(std::move(request));
}

std::string ImportLine(const v1::ImportConversationResponse& response,
                       bool validate_only) {
  const v1::Conversation& conversation = response.conversation();
  return absl::StrCat(conversation.conversation_id(), ": revision ",
                      conversation.revision(), ", ", conversation.step_count(),
                      " steps (",
                      validate_only        ? "valid, not imported"
                      : response.created() ? "imported"
                                           : "known already",
                      ")");
}

}  // namespace anabranch::cli
