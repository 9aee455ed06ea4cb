#include "fake_claude/catalogue.h"

namespace anabranch::fake_claude {
namespace {

constexpr auto kAlways = Thinking::kAlways;
constexpr auto kAdaptive = Thinking::kAdaptive;
constexpr auto kEither = Thinking::kEither;
constexpr auto kBudget = Thinking::kBudget;

constexpr Model kModels[] = {
    // The members in order; the last four are prefill, forced_tool_choice,
    // sampling and binds_prefix.
    {"claude-opus-5-5", "", "Claude Opus 5.5", "opus", "2026-10-20T00:00:00Z",
     1000000, 128000, kAlways, false, false, false, true},
    {"claude-sonnet-5-5", "", "Claude Sonnet 5.5", "sonnet",
     "2026-10-06T00:00:00Z", 1000000, 128000, kAdaptive, false, true, false,
     true},
    {"claude-haiku-5-5", "", "Claude Haiku 5.5", "haiku",
     "2026-10-05T00:00:00Z", 1000000, 128000, kAdaptive, false, true, false,
     true},
    {"claude-fable-5-2", "", "Claude Fable 5.2", "fable",
     "2026-10-01T00:00:00Z", 1000000, 128000, kAlways, false, false, false,
     true},
    {"claude-mythos-5-2", "", "Claude Mythos 5.2", "mythos",
     "2026-10-01T00:00:00Z", 1000000, 128000, kAlways, false, false, false,
     true},
    {"claude-fable-5-1", "", "Claude Fable 5.1", "fable",
     "2026-08-20T00:00:00Z", 1000000, 128000, kAlways, false, false, false,
     true},
    {"claude-mythos-5-1", "", "Claude Mythos 5.1", "mythos",
     "2026-08-20T00:00:00Z", 1000000, 128000, kAlways, false, false, false,
     true},
    {"claude-fable-5", "", "Claude Fable 5", "fable", "2026-07-01T00:00:00Z",
     1000000, 128000, kAlways, false, true, false, false},
    {"claude-mythos-5", "", "Claude Mythos 5", "mythos", "2026-07-01T00:00:00Z",
     1000000, 128000, kAlways, false, true, false, false},
    {"claude-opus-5", "", "Claude Opus 5", "opus", "2026-06-20T00:00:00Z",
     1000000, 128000, kAdaptive, false, true, false, false},
    {"claude-sonnet-5", "", "Claude Sonnet 5", "sonnet", "2026-06-10T00:00:00Z",
     1000000, 128000, kAdaptive, false, true, false, false},
    {"claude-opus-4-8", "", "Claude Opus 4.8", "opus", "2026-05-10T00:00:00Z",
     1000000, 128000, kAdaptive, false, true, false, false},
    {"claude-opus-4-7", "", "Claude Opus 4.7", "opus", "2026-04-10T00:00:00Z",
     1000000, 128000, kAdaptive, false, true, false, false},
    {"claude-sonnet-4-6", "", "Claude Sonnet 4.6", "sonnet",
     "2026-02-17T00:00:00Z", 1000000, 64000, kEither, false, true, true, false},
    {"claude-opus-4-6", "", "Claude Opus 4.6", "opus", "2026-02-04T00:00:00Z",
     1000000, 128000, kEither, false, true, true, false},
    {"claude-opus-4-5-20251101", "claude-opus-4-5", "Claude Opus 4.5", "opus",
     "2025-11-24T00:00:00Z", 200000, 64000, kBudget, true, true, true, false},
    {"claude-haiku-4-5-20251001", "claude-haiku-4-5", "Claude Haiku 4.5",
     "haiku", "2025-10-15T00:00:00Z", 200000, 64000, kBudget, true, true, true,
     false},
    {"claude-sonnet-4-5-20250929", "claude-sonnet-4-5", "Claude Sonnet 4.5",
     "sonnet", "2025-09-29T00:00:00Z", 1000000, 64000, kBudget, true, true,
     true, false},
    {"claude-opus-4-1-20250805", "claude-opus-4-1", "Claude Opus 4.1", "opus",
     "2025-08-05T00:00:00Z", 200000, 32000, kBudget, true, true, true, false},
    {"claude-opus-4-20250514", "claude-opus-4-0", "Claude Opus 4", "opus",
     "2025-05-22T00:00:00Z", 200000, 32000, kBudget, true, true, true, false},
    {"claude-sonnet-4-20250514", "claude-sonnet-4-0", "Claude Sonnet 4",
     "sonnet", "2025-05-22T00:00:00Z", 200000, 64000, kBudget, true, true, true,
     false},
};

Json Supported(bool supported) { return Json{{"supported", supported}}; }

}  // namespace

std::span<const Model> AllModels() { return kModels; }

const Model* FindModel(std::string_view id) {
  if (id.empty()) return nullptr;
  for (const Model& model : AllModels()) {
    if (model.id == id || model.alias == id) return &model;
  }
  return nullptr;
}

Json ModelEntry(const Model& model) {
  const bool adaptive =
      model.thinking != Thinking::kNone && model.thinking != Thinking::kBudget;
  Json entry;
  entry["type"] = "model";
  entry["id"] = std::string(model.id);
  entry["display_name"] = std::string(model.display_name);
  entry["created_at"] = std::string(model.created);
  entry["max_input_tokens"] = model.max_input_tokens;
  entry["max_tokens"] = model.max_tokens;
  entry["capabilities"] = {
      {"thinking", Supported(model.thinking != Thinking::kNone)},
      {"adaptive_thinking", Supported(adaptive)},
      {"forced_tool_choice", Supported(model.forced_tool_choice)},
      {"prefill", Supported(model.prefill)}};
  entry["lifecycle"] = "active";
  entry["deprecated_at"] = nullptr;
  entry["retires_at"] = nullptr;
  entry["line"] = std::string(model.family);
  return entry;
}

}  // namespace anabranch::fake_claude
