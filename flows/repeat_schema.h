// What repeat takes and gives, as users read it.
#pragma once

namespace anabranch::flows {

inline constexpr char kRepeatDescription[] =
    "Runs a flow again and again, one run after the other, and continues as "
    "new now and then so that its history stays short. Ends when a run fails.";
inline constexpr char kRepeatInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "repeat input",
  "type": "object",
  "properties": {
    "flow": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "description": "The flow to run."
    },
    "input": {"description": "The input of each run; {} when left out."},
    "times": {
      "type": "integer",
      "minimum": 1,
      "maximum": 1000000,
      "description": "How many runs."
    },
    "continue_every": {
      "type": "integer",
      "minimum": 1,
      "maximum": 1000,
      "default": 100,
      "description": "Runs after which it continues as new."
    },
    "done": {
      "type": "integer",
      "minimum": 0,
      "maximum": 1000000,
      "default": 0,
      "description": "Runs that are over; set when it continues as new."
    }
  },
  "required": ["flow", "times"],
  "additionalProperties": false
})json";
inline constexpr char kRepeatOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "repeat result",
  "type": "object",
  "properties": {
    "count": {"type": "integer", "description": "Runs carried out."},
    "last": {"description": "What the last of them gave back."}
  },
  "required": ["count", "last"]
})json";
inline constexpr char kRepeatExample[] =
    R"json({"flow": "echo", "input": {"hello": "world"}, "times": 3})json";

}  // namespace anabranch::flows
