// Which lines of a transcript's tree make up one conversation. Used by
// transcript.cc only.
#pragma once

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "claude/transcript_lines.h"

namespace anabranch::claude {

// A user line's blocks, told apart. Slices of the file's bytes.
struct UserBlocks {
  struct Result {
    std::string_view tool_use_id;
    std::string_view raw;
  };
  std::vector<Result> results;
  std::vector<std::string_view> others;  // blank text left out
};
UserBlocks SplitUserContent(std::string_view content);

// The ids of the tool_use blocks in a content value.
std::vector<std::string_view> ToolUseIds(std::string_view content);

// One way through the tree.
struct Way {
  int leaf = kNoLine;
  // Substantial lines from the root to the leaf.
  std::vector<int> chain;
  // Lines beside the chain that belong to its messages: the other blocks of an
  // answered parallel tool call, and their results. In the file's order.
  std::vector<int> pulled;
  std::set<int> members;  // both
};

// The tree over the substantial lines. Refers to `file`.
class TranscriptTree {
 public:
  explicit TranscriptTree(const TranscriptLines& file);

  // The way that ends at `leaf`, a substantial line. `whole`: a message that
  // the leaf is part of is completed; otherwise the leaf is a cut.
  Way Follow(int leaf, bool whole) const;

  // Where ways end, newest first, at most kLeavesMax. Dead ends that belong to
  // another way's parallel tool calls are none.
  std::vector<int> Leaves() const;
  // The substantial line above a substantial one, or kNoLine.
  int Parent(int index) const;
  bool HasChild(int index) const {
    return has_child_[static_cast<size_t>(index)];
  }

  // The nearest substantial line at or above a line, or kNoLine.
  int Nearest(int index) const { return nearest_[static_cast<size_t>(index)]; }

  static constexpr size_t kLeavesMax = 256;

 private:
  Way Segment(int leaf, const std::vector<bool>& claimed) const;
  void PullInto(Way& way, bool whole) const;
  bool IsAnswered(const std::vector<int>& message, const Way& way) const;
  void PullResults(const std::vector<int>& message, Way& way) const;

  const TranscriptLines& file_;
  std::vector<int> nearest_;
  std::vector<bool> has_child_;
  std::vector<std::vector<std::string_view>> tool_uses_;  // ids, by line
  // Substantial assistant lines by message id, in the file's order.
  std::map<std::string_view, std::vector<int>> by_message_;
  // User lines by the tool_use ids that they answer.
  std::map<std::string_view, std::vector<int>> answers_;
};

}  // namespace anabranch::claude
