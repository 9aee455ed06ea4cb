#include "orchestrator/rpc/conversation_door.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/utf8.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/paging.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;
using storage::v1::ConversationRecord;

// Titles, models and leaves of one record, so that pages stay small.
constexpr size_t kTitleBytesMax = 200;
constexpr int kLeavesMax = 1000;

// Offset of the first byte that is not part of a character.
size_t FirstBadByte(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t length = claude::Utf8Length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

absl::StatusOr<std::string> TakeSource(api::ConversationSource& source) {
  std::string bytes;
  std::string field = "source.text";
  switch (source.source_case()) {
    case api::ConversationSource::kText:
      bytes = std::move(*source.mutable_text());
      break;
    case api::ConversationSource::kData:
      bytes = std::move(*source.mutable_data());
      field = "source.data";
      break;
    case api::ConversationSource::SOURCE_NOT_SET:
      return InvalidField("source",
                          "is required: the transcript as `text` "
                          "or as `data`");
  }
  int64_t size = static_cast<int64_t>(bytes.size());
  if (size == 0) return InvalidField(field, "is empty");
  if (size > limits::kPayloadBytesMax) {
    return PayloadTooLarge(field, size, limits::kPayloadBytesMax);
  }
  if (!claude::IsValidUtf8(bytes)) {
    return InvalidUtf8(field, static_cast<int64_t>(FirstBadByte(bytes)));
  }
  return bytes;
}

std::vector<std::string> ModelsOf(const claude::Transcript& transcript) {
  std::vector<std::string> models;
  std::set<std::string_view> seen;
  for (const claude::Step& step : transcript.steps) {
    if (!step.model.empty() && seen.insert(step.model).second) {
      models.push_back(step.model);
    }
  }
  return models;
}

std::string TitleOf(const claude::Transcript& transcript) {
  for (const claude::Step& step : transcript.steps) {
    if (step.kind == claude::StepKind::kPrompt) {
      return Shortened(step.preview, kTitleBytesMax);
    }
  }
  return "";
}

void Describe(const claude::Transcript& transcript,
              ConversationRecord& record) {
  record.set_step_count(static_cast<int32_t>(transcript.steps.size()));
  for (std::string& model : ModelsOf(transcript)) {
    record.add_models(std::move(model));
  }
  record.set_title(TitleOf(transcript));
  for (const claude::TranscriptLeaf& leaf : transcript.leaves) {
    if (record.leaves_size() < kLeavesMax) record.add_leaves(leaf.uuid);
  }
  for (const claude::LineIdentity& line : transcript.identity) {
    auto& identity = *record.add_lines();
    identity.set_uuid(line.uuid);
    identity.set_hash(line.hash);
  }
}

absl::Status TranscriptError(const absl::Status& status) {
  if (!ErrorReason(status).empty()) return status;
  absl::string_view message = status.message();
  return InvalidTranscript(std::string_view(message.data(), message.size()));
}

api::StepKind ShowKind(claude::StepKind kind) {
  switch (kind) {
    case claude::StepKind::kPrompt:
      return api::STEP_KIND_PROMPT;
    case claude::StepKind::kAssistant:
      return api::STEP_KIND_ASSISTANT;
    case claude::StepKind::kToolResults:
      return api::STEP_KIND_TOOL_RESULTS;
  }
  return api::STEP_KIND_UNSPECIFIED;
}

// The tools that an assistant step calls, in order.
std::vector<std::string> ToolNames(const claude::Step& step) {
  std::vector<std::string> names;
  if (step.kind != claude::StepKind::kAssistant) return names;
  auto blocks = claude::JsonElements(step.content_raw);
  if (!blocks.ok()) return names;  // a string: no tools
  for (std::string_view block : *blocks) {
    auto object = claude::JsonObject::Parse(block);
    if (object.ok() && object->GetString("type") == "tool_use") {
      names.push_back(object->GetString("name"));
    }
  }
  return names;
}

void ShowStep(const claude::Step& step, api::Step& shown) {
  shown.set_number(step.number);
  shown.set_kind(ShowKind(step.kind));
  shown.set_preview(step.preview);
  shown.set_model(step.model);
  shown.set_forkable(step.forkable);
  shown.set_needs_message(step.needs_message);
  shown.set_reason(step.why_not);
  for (int nearest : step.nearest) shown.add_nearest(nearest);
  for (std::string& tool : ToolNames(step)) {
    shown.add_tools(std::move(tool));
  }
}

// A conversation of very many steps does not fit into one answer with all
// that is told of each.
void KeepWithinAnswer(api::GetConversationResponse& response) {
  if (static_cast<int64_t>(response.ByteSizeLong()) <=
      limits::kAnswerBytesMax) {
    return;
  }
  for (api::Step& step : *response.mutable_steps()) {
    step.clear_preview();
    step.clear_tools();
    if (!step.forkable()) step.clear_reason();
  }
}

}  // namespace

absl::StatusOr<shard::ImportConversation> CheckImport(
    api::ImportConversationRequest request) {
  shard::ImportConversation import;
  ConversationRecord& record = import.record;
  record.set_namespace_(request.namespace_().empty() ? "default"
                                                     : request.namespace_());
  RETURN_IF_ERROR(CheckId("namespace", record.namespace_()));
  if (!request.conversation_id().empty()) {
    RETURN_IF_ERROR(CheckId("conversation_id", request.conversation_id()));
  }
  ASSIGN_OR_RETURN(import.content, TakeSource(*request.mutable_source()));
  auto transcript = claude::ParseTranscript(import.content, {});
  if (!transcript.ok()) return TranscriptError(transcript.status());
  record.set_conversation_id(request.conversation_id().empty()
                                 ? transcript->session_id
                                 : request.conversation_id());
  if (!CheckId("conversation_id", record.conversation_id()).ok()) {
    return InvalidField("conversation_id",
                        "the transcript names no session that can serve as "
                        "id: choose one");
  }
  Describe(*transcript, record);
  api::PayloadRef& source = *record.mutable_source();
  source.set_sha256(Sha256Hex(import.content));
  source.set_size_bytes(static_cast<int64_t>(import.content.size()));
  source.set_encoding(api::PAYLOAD_ENCODING_TEXT);
  return import;
}

api::Conversation ShowConversation(const ConversationRecord& record) {
  api::Conversation shown;
  shown.set_namespace_(record.namespace_());
  shown.set_conversation_id(record.conversation_id());
  shown.set_revision(record.revision());
  if (record.has_import_time()) {
    *shown.mutable_import_time() = record.import_time();
  }
  shown.set_size_bytes(record.source().size_bytes());
  shown.set_step_count(record.step_count());
  *shown.mutable_models() = record.models();
  shown.set_title(record.title());
  shown.set_sha256(record.source().sha256());
  *shown.mutable_leaves() = record.leaves();
  return shown;
}

absl::StatusOr<api::ListConversationsResponse> ConversationReads::List(
    const api::ListConversationsRequest& request) {
  std::string ns =
      request.namespace_().empty() ? "default" : request.namespace_();
  RETURN_IF_ERROR(CheckId("namespace", ns));
  ASSIGN_OR_RETURN(int page_size, PageSize(request.page_size()));
  std::string scope = "conversations/" + ns;
  ASSIGN_OR_RETURN(std::string after,
                   ReadPageToken(scope, request.page_token()));
  // One more than asked for tells whether there is a next page.
  ASSIGN_OR_RETURN(auto records,
                   reader_.ListConversations(ns, after, page_size + 1));
  api::ListConversationsResponse response;
  int64_t bytes = 0;
  for (const ConversationRecord& record : records) {
    api::Conversation shown = ShowConversation(record);
    bytes += static_cast<int64_t>(shown.ByteSizeLong()) + 8;
    int count = response.conversations_size();
    if (count == page_size ||
        (bytes > limits::kAnswerBytesMax - 4096 && count > 0)) {
      response.set_next_page_token(MakePageToken(
          scope, response.conversations(count - 1).conversation_id()));
      break;
    }
    *response.add_conversations() = std::move(shown);
  }
  return response;
}

absl::StatusOr<api::GetConversationResponse> ConversationReads::Get(
    const std::string& ns, const std::string& conversation_id,
    const std::string& leaf) {
  std::string space = ns.empty() ? "default" : ns;
  RETURN_IF_ERROR(CheckId("namespace", space));
  RETURN_IF_ERROR(CheckId("conversation_id", conversation_id));
  ASSIGN_OR_RETURN(auto record,
                   reader_.ReadConversation(space, conversation_id));
  if (!record.has_value()) return ConversationNotFound(space, conversation_id);
  ASSIGN_OR_RETURN(auto content,
                   reader_.ReadPayload(record->source().sha256()));
  auto transcript = claude::ParseTranscript(content.bytes, {.leaf = leaf});
  if (absl::IsNotFound(transcript.status())) {
    absl::string_view why = transcript.status().message();
    return LeafNotFound(conversation_id, leaf,
                        std::string_view(why.data(), why.size()));
  }
  if (!transcript.ok()) return TranscriptError(transcript.status());
  api::GetConversationResponse response;
  *response.mutable_conversation() = ShowConversation(*record);
  for (const claude::Step& step : transcript->steps) {
    ShowStep(step, *response.add_steps());
  }
  KeepWithinAnswer(response);
  return response;
}

absl::StatusOr<api::ImportConversationResponse>
ConversationReads::PreviewImport(const ConversationRecord& record) {
  ASSIGN_OR_RETURN(
      auto known,
      reader_.ReadConversation(record.namespace_(), record.conversation_id()));
  api::ImportConversationResponse response;
  bool same =
      known.has_value() && known->source().sha256() == record.source().sha256();
  response.set_created(!same);
  *response.mutable_conversation() = ShowConversation(same ? *known : record);
  return response;
}

}  // namespace anabranch::rpc
