#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "claude/compare.h"
#include "claude/json.h"

namespace anabranch::claude {
namespace {

// A table cell's text: one line, no bars.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\') out.push_back('\\');
    out.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  return out;
}

// A fence longer than any run of backticks in the text.
std::string Fence(std::string_view text) {
  size_t run = 0;
  size_t longest = 2;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return std::string(longest + 1, '`');
}

std::string Scalar(const JsonObject& object, std::string_view key) {
  const std::string_view value = object.Get(key);
  if (value == "null") return "";
  return AsString(value).value_or(std::string(value));
}

std::string Token(const JsonObject& column, std::string_view key) {
  const auto tokens = JsonObject::Parse(column.Get("tokens"));
  return tokens.ok() ? Scalar(*tokens, key) : "";
}

std::string Difference(const JsonObject& column) {
  const auto first = JsonObject::Parse(column.Get("first_difference"));
  if (!first.ok()) return "";
  std::string from;
  const auto names = JsonElements(first->Get("from"));
  if (names.ok()) {
    for (const std::string_view name : *names) {
      absl::StrAppend(&from, from.empty() ? " from " : ", ",
                      AsString(name).value_or(""));
    }
  }
  return absl::StrCat("turn ", Scalar(*first, "turn"), ", line ",
                      Scalar(*first, "line"), ", column ",
                      Scalar(*first, "column"), from);
}

std::string Failure(const JsonObject& column) {
  const auto failure = JsonObject::Parse(column.Get("failure"));
  if (!failure.ok()) return "";
  return absl::StrCat(failure->GetString("type"), ": ",
                      failure->GetString("message"));
}

using CellOf = std::function<std::string(const JsonObject&)>;

// A row, left out when no column has anything to say.
void AppendRow(const std::vector<JsonObject>& columns, const std::string& title,
               const CellOf& cell, std::string& out) {
  std::string row = absl::StrCat("| ", title, " |");
  bool any = false;
  for (const JsonObject& column : columns) {
    const std::string text = cell(column);
    any = any || !text.empty();
    absl::StrAppend(&row, " ", Cell(text), " |");
  }
  if (any) absl::StrAppend(&out, row, "\n");
}

void AppendTable(const std::vector<JsonObject>& columns, std::string& out) {
  const auto field = [](const char* key) -> CellOf {
    return [key](const JsonObject& column) { return Scalar(column, key); };
  };
  const auto token = [](const char* key) -> CellOf {
    return [key](const JsonObject& column) { return Token(column, key); };
  };
  AppendRow(columns, "", field("name"), out);
  out.append("|---|");
  for (size_t i = 0; i < columns.size(); ++i) out.append("---|");
  out.append("\n");
  AppendRow(columns, "state", field("state"), out);
  AppendRow(columns, "model", field("model"), out);
  AppendRow(columns, "stop reason", field("stop_reason"), out);
  AppendRow(columns, "duration (ms)", field("duration_ms"), out);
  AppendRow(columns, "turns", field("turns"), out);
  AppendRow(columns, "input tokens", token("input"), out);
  AppendRow(columns, "output tokens", token("output"), out);
  AppendRow(columns, "cache read", token("cache_read"), out);
  AppendRow(columns, "cache written", token("cache_creation"), out);
  AppendRow(
      columns, "cost",
      [](const JsonObject& column) {
        return column.GetBool("no_cost") ? "none" : "";
      },
      out);
  AppendRow(columns, "failure", Failure, out);
  AppendRow(columns, "note", field("note"), out);
  AppendRow(columns, "first differs", Difference, out);
}

void AppendAverages(const JsonObject& comparison, std::string& out) {
  absl::StrAppend(&out, "\n", Scalar(comparison, "completed"), " of ",
                  Scalar(comparison, "total"), " branches completed.");
  const auto averages = JsonObject::Parse(comparison.Get("averages"));
  if (averages.ok()) {
    absl::StrAppend(&out, " On average ");
    const std::string duration = Scalar(*averages, "duration_ms");
    if (!duration.empty()) absl::StrAppend(&out, duration, " ms, ");
    absl::StrAppend(&out, Scalar(*averages, "turns"), " turns, ",
                    Token(*averages, "input"), " input and ",
                    Token(*averages, "output"), " output tokens.");
  }
  out.append("\n");
}

void AppendTexts(const JsonObject& column, std::string& out) {
  absl::StrAppend(&out, "\n## ", Cell(Scalar(column, "name")), "\n");
  const auto texts = JsonElements(column.Get("texts"));
  if (!texts.ok() || texts->empty()) {
    out.append("\nNo text.\n");
    return;
  }
  for (size_t i = 0; i < texts->size(); ++i) {
    const std::string text = AsString((*texts)[i]).value_or("");
    const std::string fence = Fence(text);
    if (texts->size() > 1) absl::StrAppend(&out, "\nTurn ", i + 1, "\n");
    absl::StrAppend(&out, "\n", fence, "text\n", text,
                    text.empty() || text.back() == '\n' ? "" : "\n", fence,
                    "\n");
  }
}

}  // namespace

absl::StatusOr<std::string> ComparisonToMarkdown(std::string_view comparison) {
  const auto object = JsonObject::Parse(comparison);
  if (!object.ok()) {
    return absl::InvalidArgumentError("the comparison is no JSON object");
  }
  const auto branches = JsonElements(object->Get("branches"));
  if (!branches.ok()) {
    return absl::InvalidArgumentError("branches: must be an array");
  }
  std::vector<JsonObject> columns;
  for (const std::string_view raw : *branches) {
    auto column = JsonObject::Parse(raw);
    if (!column.ok()) {
      return absl::InvalidArgumentError("branches: must hold objects");
    }
    columns.push_back(*std::move(column));
  }
  std::string out = "# Comparison\n\n";
  AppendTable(columns, out);
  AppendAverages(*object, out);
  for (const JsonObject& column : columns) AppendTexts(column, out);
  return out;
}

}  // namespace anabranch::claude
