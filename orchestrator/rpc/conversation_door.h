// Transcripts on their way in, and conversations as people see them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/conversation_service.pb.h"
#include "claude/transcript.h"
#include "orchestrator/log/store.h"
#include "orchestrator/shard/input.h"

namespace anabranch::rpc {

// Reads and checks a transcript; the input for the shard, without its reply.
// INVALID_FIELD, INVALID_UTF8, INVALID_TRANSCRIPT, PAYLOAD_TOO_LARGE.
absl::StatusOr<shard::ImportConversation> CheckImport(
    anabranch::v1::ImportConversationRequest request);

anabranch::v1::Conversation ShowConversation(
    const storage::v1::ConversationRecord& record);

// Threads: any; the reader outlives it.
class ConversationReads {
 public:
  explicit ConversationReads(log::StoreReader& reader) : reader_(reader) {}

  absl::StatusOr<anabranch::v1::ListConversationsResponse> List(
      const anabranch::v1::ListConversationsRequest& request);
  // CONVERSATION_NOT_FOUND, LEAF_NOT_FOUND.
  absl::StatusOr<anabranch::v1::GetConversationResponse> Get(
      const std::string& ns, const std::string& conversation_id,
      const std::string& leaf);
  // What an import would answer; ALREADY_EXISTS is the shard's to say.
  absl::StatusOr<anabranch::v1::ImportConversationResponse> PreviewImport(
      const storage::v1::ConversationRecord& record);

 private:
  log::StoreReader& reader_;
};

}  // namespace anabranch::rpc
