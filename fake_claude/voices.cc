#include "fake_claude/voices.h"

#include <span>
#include <string_view>

namespace anabranch::fake_claude {
namespace {

using Lines = std::span<const char* const>;

struct Voice {
  std::string_view family;
  Lines openings;
  Lines bodies;
  Lines closings;
  size_t sentences_min;
  size_t sentences_max;
  std::string_view separator;  // between sentences
};

constexpr const char* kOpusOpenings[] = {
    "Let me take this one step at a time.",
    "There are two questions here — one on the surface, one beneath it.",
    "I would start with what must stay true whatever we change.",
};
constexpr const char* kOpusBodies[] = {
    "The first thing to settle is who owns the state, because everything "
    "else follows from that.",
    "An interruption is only harmless when the work before it was written "
    "down — “probably saved” is not saved.",
    "I weighed the simpler route; it saves a day now and costs one every "
    "month after.",
    "Note the edge case: an empty input is valid, and so is one of 10⁶ "
    "items.",
    "Written as a rule:\n\n    if (seen(id)) return recorded(id);\n\nNothing "
    "else may call out.",
    "The naïve reading — that both runs agree — holds only for equal "
    "prefixes.",
    "So the order matters: sync, then reply, never the other way round.",
};
constexpr const char* kOpusClosings[] = {
    "That leaves one decision to you, and I would take the slower, safer arm.",
    "If you want, I can write the failing test first.",
    "I am fairly sure of the first part and would measure the second.",
};

constexpr const char* kSonnetOpenings[] = {
    "Sure — here is the short version.",
    "Good question! A plan in three parts:",
    "Happy to help with that.",
};
constexpr const char* kSonnetBodies[] = {
    "- Keep the interface small: `open`, `append`, `close`.",
    "- Log each step, as {\"step\": 1, \"ok\": true}, for the replay.",
    "- Run it twice; the second run should change nothing.",
    "- Put the path C:\\temp\\out in the config, not in the code.",
    "- A café-style name such as `résumé_id` is fine, UTF-8 is everywhere.",
    "- Delete the old branch once the new one is green.",
};
constexpr const char* kSonnetClosings[] = {
    "Want me to draft the code?",
    "That should cover it. ✅",
    "Tell me which part to expand.",
};

constexpr const char* kHaikuOpenings[] = {
    "Quick take:",
    "In brief:",
    "Short answer:",
};
constexpr const char* kHaikuBodies[] = {
    "yes, with one retry.",  "measure first, then cut.",
    "use the smaller file.", "it depends on the \"order\" of events.",
    "split it in two.",
};
constexpr const char* kHaikuClosings[] = {
    "Done. 🍃",
    "That is all.",
    "Next?",
};

constexpr const char* kFableOpenings[] = {
    "Picture a river that splits around an island.",
    "Once, a ledger and a clock disagreed.",
    "Every branch of this has a keeper.",
};
constexpr const char* kFableBodies[] = {
    "Each arm carries its own boats, and none of them is told about the "
    "other.",
    "The ferryman writes every crossing down before he calls it done.",
    "When the bridge fell, only the crossings in his book had happened.",
    "“But I remember mine,” said the miller.\u2028“The book does not,” said "
    "the ferryman.",
    "Downstream the arms meet again, and the water is compared by its "
    "colour: blå, grön, 青.",
};
constexpr const char* kFableClosings[] = {
    "Your case is the second arm, I think.",
    "The moral: write first, then ring the bell.",
    "And that is how it can be done here too.",
};

constexpr const char* kMythosOpenings[] = {
    "Claim, evidence, consequence — in that order.",
    "I looked for the strongest objection first.",
};
constexpr const char* kMythosBodies[] = {
    "Claim: the cut is valid at every complete turn.\n",
    "Evidence: ∀ step n, the prefix 1…n has no open call.\n",
    "Consequence: a fork costs Δ = new tokens only.\n",
    "Counterexample sought and not found within \"reasonable\" bounds.\n",
};
constexpr const char* kMythosClosings[] = {
    "Confidence: high.\tReview: advised.",
    "What would change my mind: one lost record.",
};

constexpr Voice kVoices[] = {
    {"opus", kOpusOpenings, kOpusBodies, kOpusClosings, 3, 5, " "},
    {"sonnet", kSonnetOpenings, kSonnetBodies, kSonnetClosings, 3, 4, "\n"},
    {"haiku", kHaikuOpenings, kHaikuBodies, kHaikuClosings, 1, 2, " "},
    {"fable", kFableOpenings, kFableBodies, kFableClosings, 3, 4, " "},
    {"mythos", kMythosOpenings, kMythosBodies, kMythosClosings, 2, 4, " "},
};

const Voice& VoiceOf(const Model& model) {
  for (const Voice& voice : kVoices) {
    if (voice.family == model.family) return voice;
  }
  return kVoices[0];
}

std::string_view Pick(Lines lines, HashStream& hash) {
  return lines[hash.Below(lines.size())];
}

}  // namespace

std::string Speak(const Model& model, const std::string& system,
                  const std::string& prompt, HashStream& hash) {
  const Voice& voice = VoiceOf(model);
  std::string text(Pick(voice.openings, hash));
  const auto say = [&](std::string_view sentence) {
    text += voice.separator;
    text += sentence;
  };
  if (!prompt.empty()) say("You asked: \"" + Snippet(prompt, 60) + "\".");
  if (!system.empty()) {
    say("(Keeping to \"" + Snippet(system, 40) + "\".)");
  }
  const size_t count =
      voice.sentences_min +
      hash.Below(voice.sentences_max - voice.sentences_min + 1);
  // Different sentences: a walk with a step that visits each once.
  const size_t start = hash.Below(voice.bodies.size());
  for (size_t i = 0; i < count; ++i) {
    say(voice.bodies[(start + i) % voice.bodies.size()]);
  }
  say(Pick(voice.closings, hash));
  return text;
}

std::string Ponder(const std::string& prompt, HashStream& hash) {
  static constexpr const char* kThoughts[] = {
      "First what is given, then what is wanted.",
      "The earlier turns limit the answer.",
      "A short reply may do.",
      "Check the edge cases before answering.",
  };
  return "The request is \"" + Snippet(prompt, 40) + "\". " +
         std::string(Pick(kThoughts, hash));
}

}  // namespace anabranch::fake_claude
