// From the lines of one way to its steps. Used by transcript.cc only.
#pragma once

#include <vector>

#include "claude/transcript.h"
#include "claude/transcript_lines.h"
#include "claude/transcript_tree.h"

namespace anabranch::claude {

struct WaySteps {
  std::vector<Step> steps;
  std::vector<TranscriptCall> calls;
  // For each member line the number of steps when its message is in.
  std::map<int, int> step_of_line;
};

WaySteps BuildSteps(const TranscriptLines& file, const Way& way);

// Sets forkable, needs_message, why_not and nearest of every step.
void MarkForkPoints(std::vector<Step>& steps);

// One line of at most 120 characters.
std::string Preview(std::string_view text);

}  // namespace anabranch::claude
