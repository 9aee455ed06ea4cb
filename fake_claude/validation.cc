#include "fake_claude/validation.h"

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "fake_claude/conversation.h"

namespace anabranch::fake_claude {
namespace {

constexpr int kCacheMarksMax = 4;

// Requests over a model's context are refused by their estimated size.
constexpr int64_t kBytesPerToken = 4;

std::string ModelId(const ApiRequest& request) {
  return std::string(request.model->id);
}

Refusal CheckModel(ApiRequest& request) {
  const Json& body = request.body;
  if (!body.contains("model")) return Invalid("model: Field required");
  if (!body["model"].is_string()) {
    return Invalid("model: Input should be a valid string");
  }
  const std::string id = StringOf(body, "model");
  if (id.empty()) {
    return Invalid("model: String should have at least 1 character");
  }
  request.model = FindModel(id);
  if (request.model != nullptr) return std::nullopt;
  ApiError error;
  error.status = 404;
  error.message = "model: " + id;
  return error;
}

Refusal CheckMaxTokens(const ApiRequest& request) {
  const Json& body = request.body;
  if (request.count_only) return std::nullopt;
  if (!body.contains("max_tokens"))
    return Invalid("max_tokens: Field required");
  const Json& value = body["max_tokens"];
  if (!value.is_number_integer()) {
    return Invalid("max_tokens: Input should be a valid integer");
  }
  if (value.is_number_unsigned() ? false : value.get<int64_t>() < 0) {
    return Invalid("max_tokens: Input should be greater than or equal to 0");
  }
  if (value.get<uint64_t>() >
      static_cast<uint64_t>(request.model->max_tokens)) {
    return Invalid(absl::StrCat(
        "max_tokens: ", value.get<uint64_t>(), " > ", request.model->max_tokens,
        ", which is the maximum allowed number of output tokens for ",
        ModelId(request)));
  }
  return std::nullopt;
}

Refusal CheckStream(ApiRequest& request) {
  const Json& body = request.body;
  if (!body.contains("stream") || body["stream"].is_null()) {
    return std::nullopt;
  }
  if (!body["stream"].is_boolean()) {
    return Invalid("stream: Input should be a valid boolean");
  }
  request.stream = body["stream"].get<bool>() && !request.count_only;
  return std::nullopt;
}

Refusal CheckSystem(const Json& body) {
  if (!body.contains("system") || body["system"].is_null()) {
    return std::nullopt;
  }
  const Json& system = body["system"];
  if (system.is_string()) return std::nullopt;
  if (!system.is_array()) {
    return Invalid("system: Input should be a valid string or list");
  }
  for (size_t i = 0; i < system.size(); ++i) {
    const std::string place = absl::StrCat("system.", i);
    if (StringOf(system[i], "type") != "text") {
      return Invalid(place + ".type: Input should be 'text'");
    }
    if (!system[i].contains("text") || !system[i]["text"].is_string()) {
      return Invalid(place + ".text: Field required");
    }
    if (StringOf(system[i], "text").empty()) {
      return Invalid("system: text content blocks must be non-empty");
    }
  }
  return std::nullopt;
}

Refusal CheckStopSequences(const Json& body) {
  if (!body.contains("stop_sequences") || body["stop_sequences"].is_null()) {
    return std::nullopt;
  }
  const Json& sequences = body["stop_sequences"];
  if (!sequences.is_array()) {
    return Invalid("stop_sequences: Input should be a valid list");
  }
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (!sequences[i].is_string()) {
      return Invalid(absl::StrCat("stop_sequences.", i,
                                  ": Input should be a valid string"));
    }
    if (absl::StripAsciiWhitespace(sequences[i].get<std::string>()).empty()) {
      return Invalid(
          "stop_sequences: each stop sequence must contain non-whitespace");
    }
  }
  return std::nullopt;
}

int CountCacheMarks(const Json& value) {
  int marks = 0;
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (key == "input" || key == "input_schema") continue;
      marks += key == "cache_control" && member.is_object()
                   ? 1
                   : CountCacheMarks(member);
    }
  } else if (value.is_array()) {
    for (const Json& member : value) marks += CountCacheMarks(member);
  }
  return marks;
}

Refusal CheckCacheMarks(const Json& body) {
  const int marks = CountCacheMarks(body);
  if (marks <= kCacheMarksMax) return std::nullopt;
  return Invalid(absl::StrCat("A maximum of ", kCacheMarksMax,
                              " blocks with cache_control may be provided. "
                              "Found ",
                              marks, "."));
}

Refusal CheckSize(const ApiRequest& request) {
  int64_t bytes = 0;
  for (const char* key : {"system", "tools", "messages"}) {
    if (request.body.contains(key)) {
      bytes += static_cast<int64_t>(ToJsonText(request.body[key]).size());
    }
  }
  const int64_t tokens = bytes / kBytesPerToken;
  if (tokens <= request.model->max_input_tokens) return std::nullopt;
  return Invalid(absl::StrCat("prompt is too long: ", tokens, " tokens > ",
                              request.model->max_input_tokens, " maximum"));
}

Refusal OutOfRange(const char* key, const Json& value, double max) {
  if (!value.is_number()) {
    return Invalid(absl::StrCat(key, ": Input should be a valid number"));
  }
  if (value.get<double>() < 0 || value.get<double>() > max) {
    return Invalid(absl::StrCat(key, ": range: 0..", max));
  }
  return std::nullopt;
}

}  // namespace

Refusal Validate(ApiRequest& request, const WasPaused& was_paused) {
  if (!request.body.is_object()) {
    return Invalid("The request body must be a JSON object");
  }
  Refusal refusal = CheckModel(request);
  if (!refusal) refusal = CheckMaxTokens(request);
  if (!refusal) refusal = CheckStream(request);
  if (!refusal) refusal = CheckSystem(request.body);
  if (!refusal) refusal = CheckStopSequences(request.body);
  if (!refusal) refusal = CheckSampling(request);
  if (!refusal) refusal = CheckThinkingConfig(request);
  if (!refusal) refusal = CheckTools(request);
  if (!refusal) refusal = CheckCacheMarks(request.body);
  if (!refusal) refusal = CheckMessages(request);
  if (!refusal) refusal = CheckToolPairs(request.body["messages"]);
  if (!refusal) refusal = CheckEnding(request, was_paused);
  if (!refusal) refusal = CheckSize(request);
  return refusal;
}

Refusal CheckSampling(const ApiRequest& request) {
  struct Parameter {
    const char* key;
    double max;
    double default_min;  // what counts as the default value
    double default_max;
  };
  constexpr Parameter kParameters[] = {{"temperature", 1, 1, 1},
                                       {"top_p", 1, 0.99, 1},
                                       {"top_k", 1e9, 1, 0}};  // has none
  for (const Parameter& parameter : kParameters) {
    if (!request.body.contains(parameter.key)) continue;
    if (request.version == Version::k2026_10_21) {
      return Invalid(
          absl::StrCat(parameter.key, ": Extra inputs are not permitted"));
    }
    const Json& value = request.body[parameter.key];
    if (value.is_null()) continue;
    if (Refusal refusal = OutOfRange(parameter.key, value, parameter.max)) {
      return refusal;
    }
    const double number = value.get<double>();
    if (!request.model->sampling &&
        (number < parameter.default_min || number > parameter.default_max)) {
      return Invalid(
          absl::StrCat("`", parameter.key, "` is deprecated for this model."));
    }
  }
  return std::nullopt;
}

Refusal CheckEnding(const ApiRequest& request, const WasPaused& was_paused) {
  const Json& messages = request.body["messages"];
  if (StringOf(messages.back(), "role") != "assistant") return std::nullopt;
  // A paused turn may be sent back alone or behind earlier parts of itself.
  const Json blocks = BlocksOf(messages.back()["content"]);
  for (size_t i = 0; i < blocks.size(); ++i) {
    Json tail = Json::array();
    for (size_t j = i; j < blocks.size(); ++j) tail.push_back(blocks[j]);
    if (was_paused(tail)) return std::nullopt;
  }
  if (!request.model->prefill) {
    return Invalid(
        "This model does not support assistant message prefill. The "
        "conversation must end with a user message.");
  }
  if (blocks.empty()) return std::nullopt;
  const std::string text = StringOf(blocks.back(), "text");
  if (!text.empty() &&
      absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
    return Invalid(
        "messages: final assistant content cannot end with trailing "
        "whitespace");
  }
  return std::nullopt;
}

}  // namespace anabranch::fake_claude
