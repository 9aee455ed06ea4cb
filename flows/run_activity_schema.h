// What run_activity takes and gives, as users read it.
#pragma once

namespace anabranch::flows {

inline constexpr char kRunActivityDescription[] =
    "Carries out one activity of any type, with retries, and gives back its "
    "result: for workers of one's own.";
inline constexpr char kRunActivityInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "run_activity input",
  "type": "object",
  "properties": {
    "type": {
      "type": "string",
      "minLength": 1,
      "maxLength": 128,
      "description": "The activity's type, which a worker offers."
    },
    "input": {"description": "The activity's input: any JSON value."},
    "task_queue": {
      "type": "string",
      "maxLength": 128,
      "default": "default",
      "description": "The queue that its workers poll."
    },
    "priority": {
      "type": "integer",
      "minimum": 1,
      "maximum": 5,
      "default": 3,
      "description": "1 is taken first."
    },
    "concurrency_key": {
      "type": "string",
      "maxLength": 128,
      "description": "The queue may limit how many of one key run at once."
    },
    "attempts": {
      "type": "integer",
      "minimum": 1,
      "maximum": 1000,
      "default": 10,
      "description": "Attempts, at most."
    },
    "timeout_seconds": {
      "type": "number",
      "exclusiveMinimum": 0,
      "maximum": 604800,
      "default": 600,
      "description": "Limit for one attempt."
    },
    "heartbeat_seconds": {
      "type": "number",
      "exclusiveMinimum": 0,
      "maximum": 604800,
      "description": "An attempt that sends no heartbeat for so long has failed."
    }
  },
  "required": ["type"],
  "additionalProperties": false
})json";
inline constexpr char kRunActivityOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "run_activity result",
  "description": "What the activity gave back."
})json";
inline constexpr char kRunActivityExample[] =
    R"json({"type": "echo", "input": {"hello": "world"}})json";

}  // namespace anabranch::flows
