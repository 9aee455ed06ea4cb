// Reads a Claude Code transcript: a file of JSON lines, each a node of a tree
// of uuids, one line per content block.
//
// A step is one message after merging, counted from 1: a user message with
// text, an assistant message, or the tool results that answer one. Meta,
// empty and synthetic lines are none; a tool result that answers nothing in the
// chain is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anabranch::claude {

struct TranscriptOptions {
  // The uuid of the line that the conversation ends with, any line of the tree.
  // Empty: the newest user or assistant line.
  std::string leaf;
};

// A way through the tree ends here.
struct TranscriptLeaf {
  std::string uuid;
  size_t line = 0;  // in the file, from 1
  std::string timestamp;
  std::string preview;    // of its last message with text
  std::string forked_at;  // uuid of the line at which it leaves the chosen way;
                          // empty for the chosen one, and for another root
  bool chosen = false;
};

enum class StepKind { kPrompt, kAssistant, kToolResults };

// "prompt", "assistant", "tool_results".
std::string_view StepKindName(StepKind kind);

struct Step {
  int number = 0;  // from 1
  StepKind kind = StepKind::kPrompt;
  std::string role;  // user | assistant
  // JSON text, a string or an array of blocks: the lines' own bytes, merged.
  // Tool results stand before what else the lines held.
  std::string content_raw;
  std::string text;                // its text blocks
  std::string preview;             // one line, at most 120 characters
  std::vector<std::string> uuids;  // of its lines, in the file's order
  size_t first_line = 0;           // in the file, from 1
  size_t last_line = 0;
  std::string timestamp;  // of its last line, RFC 3339
  // Of assistant steps only.
  std::string message_id;
  std::string model;
  std::string stop_reason;
  std::string usage_raw;  // JSON object; empty when the lines have none
  std::vector<std::string> open_tool_uses;  // ids that nothing answers
  // Whether one can go on from here, as ValidateForkPoint() will say.
  bool forkable = false;       // perhaps only with a message
  bool needs_message = false;  // a message must be injected
  std::string why_not;         // empty when forkable
  std::vector<int> nearest;    // valid steps around an invalid one, ascending
};

// What a revision must keep: a line and a hash of its bytes.
struct LineIdentity {
  std::string uuid;
  uint64_t hash = 0;  // stable between processes and versions

  friend bool operator==(const LineIdentity&, const LineIdentity&) = default;
};

// An API call that the transcript paid for, one per message id.
struct TranscriptCall {
  std::string message_id;
  std::string model;
  std::string usage_raw;
  int after_step = 0;  // made when that many steps existed
};

// One prompt_snapshot attachment.
struct PromptSnapshot {
  std::string system_raw;  // array of strings; empty when it carries none
  std::string tools_raw;   // array of tools; empty when it carries none
  size_t line = 0;         // in the file, from 1
  int after_step = 0;      // it stands at or below that step
};

struct Transcript {
  std::string session_id;  // of a subagent `<session>.agent-<id>`
  std::string version;     // of the program that wrote it; may be empty
  std::string leaf;        // uuid of the chosen one
  std::vector<TranscriptLeaf> leaves;  // newest first
  std::vector<Step> steps;
  std::vector<TranscriptCall> calls;      // of the chosen way, in its order
  std::vector<PromptSnapshot> snapshots;  // likewise, oldest first
  std::vector<LineIdentity> identity;     // sorted by uuid; of the whole file
  bool torn = false;                      // the last line was cut and left out
};

// InvalidArgument names the line for a damaged line that is not the last, and
// says so when there is no message at all; NotFound when the leaf is unknown.
absl::StatusOr<Transcript> ParseTranscript(std::string_view bytes,
                                           const TranscriptOptions& options);

enum class Revision {
  kSame,      // the same lines
  kSuperset,  // every known line unchanged, and more
  kOther,     // a known line is missing or differs
};

// How `offered` relates to `known`, both sorted by uuid.
Revision CompareIdentity(const std::vector<LineIdentity>& known,
                         const std::vector<LineIdentity>& offered);

}  // namespace anabranch::claude
