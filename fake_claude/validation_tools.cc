// The rules for thinking, tools and tool_choice.
#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "fake_claude/thinking.h"
#include "fake_claude/validation.h"

namespace anabranch::fake_claude {
namespace {

constexpr int64_t kBudgetMin = 1024;
constexpr size_t kToolNameMax = 128;

ApiError UnsupportedThinking(const std::string& type) {
  return Invalid(absl::StrCat(
      "\"thinking.type.", type,
      "\" is not supported for this model. Use \"thinking.type.adaptive\" and "
      "\"output_config.effort\" to control thinking behavior."));
}

Refusal CheckBudget(const ApiRequest& request, const Json& thinking) {
  if (!thinking.contains("budget_tokens")) {
    return Invalid("thinking.enabled.budget_tokens: Field required");
  }
  const Json& budget = thinking["budget_tokens"];
  if (!budget.is_number_integer()) {
    return Invalid(
        "thinking.enabled.budget_tokens: Input should be a valid integer");
  }
  if (budget.get<int64_t>() < kBudgetMin) {
    return Invalid(absl::StrCat(
        "thinking.enabled.budget_tokens: Input should be greater than or equal "
        "to ",
        kBudgetMin));
  }
  if (!request.count_only &&
      budget.get<int64_t>() >= request.body["max_tokens"].get<int64_t>()) {
    return Invalid(
        "`max_tokens` must be greater than `thinking.budget_tokens`.");
  }
  return std::nullopt;
}

Refusal CheckThinkingType(const ApiRequest& request, const std::string& type) {
  switch (request.model->thinking) {
    case Thinking::kNone:
      if (type != "disabled") {
        return Invalid("thinking is not supported on this model");
      }
      break;
    case Thinking::kBudget:
      if (type == "adaptive" || type == "between_tools") {
        return Invalid(
            absl::StrCat(type, " thinking is not supported on this model"));
      }
      break;
    case Thinking::kEither:
      break;
    case Thinking::kAdaptive:
      if (type == "enabled") return UnsupportedThinking(type);
      break;
    case Thinking::kAlways:
      if (type == "enabled" || type == "disabled") {
        return UnsupportedThinking(type);
      }
      break;
  }
  return std::nullopt;
}

Refusal CheckBinding(const ApiRequest& request, const Json& thinking) {
  if (!thinking.contains("block_binding")) return std::nullopt;
  if (!HasBeta(request.beta, kBindingBeta)) {
    return Invalid("thinking.block_binding: Extra inputs are not permitted");
  }
  const std::string behaviour =
      StringOf(thinking["block_binding"], "prefix_mismatch_behavior");
  if (behaviour == "error" || behaviour == "drop_block") return std::nullopt;
  return Invalid(
      "thinking.block_binding.prefix_mismatch_behavior: Input should be "
      "'error' or 'drop_block'");
}

bool IsToolName(const std::string& name) {
  return !name.empty() && name.size() <= kToolNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

Refusal CheckTool(const Json& tool, const std::string& place) {
  if (!tool.is_object()) {
    return Invalid(place + ": Input should be a valid dictionary");
  }
  const std::string type = StringOf(tool, "type");
  const bool custom = type.empty() || type == "custom";
  // Tools of the API's own have types; a set of them has no name.
  if (!custom && !tool.contains("name")) return std::nullopt;
  const std::string prefix = custom ? place + ".custom" : place;
  if (!tool.contains("name")) return Invalid(prefix + ".name: Field required");
  if (!IsToolName(StringOf(tool, "name"))) {
    return Invalid(
        prefix + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
  }
  if (!custom) return std::nullopt;
  if (!tool.contains("input_schema")) {
    return Invalid(prefix + ".input_schema: Field required");
  }
  if (!tool["input_schema"].is_object()) {
    return Invalid(prefix +
                   ".input_schema: Input should be a valid dictionary");
  }
  if (StringOf(tool["input_schema"], "type") != "object") {
    return Invalid(prefix + ".input_schema.type: Input should be 'object'");
  }
  return std::nullopt;
}

bool HasTool(const Json& tools, const std::string& name) {
  return std::any_of(tools.begin(), tools.end(), [&](const Json& tool) {
    return StringOf(tool, "name") == name;
  });
}

Refusal CheckToolChoice(const ApiRequest& request) {
  const Json& body = request.body;
  if (!body.contains("tool_choice") || body["tool_choice"].is_null()) {
    return std::nullopt;
  }
  const Json& choice = body["tool_choice"];
  const std::string type = StringOf(choice, "type");
  if (type != "auto" && type != "any" && type != "tool" && type != "none") {
    return Invalid(
        "tool_choice: Input tag '" + type +
        "' found using 'type' does not match any of the expected tags: "
        "'auto', 'any', 'tool', 'none'");
  }
  if (!body.contains("tools") || body["tools"].empty()) {
    return Invalid("tool_choice may only be specified while providing tools");
  }
  if (type != "any" && type != "tool") return std::nullopt;
  if (type == "tool") {
    const std::string name = StringOf(choice, "name");
    if (name.empty()) return Invalid("tool_choice.tool.name: Field required");
    if (!HasTool(body["tools"], name)) {
      return Invalid("Tool '" + name + "' not found in provided tools");
    }
  }
  if (!request.model->forced_tool_choice) {
    return Invalid("\"tool_choice.type." + type +
                   "\" is not supported for this model. Use "
                   "\"tool_choice.type.auto\" or \"tool_choice.type.none\".");
  }
  const std::string thinking =
      body.contains("thinking") ? StringOf(body["thinking"], "type") : "";
  if (thinking == "enabled" || thinking == "adaptive") {
    return Invalid(
        "Thinking may not be enabled when tool_choice forces tool use.");
  }
  return std::nullopt;
}

}  // namespace

Refusal CheckThinkingConfig(const ApiRequest& request) {
  const Json& body = request.body;
  if (!body.contains("thinking") || body["thinking"].is_null()) {
    return std::nullopt;
  }
  const Json& thinking = body["thinking"];
  const std::string type = StringOf(thinking, "type");
  if (type != "enabled" && type != "disabled" && type != "adaptive" &&
      type != "between_tools") {
    return Invalid(
        "thinking: Input tag '" + type +
        "' found using 'type' does not match any of the expected tags: "
        "'adaptive', 'between_tools', 'disabled', 'enabled'");
  }
  if (Refusal refusal = CheckThinkingType(request, type)) return refusal;
  if (type == "enabled") {
    if (Refusal refusal = CheckBudget(request, thinking)) return refusal;
  }
  return CheckBinding(request, thinking);
}

Refusal CheckTools(const ApiRequest& request) {
  const Json& body = request.body;
  if (body.contains("tools") && !body["tools"].is_null()) {
    const Json& tools = body["tools"];
    if (!tools.is_array()) {
      return Invalid("tools: Input should be a valid list");
    }
    std::set<std::string> names;
    for (size_t i = 0; i < tools.size(); ++i) {
      if (Refusal refusal = CheckTool(tools[i], absl::StrCat("tools.", i))) {
        return refusal;
      }
      const std::string name = StringOf(tools[i], "name");
      if (!name.empty() && !names.insert(name).second) {
        return Invalid("tools: Tool names must be unique.");
      }
    }
  }
  return CheckToolChoice(request);
}

}  // namespace anabranch::fake_claude
