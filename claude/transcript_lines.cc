#include "claude/transcript_lines.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json.h"

namespace anabranch::claude {
namespace {

struct Draft {
  TranscriptLine line;
  std::string_view parent_uuid;
  std::string_view logical_parent_uuid;
};

void ReadMessage(const JsonObject& entry, TranscriptLine& line) {
  const auto message = JsonObject::Parse(entry.Get("message"));
  if (!message.ok()) return;
  line.content = message->Get("content");
  line.message_id = StringBody(message->Get("id"));
  line.model = StringBody(message->Get("model"));
  line.stop_reason = StringBody(message->Get("stop_reason"));
  if (message->Has("usage")) line.usage = message->Get("usage");
  if (line.model == "<synthetic>") line.is_skipped = true;
}

// Uuids, ids and times are plain ASCII: their escaped form is their value.
absl::StatusOr<Draft> ReadLine(std::string_view raw, size_t number) {
  ASSIGN_OR_RETURN(const JsonObject entry, JsonObject::Parse(raw));
  Draft draft;
  draft.parent_uuid = StringBody(entry.Get("parentUuid"));
  draft.logical_parent_uuid = StringBody(entry.Get("logicalParentUuid"));
  TranscriptLine& line = draft.line;
  line.number = number;
  line.raw = raw;
  line.uuid = StringBody(entry.Get("uuid"));
  line.is_sidechain = entry.GetBool("isSidechain");
  line.is_skipped =
      entry.GetBool("isMeta") || entry.GetBool("isApiErrorMessage");
  line.timestamp = StringBody(entry.Get("timestamp"));
  line.session_id = StringBody(entry.Get("sessionId"));
  line.agent_id = StringBody(entry.Get("agentId"));
  line.version = StringBody(entry.Get("version"));
  const std::string type = entry.GetString("type");
  if (type == "user") line.type = TranscriptLine::Type::kUser;
  if (type == "assistant") line.type = TranscriptLine::Type::kAssistant;
  if (type == "attachment") {
    line.type = TranscriptLine::Type::kAttachment;
    line.attachment = entry.Get("attachment");
  }
  if (line.is_message()) ReadMessage(entry, line);
  return draft;
}

// The bytes up to the next line end, which is taken off `rest`.
std::string_view TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

absl::StatusOr<std::vector<Draft>> ReadLines(std::string_view bytes,
                                             bool& torn) {
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  std::vector<Draft> drafts;
  for (size_t number = 1; !bytes.empty(); ++number) {
    const std::string_view raw = TakeLine(bytes);
    if (IsBlank(raw)) continue;
    auto draft = ReadLine(raw, number);
    if (draft.ok()) {
      drafts.push_back(*std::move(draft));
    } else if (IsBlank(bytes)) {
      torn = true;
      break;
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "line ", number,
          " of the transcript is damaged: ", draft.status().message()));
    }
  }
  return drafts;
}

int FindLine(const TranscriptLines& file, std::string_view uuid) {
  if (uuid.empty()) return kNoLine;
  const auto it = file.by_uuid.find(uuid);
  return it == file.by_uuid.end() ? kNoLine : it->second;
}

}  // namespace

absl::StatusOr<TranscriptLines> ParseTranscriptLines(std::string_view bytes) {
  TranscriptLines file;
  ASSIGN_OR_RETURN(const std::vector<Draft> drafts,
                   ReadLines(bytes, file.torn));
  std::vector<const Draft*> kept;
  bool has_main = false;
  bool has_sidechain = false;
  for (const Draft& draft : drafts) {
    if (draft.line.uuid.empty()) continue;
    const int index = static_cast<int>(file.lines.size());
    if (!file.by_uuid.emplace(draft.line.uuid, index).second) continue;
    file.lines.push_back(draft.line);
    kept.push_back(&draft);
    if (!draft.line.is_message()) continue;
    (draft.line.is_sidechain ? has_sidechain : has_main) = true;
  }
  file.is_subagent = has_sidechain && !has_main;
  for (size_t i = 0; i < kept.size(); ++i) {
    const int parent = FindLine(file, kept[i]->parent_uuid);
    file.lines[i].parent = parent != kNoLine
                               ? parent
                               : FindLine(file, kept[i]->logical_parent_uuid);
  }
  return file;
}

std::vector<int> NearestSubstantial(const TranscriptLines& file) {
  constexpr int kUnknown = -2;
  constexpr int kWalking = -3;
  std::vector<int> nearest(file.lines.size(), kUnknown);
  std::vector<int> path;
  for (int start = 0; start < static_cast<int>(file.lines.size()); ++start) {
    path.clear();
    int at = start;
    int found = kNoLine;
    while (at != kNoLine) {
      const int known = nearest[static_cast<size_t>(at)];
      if (known == kWalking) break;
      if (known != kUnknown) {
        found = known;
        break;
      }
      if (file.IsSubstantial(at)) {
        found = at;
        nearest[static_cast<size_t>(at)] = at;
        break;
      }
      nearest[static_cast<size_t>(at)] = kWalking;
      path.push_back(at);
      at = file.lines[static_cast<size_t>(at)].parent;
    }
    for (const int index : path) nearest[static_cast<size_t>(index)] = found;
  }
  return nearest;
}

}  // namespace anabranch::claude
