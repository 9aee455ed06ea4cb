#include "claude/transcript_steps.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <utility>

#include "claude/assistant_message.h"
#include "claude/json.h"
#include "claude/message_list.h"
#include "claude/utf8.h"

namespace anabranch::claude {
namespace {

struct LineBlock {
  int line = kNoLine;
  std::string_view raw;
};

// Blocks of one line are slices of one text: their addresses are their order.
void SortByLine(std::vector<LineBlock>& blocks) {
  std::sort(blocks.begin(), blocks.end(),
            [](const LineBlock& a, const LineBlock& b) {
              return std::make_pair(a.line, a.raw.data()) <
                     std::make_pair(b.line, b.raw.data());
            });
}

// One message being put together from lines.
struct Draft {
  StepKind kind = StepKind::kPrompt;
  std::vector<int> lines;
  // Tool results: those that answer the message before, one per tool_use, and
  // what else their lines held.
  std::vector<LineBlock> results;
  std::vector<LineBlock> others;
  std::set<std::string_view> answered;
};

// Collects a way's lines into drafts in their final order.
class Collector {
 public:
  Collector(const TranscriptLines& file, const Way& way) : file_(file) {
    // Answers find their calls whatever the order of the lines.
    for (const int index : way.members) NoteCalls(index);
    for (const int index : way.chain) Add(index);
    for (const int index : way.pulled) Add(index);
  }

  std::vector<Draft> Take() {
    std::vector<Draft> out;
    for (Slot& slot : slots_) {
      std::sort(slot.message.lines.begin(), slot.message.lines.end());
      out.push_back(std::move(slot.message));
      if (slot.answer.lines.empty()) continue;
      SortByLine(slot.answer.results);
      SortByLine(slot.answer.others);
      out.push_back(std::move(slot.answer));
    }
    return out;
  }

 private:
  // A message and, of an assistant's, the results that answer it.
  struct Slot {
    Draft message;
    Draft answer;
  };

  const TranscriptLine& Line(int index) const {
    return file_.lines[static_cast<size_t>(index)];
  }

  // What groups the blocks of one reply: its message id, else the line itself.
  std::string_view GroupOf(int index) const {
    const TranscriptLine& line = Line(index);
    return line.message_id.empty() ? line.uuid : line.message_id;
  }

  void NoteCalls(int index) {
    if (Line(index).type != TranscriptLine::Type::kAssistant) return;
    for (const std::string_view id : ToolUseIds(Line(index).content)) {
      caller_.emplace(id, GroupOf(index));
    }
  }

  void Add(int index) {
    if (Line(index).type == TranscriptLine::Type::kAssistant) {
      SlotOf(GroupOf(index)).message.lines.push_back(index);
    } else {
      AddUser(index);
    }
  }

  Slot& SlotOf(std::string_view group) {
    const auto [it, is_new] = slot_of_group_.emplace(group, slots_.size());
    if (is_new) {
      slots_.emplace_back();
      slots_.back().message.kind = StepKind::kAssistant;
      slots_.back().answer.kind = StepKind::kToolResults;
    }
    return slots_[it->second];
  }

  void AddUser(int index) {
    const UserBlocks blocks = SplitUserContent(Line(index).content);
    Draft* answer = nullptr;
    for (const UserBlocks::Result& result : blocks.results) {
      const auto caller = caller_.find(result.tool_use_id);
      if (caller == caller_.end()) continue;  // it answers nothing here
      Draft& to = SlotOf(caller->second).answer;
      if (!to.answered.insert(result.tool_use_id).second) continue;
      to.results.push_back({index, result.raw});
      if (to.lines.empty() || to.lines.back() != index) {
        to.lines.push_back(index);
      }
      answer = &to;
    }
    Draft* holder = answer;
    if (holder == nullptr) {
      slots_.emplace_back();
      holder = &slots_.back().message;
      holder->lines.push_back(index);
      if (blocks.results.empty()) return;  // its content is taken as it is
    }
    for (const std::string_view raw : blocks.others) {
      holder->others.push_back({index, raw});
    }
  }

  const TranscriptLines& file_;
  std::deque<Slot> slots_;  // Draft pointers stay valid
  std::map<std::string_view, size_t> slot_of_group_;
  std::map<std::string_view, std::string_view> caller_;
};

std::string JoinSlices(const std::vector<LineBlock>& first,
                       const std::vector<LineBlock>& second) {
  std::vector<std::string> blocks;
  blocks.reserve(first.size() + second.size());
  for (const LineBlock& block : first) blocks.emplace_back(block.raw);
  for (const LineBlock& block : second) blocks.emplace_back(block.raw);
  return JoinBlocks(blocks);
}

// The draft's content value; empty when nothing is in it.
std::string ContentOf(const TranscriptLines& file, const Draft& draft) {
  if (draft.kind == StepKind::kToolResults) {
    return JoinSlices(draft.results, draft.others);
  }
  const auto content_at = [&](size_t i) {
    return file.lines[static_cast<size_t>(draft.lines[i])].content;
  };
  if (draft.kind == StepKind::kPrompt) {
    if (!draft.others.empty()) return JoinSlices(draft.others, {});
    const auto blocks = ContentBlocks(content_at(0));
    if (!blocks.ok() || blocks->empty()) return "";
    // Results that answer nothing were all it held.
    if (!SplitUserContent(content_at(0)).results.empty()) return "";
    return std::string(content_at(0));
  }
  std::vector<std::string> blocks;
  for (size_t i = 0; i < draft.lines.size(); ++i) {
    const auto more = ContentBlocks(content_at(i));
    if (more.ok()) blocks.insert(blocks.end(), more->begin(), more->end());
  }
  return blocks.empty() ? "" : JoinBlocks(blocks);
}

// What a person can recognise a message without text by.
std::string Describe(std::string_view content) {
  std::string out;
  const auto elements = JsonElements(content);
  if (!elements.ok()) return out;
  for (const std::string_view raw : *elements) {
    const auto block = JsonObject::Parse(raw);
    if (!block.ok()) continue;
    const std::string type = block->GetString("type");
    if (!out.empty()) out.append(" ");
    out.append("[").append(type);
    if (type == "tool_use") out.append(" ").append(block->GetString("name"));
    out.append("]");
    if (type == "tool_result") {
      out.append(" ").append(ContentText(block->Get("content")));
    }
  }
  return out;
}

// The last of the message's lines that carries what `field` points to.
std::string LastOf(const TranscriptLines& file, const Draft& draft,
                   std::string_view TranscriptLine::* field) {
  for (auto it = draft.lines.rbegin(); it != draft.lines.rend(); ++it) {
    const std::string_view value = file.lines[static_cast<size_t>(*it)].*field;
    if (!value.empty()) return std::string(value);
  }
  return "";
}

void FillAssistant(const TranscriptLines& file, const Draft& draft,
                   Step& step) {
  step.message_id = LastOf(file, draft, &TranscriptLine::message_id);
  step.model = LastOf(file, draft, &TranscriptLine::model);
  step.stop_reason = LastOf(file, draft, &TranscriptLine::stop_reason);
  step.usage_raw = LastOf(file, draft, &TranscriptLine::usage);
  for (const std::string_view id : ToolUseIds(step.content_raw)) {
    step.open_tool_uses.emplace_back(id);
  }
}

Step MakeStep(const TranscriptLines& file, const Draft& draft, int number,
              std::string content) {
  Step step;
  step.number = number;
  step.kind = draft.kind;
  step.role = draft.kind == StepKind::kAssistant ? "assistant" : "user";
  step.content_raw = std::move(content);
  step.text = ContentText(step.content_raw);
  step.preview = Preview(step.text);
  if (step.preview.empty()) step.preview = Preview(Describe(step.content_raw));
  std::vector<int> lines = draft.lines;
  std::sort(lines.begin(), lines.end());
  for (const int index : lines) {
    step.uuids.emplace_back(file.lines[static_cast<size_t>(index)].uuid);
  }
  step.first_line = file.lines[static_cast<size_t>(lines.front())].number;
  step.last_line = file.lines[static_cast<size_t>(lines.back())].number;
  step.timestamp = file.lines[static_cast<size_t>(lines.back())].timestamp;
  if (draft.kind == StepKind::kAssistant) FillAssistant(file, draft, step);
  return step;
}

void CloseToolUses(const Draft& results, Step& caller) {
  std::vector<std::string>& open = caller.open_tool_uses;
  open.erase(std::remove_if(open.begin(), open.end(),
                            [&](const std::string& id) {
                              return results.answered.count(id) != 0;
                            }),
             open.end());
}

std::string Join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out.append(", ");
    out.append(word);
  }
  return out;
}

// Why one cannot cut behind `step`; empty when one can. `hole`: the first step
// with tool calls that nothing answers, or nullptr.
std::string WhyNot(const std::vector<Step>& steps, const Step& step,
                   const Step* hole) {
  if (hole != nullptr && hole->number <= step.number) {
    return "nothing answers the tool calls " + Join(hole->open_tool_uses) +
           " of step " + std::to_string(hole->number);
  }
  if (step.kind != StepKind::kAssistant) return "";
  const size_t next = static_cast<size_t>(step.number);
  if (next < steps.size() && steps[next].kind == StepKind::kToolResults) {
    return "its tool calls are answered by step " +
           std::to_string(step.number + 1) +
           " only: a cut between call and result is refused";
  }
  return "";
}

}  // namespace

WaySteps BuildSteps(const TranscriptLines& file, const Way& way) {
  WaySteps out;
  for (const Draft& draft : Collector(file, way).Take()) {
    const int before = static_cast<int>(out.steps.size());
    if (draft.kind == StepKind::kAssistant) {
      TranscriptCall call;
      call.message_id = LastOf(file, draft, &TranscriptLine::message_id);
      call.model = LastOf(file, draft, &TranscriptLine::model);
      call.usage_raw = LastOf(file, draft, &TranscriptLine::usage);
      call.after_step = before;
      out.calls.push_back(std::move(call));
    }
    if (draft.kind == StepKind::kToolResults && !out.steps.empty()) {
      CloseToolUses(draft, out.steps.back());
    }
    std::string content = ContentOf(file, draft);
    if (!content.empty()) {
      out.steps.push_back(
          MakeStep(file, draft, before + 1, std::move(content)));
    }
    for (const int index : draft.lines) {
      out.step_of_line[index] = static_cast<int>(out.steps.size());
    }
  }
  MarkForkPoints(out.steps);
  return out;
}

void MarkForkPoints(std::vector<Step>& steps) {
  const Step* hole = nullptr;
  for (Step& step : steps) {
    if (hole == nullptr && !step.open_tool_uses.empty()) hole = &step;
    step.why_not = WhyNot(steps, step, hole);
    step.forkable = step.why_not.empty();
    step.needs_message = step.forkable && step.kind == StepKind::kAssistant;
  }
  int below = 0;
  for (Step& step : steps) {
    step.nearest.clear();
    if (!step.forkable && below > 0) step.nearest.push_back(below);
    if (step.forkable) below = step.number;
  }
  int above = 0;
  for (auto it = steps.rbegin(); it != steps.rend(); ++it) {
    if (!it->forkable && above > 0) it->nearest.push_back(above);
    if (it->forkable) above = it->number;
  }
}

std::string Preview(std::string_view text) {
  constexpr size_t kCharactersMax = 120;
  std::string out;
  size_t characters = 0;
  bool space = false;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(Utf8Length(text), 1);
    const unsigned char first = static_cast<unsigned char>(text.front());
    const std::string_view character = text.substr(0, length);
    text.remove_prefix(length);
    if (first <= 0x20 || first == 0x7F) {
      space = !out.empty();
      continue;
    }
    if (characters + 2 > kCharactersMax) return out + "\xE2\x80\xA6";
    if (std::exchange(space, false)) {
      out.push_back(' ');
      ++characters;
    }
    out.append(character);
    ++characters;
  }
  return out;
}

}  // namespace anabranch::claude
