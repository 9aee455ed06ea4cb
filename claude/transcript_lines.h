// The lines of a transcript file and the tree that their uuids span. Used by
// transcript.cc only.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::claude {

inline constexpr int kNoLine = -1;

// One line that has a uuid. Slices live as long as the file's bytes.
struct TranscriptLine {
  enum class Type { kUser, kAssistant, kAttachment, kOther };

  size_t number = 0;  // in the file, from 1
  std::string_view raw;
  std::string_view uuid;
  Type type = Type::kOther;
  bool is_sidechain = false;
  bool is_skipped = false;  // meta, an API error's text, or synthetic
  int parent = kNoLine;     // index of a line
  std::string_view timestamp;
  std::string_view session_id;
  std::string_view agent_id;
  std::string_view version;
  // Of user and assistant lines; raw JSON.
  std::string_view content;
  std::string_view message_id;
  std::string_view model;
  std::string_view stop_reason;
  std::string_view usage;
  // Of attachments: the object.
  std::string_view attachment;

  bool is_message() const {
    return type == Type::kUser || type == Type::kAssistant;
  }
};

// The parsed file. Values; indices are positions in `lines`, the file's order.
struct TranscriptLines {
  std::vector<TranscriptLine> lines;
  std::map<std::string_view, int> by_uuid;
  bool torn = false;
  // Every message is a sidechain's: a subagent's own file.
  bool is_subagent = false;

  // A message of this conversation that can become part of a step.
  bool IsSubstantial(int index) const {
    const TranscriptLine& line = lines[static_cast<size_t>(index)];
    return line.is_message() && !line.is_skipped &&
           line.is_sidechain == is_subagent;
  }
};

// Parents are resolved: a compact boundary goes on at its logical parent, an
// unknown parent makes a root. Of lines with one uuid the first counts.
// InvalidArgument names the line of a fault that is not in the last line.
absl::StatusOr<TranscriptLines> ParseTranscriptLines(std::string_view bytes);

// For each line the nearest substantial line at or above it, or kNoLine.
// Cycles, which only a damaged file has, end like roots.
std::vector<int> NearestSubstantial(const TranscriptLines& file);

}  // namespace anabranch::claude
