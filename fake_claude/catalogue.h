// The models that this server knows, and which rules each obeys.
#pragma once

#include <span>
#include <string_view>

#include "fake_claude/text.h"

namespace anabranch::fake_claude {

// What `thinking` a model accepts.
enum class Thinking {
  kNone,      // none at all
  kBudget,    // enabled with a budget, or disabled
  kEither,    // enabled, adaptive, or disabled
  kAdaptive,  // adaptive, or disabled
  kAlways,    // adaptive only: it cannot be turned off
};

struct Model {
  std::string_view id;
  std::string_view alias;  // another accepted name, or ""
  std::string_view display_name;
  std::string_view family;  // opus, sonnet, haiku, fable, mythos
  std::string_view created;
  int max_input_tokens;
  int max_tokens;
  Thinking thinking;
  bool prefill;             // the last message may be the assistant's
  bool forced_tool_choice;  // tool_choice any and tool
  bool sampling;            // other than default temperature, top_p, top_k
  bool binds_prefix;        // signatures are bound to what came before
};

// Newest first, as the API lists them.
std::span<const Model> AllModels();
// Null when there is no such model.
const Model* FindModel(std::string_view id);
// An entry of GET /v1/models.
Json ModelEntry(const Model& model);

}  // namespace anabranch::fake_claude
