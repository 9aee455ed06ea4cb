#include "orchestrator/rpc/errors.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/id_syntax.h"
#include "base/limits.h"
#include "claude/utf8.h"

namespace anabranch::rpc {
namespace {

absl::Status InvalidWithField(std::string_view reason, std::string_view field,
                              std::string_view problem,
                              std::map<std::string, std::string> metadata) {
  metadata["field"] = std::string(field);
  return MakeError(absl::StatusCode::kInvalidArgument, reason,
                   std::string(field) + ": " + std::string(problem),
                   std::move(metadata));
}

}  // namespace

std::string Shortened(std::string_view value, size_t bytes_max) {
  std::string clean = claude::ReplaceInvalidUtf8(value);
  if (clean.size() <= bytes_max) return clean;
  return std::string(claude::Utf8Prefix(clean, bytes_max)) + "…";
}

absl::Status GenerationNotFound(const log::RunName& name, int32_t generation,
                                int32_t newest) {
  return MakeError(
      absl::StatusCode::kNotFound, "GENERATION_NOT_FOUND",
      absl::StrCat("Run ", Shortened(name.run_id), " has no generation ",
                   generation, ": they go from 1 to ", newest, "."),
      {{"namespace", Shortened(name.ns)},
       {"run_id", Shortened(name.run_id)},
       {"generation", absl::StrCat(generation)},
       {"newest", absl::StrCat(newest)}});
}

absl::Status FlowNotFound(std::string_view flow,
                          const std::vector<std::string>& known) {
  return shard::FlowNotFound(Shortened(flow), known);
}

absl::Status LeafNotFound(std::string_view conversation_id,
                          std::string_view leaf, std::string_view problem) {
  return MakeError(absl::StatusCode::kNotFound, "LEAF_NOT_FOUND",
                   absl::StrCat("leaf: conversation ",
                                Shortened(conversation_id), " has no leaf ",
                                Shortened(leaf), " (", Shortened(problem, 200),
                                "). GetConversation lists its leaves."),
                   {{"conversation_id", Shortened(conversation_id)},
                    {"leaf", Shortened(leaf)}});
}

absl::Status PayloadNotFound(std::string_view sha256) {
  return MakeError(
      absl::StatusCode::kNotFound, "PAYLOAD_NOT_FOUND",
      absl::StrCat("No content is stored under ", Shortened(sha256),
                   ": a PayloadRef names content that this server gave out."),
      {{"sha256", Shortened(sha256)}});
}

absl::Status PayloadTooLarge(std::string_view field, int64_t size_bytes,
                             int64_t limit_bytes) {
  return InvalidWithField(
      "PAYLOAD_TOO_LARGE", field,
      absl::StrCat("is ", size_bytes, " bytes; the limit is ", limit_bytes,
                   " bytes"),
      {{"size_bytes", absl::StrCat(size_bytes)},
       {"limit_bytes", absl::StrCat(limit_bytes)}});
}

absl::Status AnswerTooLarge(std::string_view query, int64_t size_bytes) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, "ANSWER_TOO_LARGE",
      absl::StrCat("The flow's answer to ", Shortened(query), " has ",
                   size_bytes, " bytes; no answer exceeds ",
                   limits::kAnswerBytesMax, ". Ask for less of it."),
      {{"query", Shortened(query)},
       {"size_bytes", absl::StrCat(size_bytes)},
       {"limit_bytes", absl::StrCat(limits::kAnswerBytesMax)}});
}

absl::Status InvalidJson(std::string_view field, std::string_view problem) {
  return InvalidWithField("INVALID_JSON", field, Shortened(problem, 300), {});
}

absl::Status InvalidUtf8(std::string_view field, int64_t offset) {
  return InvalidWithField(
      "INVALID_UTF8", field,
      absl::StrCat("is not UTF-8: the first bad byte is at offset ", offset),
      {{"offset", absl::StrCat(offset)}});
}

absl::Status InvalidTranscript(std::string_view problem) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "INVALID_TRANSCRIPT",
      absl::StrCat("source: this is no Claude Code transcript that can be "
                   "read: ",
                   Shortened(problem, 300)));
}

absl::Status InvalidPageToken() {
  return InvalidWithField("INVALID_PAGE_TOKEN", "page_token",
                          "is not one that this server gave out for this "
                          "request; start again without it",
                          {});
}

absl::Status InvalidCursor(std::string_view cursor, std::string_view problem) {
  return InvalidWithField(
      "INVALID_CURSOR", "cursor",
      absl::StrCat(Shortened(cursor), " ",
                   absl::string_view(problem.data(), problem.size()),
                   "; start again without it"),
      {{"cursor", Shortened(cursor)}});
}

absl::Status Draining() {
  return WithRetryDelay(
      MakeError(absl::StatusCode::kUnavailable, "DRAINING",
                "The server is going down; try again when it is back."),
      absl::Seconds(1));
}

absl::Status StoreDamaged(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "STORE_DAMAGED",
                   absl::StrCat("The store is damaged: ",
                                absl::string_view(what.data(), what.size())));
}

absl::Status StreamError(std::string_view reason, std::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, problem);
}

absl::Status WithReason(const absl::Status& status, std::string_view reason) {
  if (status.ok() || !ErrorReason(status).empty()) return status;
  absl::string_view message = status.message();
  return MakeError(status.code(), reason,
                   std::string_view(message.data(), message.size()));
}

absl::Status CheckId(std::string_view field, std::string_view value) {
  if (IsIdSyntax(value)) return absl::OkStatus();
  return InvalidField(
      field, absl::StrCat(value.empty() ? "is required" : "is not valid", ": ",
                          kIdSyntaxText));
}

}  // namespace anabranch::rpc
