#include "claude/transcript_tree.h"

#include <algorithm>
#include <string>

#include "claude/json.h"

namespace anabranch::claude {
namespace {

bool IsBlankText(const JsonObject& block) {
  return block.GetString("type") == "text" &&
         block.GetString("text").find_first_not_of(" \t\r\n") ==
             std::string::npos;
}

}  // namespace

UserBlocks SplitUserContent(std::string_view content) {
  UserBlocks out;
  const auto elements = JsonElements(content);
  if (!elements.ok()) return out;
  for (const std::string_view raw : *elements) {
    const auto block = JsonObject::Parse(raw);
    if (!block.ok()) continue;
    if (block->GetString("type") == "tool_result") {
      out.results.push_back({StringBody(block->Get("tool_use_id")), raw});
    } else if (!IsBlankText(*block)) {
      out.others.push_back(raw);
    }
  }
  return out;
}

std::vector<std::string_view> ToolUseIds(std::string_view content) {
  std::vector<std::string_view> ids;
  const auto elements = JsonElements(content);
  if (!elements.ok()) return ids;
  for (const std::string_view raw : *elements) {
    const auto block = JsonObject::Parse(raw);
    if (block.ok() && block->GetString("type") == "tool_use") {
      ids.push_back(StringBody(block->Get("id")));
    }
  }
  return ids;
}

TranscriptTree::TranscriptTree(const TranscriptLines& file)
    : file_(file),
      nearest_(NearestSubstantial(file)),
      has_child_(file.lines.size(), false),
      tool_uses_(file.lines.size()) {
  for (int i = 0; i < static_cast<int>(file.lines.size()); ++i) {
    if (!file.IsSubstantial(i)) continue;
    if (const int parent = Parent(i); parent != kNoLine) {
      has_child_[static_cast<size_t>(parent)] = true;
    }
    const TranscriptLine& line = file.lines[static_cast<size_t>(i)];
    if (line.type == TranscriptLine::Type::kAssistant) {
      if (!line.message_id.empty()) by_message_[line.message_id].push_back(i);
      tool_uses_[static_cast<size_t>(i)] = ToolUseIds(line.content);
      continue;
    }
    for (const auto& result : SplitUserContent(line.content).results) {
      answers_[result.tool_use_id].push_back(i);
    }
  }
}

int TranscriptTree::Parent(int index) const {
  const int above = file_.lines[static_cast<size_t>(index)].parent;
  return above == kNoLine ? kNoLine : Nearest(above);
}

Way TranscriptTree::Follow(int leaf, bool whole) const {
  Way way;
  way.leaf = leaf;
  for (int at = leaf; at != kNoLine; at = Parent(at)) {
    if (!way.members.insert(at).second) break;  // a cycle
    way.chain.push_back(at);
  }
  std::reverse(way.chain.begin(), way.chain.end());
  PullInto(way, whole);
  std::sort(way.pulled.begin(), way.pulled.end());
  return way;
}

// A message that the chain answers, or that another reply follows, or in which
// the chain ends, is whole: all its blocks and results belong to the way,
// wherever they hang. Where the chain goes on with a prompt instead, somebody
// resumed in the middle of the message.
void TranscriptTree::PullInto(Way& way, bool whole) const {
  const auto line_at = [&](size_t i) -> const TranscriptLine& {
    return file_.lines[static_cast<size_t>(way.chain[i])];
  };
  std::set<std::string_view> seen;
  for (size_t i = way.chain.size(); i-- > 0;) {
    const std::string_view id = line_at(i).message_id;
    const auto message = by_message_.find(id);
    if (id.empty() || message == by_message_.end() || !seen.insert(id).second) {
      continue;
    }
    const bool ends_here = i + 1 == way.chain.size();
    const bool goes_on =
        !ends_here && line_at(i + 1).type == TranscriptLine::Type::kAssistant;
    const bool is_whole =
        ends_here ? whole : goes_on || IsAnswered(message->second, way);
    if (!is_whole) continue;
    for (const int block : message->second) {
      if (way.members.insert(block).second) way.pulled.push_back(block);
    }
    PullResults(message->second, way);
  }
}

bool TranscriptTree::IsAnswered(const std::vector<int>& message,
                                const Way& way) const {
  for (const int block : message) {
    for (const std::string_view id : tool_uses_[static_cast<size_t>(block)]) {
      const auto answers = answers_.find(id);
      if (answers == answers_.end()) continue;
      for (const int answer : answers->second) {
        if (way.members.count(answer) != 0) return true;
      }
    }
  }
  return false;
}

void TranscriptTree::PullResults(const std::vector<int>& message,
                                 Way& way) const {
  for (const int block : message) {
    for (const std::string_view id : tool_uses_[static_cast<size_t>(block)]) {
      const auto answers = answers_.find(id);
      if (answers == answers_.end()) continue;
      const std::vector<int>& lines = answers->second;
      const bool on_the_way =
          std::any_of(lines.begin(), lines.end(),
                      [&](int i) { return way.members.count(i) != 0; });
      if (on_the_way) continue;
      way.members.insert(lines.front());
      way.pulled.push_back(lines.front());
    }
  }
}

// The lower end of the way to `leaf`: down from the message in which it leaves
// the lines that other ways claimed.
Way TranscriptTree::Segment(int leaf, const std::vector<bool>& claimed) const {
  const auto id_of = [this](int index) {
    return file_.lines[static_cast<size_t>(index)].message_id;
  };
  Way way;
  way.leaf = leaf;
  int joint = kNoLine;
  for (int at = leaf; at != kNoLine; at = Parent(at)) {
    if (joint != kNoLine && (id_of(at).empty() || id_of(at) != id_of(joint))) {
      break;
    }
    if (!way.members.insert(at).second) break;  // a cycle
    way.chain.push_back(at);
    if (joint == kNoLine && claimed[static_cast<size_t>(at)]) joint = at;
  }
  std::reverse(way.chain.begin(), way.chain.end());
  PullInto(way, true);
  return way;
}

std::vector<int> TranscriptTree::Leaves() const {
  std::vector<int> leaves;
  std::vector<bool> claimed(file_.lines.size(), false);
  for (int i = static_cast<int>(file_.lines.size()) - 1; i >= 0; --i) {
    if (!file_.IsSubstantial(i) || HasChild(i) ||
        claimed[static_cast<size_t>(i)]) {
      continue;
    }
    if (leaves.size() == kLeavesMax) break;
    leaves.push_back(i);
    for (const int member : Segment(i, claimed).members) {
      claimed[static_cast<size_t>(member)] = true;
    }
  }
  return leaves;
}

}  // namespace anabranch::claude
