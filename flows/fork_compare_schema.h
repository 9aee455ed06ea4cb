// What fork_compare takes and gives, as users read it.
#pragma once

namespace anabranch::flows {

inline constexpr char kForkCompareDescription[] =
    "Cuts a conversation at a step, goes on from there in several branches "
    "side by side (other models, system prompts, messages), and compares them "
    "with each other and with what really followed. Every model turn is an "
    "activity of its own: a crash repeats none that is recorded.";

inline constexpr char kForkCompareInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "fork_compare input",
  "type": "object",
  "properties": {
    "conversation": {
      "type": "string",
      "minLength": 1,
      "description": "Id of an imported conversation; its newest revision is pinned at the start."
    },
    "fork_at_step": {
      "type": "integer",
      "minimum": 1,
      "description": "Steps 1 to N are kept: a prompt, tool results, or a complete reply when every branch injects a message."
    },
    "leaf": {
      "type": "string",
      "minLength": 1,
      "description": "uuid of the line that the conversation ends with; the newest when absent."
    },
    "branches": {
      "type": "array",
      "minItems": 1,
      "maxItems": 50,
      "items": {
        "type": "object",
        "properties": {
          "name": {
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
            "not": {"const": "original"},
            "description": "Unique among the branches."
          },
          "model": {
            "type": "string",
            "minLength": 1,
            "description": "Default: of the next reply after step N, else of the last before."
          },
          "inject_message": {
            "anyOf": [
              {"type": "string", "minLength": 1},
              {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "maxItems": 100
              }
            ],
            "description": "What to say next; of a list each further one is sent after the reply to the one before."
          },
          "replace_message": {
            "type": "string",
            "minLength": 1,
            "description": "A text in place of step N, which must be a prompt."
          },
          "system_prompt": {
            "type": "string",
            "description": "In place of the conversation's; an empty one means none."
          },
          "max_turns": {
            "type": "integer",
            "minimum": 1,
            "maximum": 100,
            "default": 5,
            "description": "Model calls at most; at least one for each message. Default: settings.max_turns, else 5."
          },
          "max_tokens": {
            "type": "integer",
            "minimum": 1,
            "maximum": 128000,
            "default": 4096,
            "description": "Each reply is cut off after this many tokens."
          },
          "timeout_seconds": {
            "type": "integer",
            "minimum": 1,
            "maximum": 86400,
            "description": "For the whole branch. Default: settings.timeout_seconds, else none."
          }
        },
        "required": ["name"],
        "additionalProperties": false
      }
    },
    "settings": {
      "type": "object",
      "description": "Defaults of all branches.",
      "properties": {
        "max_turns": {"type": "integer", "minimum": 1, "maximum": 100},
        "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 86400}
      },
      "additionalProperties": false
    }
  },
  "required": ["conversation", "fork_at_step", "branches"],
  "additionalProperties": false
})json";

inline constexpr char kForkCompareOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "fork_compare result",
  "type": "object",
  "$defs": {
    "tokens": {
      "type": "object",
      "properties": {
        "input": {"type": "number"},
        "output": {"type": "number"},
        "cache_read": {"type": "number"},
        "cache_creation": {"type": "number"}
      },
      "required": ["input", "output", "cache_read", "cache_creation"]
    },
    "place": {
      "description": "turn, line and column count from 1, offset (characters into the turn's text) from 0.",
      "type": "object",
      "properties": {
        "turn": {"type": "integer"},
        "line": {"type": "integer"},
        "column": {"type": "integer"},
        "offset": {"type": "integer"}
      }
    }
  },
  "properties": {
    "branches": {
      "type": "array",
      "description": "The first column is `original`, the transcript's own continuation, at no cost.",
      "items": {
        "type": "object",
        "properties": {
          "name": {"type": "string"},
          "no_cost": {"type": "boolean"},
          "state": {"enum": ["COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]},
          "model": {"type": "string"},
          "stop_reason": {
            "type": "string",
            "description": "Of the last reply; empty when there is none."
          },
          "duration_ms": {"type": ["integer", "null"]},
          "turns": {"type": "integer", "description": "Replies received."},
          "tokens": {"$ref": "#/$defs/tokens"},
          "text": {"type": "string", "description": "Of the last reply."},
          "texts": {"type": "array", "items": {"type": "string"}},
          "failure": {
            "type": ["object", "null"],
            "properties": {
              "type": {"type": "string"},
              "message": {"type": "string"}
            }
          },
          "note": {"type": "string", "description": "What was left undone."},
          "first_difference": {
            "anyOf": [
              {"type": "null"},
              {
                "allOf": [{"$ref": "#/$defs/place"}],
                "properties": {
                  "from": {"type": "array", "items": {"type": "string"}}
                }
              }
            ]
          },
          "differences": {
            "type": "array",
            "items": {
              "allOf": [{"$ref": "#/$defs/place"}],
              "properties": {
                "from": {"type": "string"},
                "same": {"type": "boolean"}
              },
              "required": ["from"]
            }
          }
        },
        "required": ["name", "state", "turns", "tokens", "text", "texts"]
      }
    },
    "total": {"type": "integer", "description": "Branches, the original apart."},
    "completed": {"type": "integer"},
    "failed": {"type": "integer", "description": "Those that did not complete."},
    "averages": {
      "type": ["object", "null"],
      "description": "Over the branches that completed.",
      "properties": {
        "duration_ms": {"type": ["number", "null"]},
        "turns": {"type": "number"},
        "tokens": {"$ref": "#/$defs/tokens"}
      }
    }
  },
  "required": ["branches", "total", "completed", "failed", "averages"]
})json";

inline constexpr char kForkCompareExample[] = R"json({
  "conversation": "11111111-1111-4111-8111-111111111111",
  "fork_at_step": 3,
  "branches": [
    {"name": "as-it-was"},
    {"name": "opus", "model": "claude-opus-5-5"},
    {"name": "brief", "system_prompt": "Answer in one sentence."},
    {
      "name": "doubt",
      "inject_message": ["Are you sure?", "Explain it to a child."],
      "max_turns": 3
    }
  ],
  "settings": {"timeout_seconds": 600}
})json";

}  // namespace anabranch::flows
