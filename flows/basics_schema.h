// What the small flows take and give, as users read it.
#pragma once

namespace anabranch::flows {

// --- echo ---

inline constexpr char kEchoDescription[] =
    "Sends its input to a worker's echo activity and gives back what comes.";
inline constexpr char kEchoInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "echo input",
  "description": "Any JSON value."
})json";
inline constexpr char kEchoOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "echo result",
  "description": "The input."
})json";
inline constexpr char kEchoExample[] = R"json({"hello": "world"})json";

// --- sleep ---

inline constexpr char kSleepDescription[] =
    "Waits on a durable timer, which goes on through restarts of the server.";
inline constexpr char kSleepInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "sleep input",
  "type": "object",
  "properties": {
    "seconds": {
      "type": "number",
      "minimum": 0,
      "maximum": 31536000,
      "description": "How long; fractions count."
    }
  },
  "required": ["seconds"],
  "additionalProperties": false
})json";
inline constexpr char kSleepOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "sleep result",
  "type": "object",
  "properties": {
    "slept_ms": {
      "type": "integer",
      "description": "From the start until the timer fired, by the history."
    }
  },
  "required": ["slept_ms"]
})json";
inline constexpr char kSleepExample[] = R"json({"seconds": 1})json";

// --- sequence ---

inline constexpr char kSequenceDescription[] =
    "Carries out activities one after the other; a crash repeats none that is "
    "recorded.";
inline constexpr char kSequenceInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "sequence input",
  "type": "object",
  "properties": {
    "steps": {
      "type": "integer",
      "minimum": 1,
      "maximum": 100000,
      "description": "How many activities."
    },
    "activity": {
      "type": "string",
      "minLength": 1,
      "default": "echo",
      "description": "Their type; each gets {\"step\": k} as its input."
    }
  },
  "required": ["steps"],
  "additionalProperties": false
})json";
inline constexpr char kSequenceOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "sequence result",
  "type": "object",
  "properties": {
    "count": {"type": "integer", "description": "Activities carried out."}
  },
  "required": ["count"]
})json";
inline constexpr char kSequenceExample[] = R"json({"steps": 3})json";

// --- wait_for_signal ---

inline constexpr char kWaitForSignalDescription[] =
    "Waits for a signal of the given name and gives back its value.";
inline constexpr char kWaitForSignalInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "wait_for_signal input",
  "type": "object",
  "properties": {
    "signal": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "description": "The signal's name."
    }
  },
  "required": ["signal"],
  "additionalProperties": false
})json";
inline constexpr char kWaitForSignalOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "wait_for_signal result",
  "description": "The signal's value; null when it came without one."
})json";
inline constexpr char kWaitForSignalExample[] = R"json({"signal": "go"})json";

}  // namespace anabranch::flows
