// What map_runs takes and gives, as users read it.
#pragma once

namespace anabranch::flows {

inline constexpr char kMapRunsDescription[] =
    "Runs a flow once for each item of a list, some at a time, and collects "
    "what they come to. A run that fails does not stop the others. The query "
    "`progress` tells how many have ended.";
inline constexpr char kMapRunsInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "map_runs input",
  "type": "object",
  "properties": {
    "flow": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "description": "The flow to run."
    },
    "items": {
      "type": "array",
      "maxItems": 10000,
      "description": "Each is the input of one run."
    },
    "concurrency": {
      "type": "integer",
      "minimum": 1,
      "maximum": 1000,
      "default": 10,
      "description": "Runs at the same time, at most."
    }
  },
  "required": ["flow", "items"],
  "additionalProperties": false
})json";
inline constexpr char kMapRunsOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "map_runs result",
  "type": "object",
  "properties": {
    "results": {
      "type": "array",
      "description": "One for each item, in the items' order.",
      "items": {
        "type": "object",
        "properties": {
          "result": {"description": "What the run gave back."},
          "failure": {
            "type": "object",
            "properties": {
              "type": {"type": "string"},
              "message": {"type": "string"}
            },
            "description": "Instead of a result: why there is none."
          }
        }
      }
    },
    "failed": {"type": "integer", "description": "Items without a result."}
  },
  "required": ["results", "failed"]
})json";
inline constexpr char kMapRunsExample[] =
    R"json({"flow": "echo", "items": [{"n": 1}, {"n": 2}], "concurrency": 2})json";

}  // namespace anabranch::flows
