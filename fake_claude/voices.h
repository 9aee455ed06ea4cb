// How the models sound: each family in its own way, so that a comparison of
// their answers is one.
#pragma once

#include <string>

#include "fake_claude/catalogue.h"
#include "fake_claude/text.h"

namespace anabranch::fake_claude {

// A few sentences in the model's voice about `prompt` and, when there is one,
// about `system`. The same for the same arguments and state of `hash`.
std::string Speak(const Model& model, const std::string& system,
                  const std::string& prompt, HashStream& hash);

// What the model thinks before it speaks.
std::string Ponder(const std::string& prompt, HashStream& hash);

}  // namespace anabranch::fake_claude
