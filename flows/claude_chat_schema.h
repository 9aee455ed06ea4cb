// What claude_chat takes and gives, as users read it.
#pragma once

namespace anabranch::flows {

inline constexpr char kClaudeChatDescription[] =
    "Asks Claude once, durably: the call survives a crash of the server and is "
    "never made again once its reply is recorded.";

inline constexpr char kClaudeChatInputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "claude_chat input",
  "type": "object",
  "properties": {
    "prompt": {
      "type": "string",
      "minLength": 1,
      "description": "What to say to the model."
    },
    "model": {
      "type": "string",
      "minLength": 1,
      "default": "claude-sonnet-5-5",
      "description": "Which model answers."
    },
    "system": {
      "type": "string",
      "description": "The system prompt; none when absent or empty."
    },
    "max_tokens": {
      "type": "integer",
      "minimum": 1,
      "maximum": 128000,
      "default": 4096,
      "description": "The reply is cut off after this many tokens."
    },
    "timeout_seconds": {
      "type": "integer",
      "minimum": 1,
      "maximum": 86400,
      "default": 300,
      "description": "An attempt that takes longer is given up and tried again."
    }
  },
  "required": ["prompt"],
  "additionalProperties": false
})json";

inline constexpr char kClaudeChatOutputSchema[] = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "claude_chat result",
  "type": "object",
  "properties": {
    "text": {
      "type": "string",
      "description": "The reply's text blocks."
    },
    "model": {
      "type": "string",
      "description": "The model that answered, as the API names it."
    },
    "stop_reason": {
      "type": ["string", "null"],
      "description": "Why the reply ended: end_turn, max_tokens, refusal, …"
    },
    "usage": {
      "type": ["object", "null"],
      "description": "Tokens, in the API's own words."
    },
    "request_id": {
      "type": ["string", "null"],
      "description": "The API's name for the call; quote it to its support."
    }
  },
  "required": ["text", "model", "stop_reason", "usage", "request_id"]
})json";

inline constexpr char kClaudeChatExample[] = R"json({"prompt": "Say hi"})json";

}  // namespace anabranch::flows
