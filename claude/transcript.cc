#include "claude/transcript.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/assistant_message.h"
#include "claude/json.h"
#include "claude/transcript_lines.h"
#include "claude/transcript_steps.h"
#include "claude/transcript_tree.h"

namespace anabranch::claude {
namespace {

// FNV-1a: stored with revisions, so it must never change.
uint64_t HashBytes(std::string_view bytes) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211u;
  }
  return hash;
}

std::vector<LineIdentity> IdentityOf(const TranscriptLines& file) {
  std::vector<LineIdentity> identity;
  identity.reserve(file.lines.size());
  for (const TranscriptLine& line : file.lines) {
    identity.push_back({std::string(line.uuid), HashBytes(line.raw)});
  }
  std::sort(identity.begin(), identity.end(),
            [](const auto& a, const auto& b) { return a.uuid < b.uuid; });
  return identity;
}

// The caller's leaf, or the newest one.
absl::StatusOr<Way> ChooseWay(const TranscriptLines& file,
                              const TranscriptTree& tree,
                              const std::vector<int>& leaves,
                              const std::string& wanted) {
  if (leaves.empty()) {
    return absl::InvalidArgumentError(
        "the transcript holds no user or assistant message");
  }
  if (wanted.empty()) return tree.Follow(leaves.front(), true);
  const auto it = file.by_uuid.find(wanted);
  if (it == file.by_uuid.end()) {
    return absl::NotFoundError(
        absl::StrCat("the transcript has no line with uuid ", wanted));
  }
  const int leaf = tree.Nearest(it->second);
  if (leaf == kNoLine) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no message of the conversation stands at or above uuid ", wanted));
  }
  return tree.Follow(leaf, !tree.HasChild(leaf));
}

std::string SessionId(const TranscriptLines& file, const Way& way) {
  const auto of = [&file](int index) -> std::string {
    const TranscriptLine& line = file.lines[static_cast<size_t>(index)];
    if (line.session_id.empty()) return "";
    std::string id(line.session_id);
    if (file.is_subagent && !line.agent_id.empty()) {
      id.append(".agent-").append(line.agent_id);
    }
    return id;
  };
  for (auto it = way.chain.rbegin(); it != way.chain.rend(); ++it) {
    if (std::string id = of(*it); !id.empty()) return id;
  }
  return "";
}

TranscriptLeaf DescribeLeaf(const TranscriptLines& file,
                            const TranscriptTree& tree, int leaf,
                            const Way& chosen) {
  TranscriptLeaf out;
  const TranscriptLine& line = file.lines[static_cast<size_t>(leaf)];
  out.uuid = line.uuid;
  out.line = line.number;
  out.timestamp = line.timestamp;
  out.chosen = leaf == chosen.leaf;
  size_t steps_left = file.lines.size();  // a cycle ends, too
  for (int at = leaf; at != kNoLine && steps_left > 0; at = tree.Parent(at)) {
    --steps_left;
    const TranscriptLine& above = file.lines[static_cast<size_t>(at)];
    if (out.preview.empty()) out.preview = Preview(ContentText(above.content));
    if (!out.chosen && out.forked_at.empty() && chosen.members.count(at) != 0) {
      out.forked_at = above.uuid;
    }
    if (!out.preview.empty() && (out.chosen || !out.forked_at.empty())) break;
  }
  return out;
}

// The prompt_snapshot attachments that hang on the way's messages.
std::vector<PromptSnapshot> Snapshots(const TranscriptLines& file,
                                      const TranscriptTree& tree,
                                      const std::map<int, int>& step_of_line) {
  std::vector<PromptSnapshot> out;
  for (int i = 0; i < static_cast<int>(file.lines.size()); ++i) {
    const TranscriptLine& line = file.lines[static_cast<size_t>(i)];
    if (line.type != TranscriptLine::Type::kAttachment) continue;
    const auto owner = step_of_line.find(tree.Nearest(i));
    if (owner == step_of_line.end()) continue;
    const auto attachment = JsonObject::Parse(line.attachment);
    if (!attachment.ok() ||
        attachment->GetString("type") != "prompt_snapshot") {
      continue;
    }
    PromptSnapshot snapshot;
    snapshot.line = line.number;
    snapshot.after_step = owner->second;
    const std::string_view system = attachment->Get("systemPrompt");
    if (KindOf(system) == JsonKind::kArray) snapshot.system_raw = system;
    const std::string_view tools = attachment->Get("tools");
    if (KindOf(tools) == JsonKind::kArray) snapshot.tools_raw = tools;
    out.push_back(std::move(snapshot));
  }
  return out;
}

}  // namespace

std::string_view StepKindName(StepKind kind) {
  switch (kind) {
    case StepKind::kPrompt:
      return "prompt";
    case StepKind::kAssistant:
      return "assistant";
    case StepKind::kToolResults:
      return "tool_results";
  }
  return "";
}

absl::StatusOr<Transcript> ParseTranscript(std::string_view bytes,
                                           const TranscriptOptions& options) {
  ASSIGN_OR_RETURN(const TranscriptLines file, ParseTranscriptLines(bytes));
  const TranscriptTree tree(file);
  const std::vector<int> leaves = tree.Leaves();
  ASSIGN_OR_RETURN(const Way way, ChooseWay(file, tree, leaves, options.leaf));
  WaySteps steps = BuildSteps(file, way);
  Transcript out;
  out.session_id = SessionId(file, way);
  const TranscriptLine& leaf = file.lines[static_cast<size_t>(way.leaf)];
  out.leaf = leaf.uuid;
  out.version = leaf.version;
  for (const int other : leaves) {
    out.leaves.push_back(DescribeLeaf(file, tree, other, way));
  }
  out.snapshots = Snapshots(file, tree, steps.step_of_line);
  out.steps = std::move(steps.steps);
  out.calls = std::move(steps.calls);
  out.identity = IdentityOf(file);
  out.torn = file.torn;
  return out;
}

Revision CompareIdentity(const std::vector<LineIdentity>& known,
                         const std::vector<LineIdentity>& offered) {
  auto it = offered.begin();
  for (const LineIdentity& line : known) {
    while (it != offered.end() && it->uuid < line.uuid) ++it;
    if (it == offered.end() || *it != line) return Revision::kOther;
    ++it;
  }
  return known.size() == offered.size() ? Revision::kSame : Revision::kSuperset;
}

}  // namespace anabranch::claude
