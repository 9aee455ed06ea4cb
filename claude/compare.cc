#include "claude/compare.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "claude/text_difference.h"

namespace anabranch::claude {
namespace {

constexpr std::string_view kCompleted = "COMPLETED";

struct Counter {
  std::string_view usage_key;
  std::string_view name;
};
constexpr std::array<Counter, 4> kCounters = {{
    {"input_tokens", "input"},
    {"output_tokens", "output"},
    {"cache_read_input_tokens", "cache_read"},
    {"cache_creation_input_tokens", "cache_creation"},
}};

struct Column {
  std::string name;
  std::string state;
  std::string model;
  std::string stop_reason;
  std::optional<int64_t> duration_ms;
  int64_t turns = 0;
  std::array<int64_t, kCounters.size()> tokens = {};
  std::vector<std::string> texts;
  std::string text;
  std::string failure_raw = "null";
  std::string note;
};

absl::Status Invalid(const std::string& field, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", why));
}

absl::Status ReadTexts(const JsonObject& result, const std::string& field,
                       Column& column) {
  column.text = result.GetString("text");
  if (!result.Has("texts")) {
    if (!column.text.empty()) column.texts.push_back(column.text);
    return absl::OkStatus();
  }
  const auto texts = JsonElements(result.Get("texts"));
  if (!texts.ok()) return Invalid(field + ".texts", "must be an array");
  for (const std::string_view raw : *texts) {
    const auto text = AsString(raw);
    if (!text) return Invalid(field + ".texts", "must hold texts");
    column.texts.push_back(*text);
  }
  if (column.text.empty() && !column.texts.empty()) {
    column.text = column.texts.back();
  }
  return absl::OkStatus();
}

absl::StatusOr<Column> ReadColumn(std::string_view raw,
                                  const std::string& field) {
  const auto result = JsonObject::Parse(raw);
  if (!result.ok()) return Invalid(field, "must be a branch result");
  Column column;
  column.name = result->GetString("name");
  column.state = result->GetString("state");
  if (column.state != kCompleted && column.state != "FAILED" &&
      column.state != "CANCELLED" && column.state != "TIMED_OUT") {
    return Invalid(field + ".state",
                   "must be COMPLETED, FAILED, CANCELLED or TIMED_OUT");
  }
  column.model = result->GetString("model");
  column.stop_reason = result->GetString("stop_reason");
  column.duration_ms = result->GetInt("duration_ms");
  column.turns = result->GetInt("turns").value_or(0);
  const auto usage = JsonObject::Parse(result->Get("usage"));
  for (size_t i = 0; usage.ok() && i < kCounters.size(); ++i) {
    column.tokens[i] = usage->GetInt(kCounters[i].usage_key).value_or(0);
  }
  if (result->Has("failure")) column.failure_raw = result->Get("failure");
  column.note = result->GetString("note");
  RETURN_IF_ERROR(ReadTexts(*result, field, column));
  return column;
}

absl::StatusOr<std::vector<Column>> ReadColumns(std::string_view branches,
                                                std::string_view original) {
  std::vector<Column> columns;
  if (!original.empty() && original != "null") {
    ASSIGN_OR_RETURN(Column column, ReadColumn(original, "original"));
    column.name = "original";
    columns.push_back(std::move(column));
  }
  const auto elements = JsonElements(branches);
  if (!elements.ok()) return Invalid("branches", "must be an array");
  for (size_t i = 0; i < elements->size(); ++i) {
    const std::string field = absl::StrCat("branches[", i, "]");
    ASSIGN_OR_RETURN(Column column, ReadColumn((*elements)[i], field));
    if (column.name.empty()) return Invalid(field + ".name", "is required");
    columns.push_back(std::move(column));
  }
  return columns;
}

void WritePlace(const TextDifference& at, JsonWriter& writer) {
  writer.Key("turn").Int(at.turn).Key("line").Int(at.line);
  writer.Key("column").Int(at.column).Key("offset").Int(at.offset);
}

// The differences of columns[self] to every other column with texts.
void WriteDifferences(const std::vector<Column>& columns, size_t self,
                      JsonWriter& writer) {
  struct Other {
    const std::string* name;
    std::optional<TextDifference> at;
  };
  std::vector<Other> others;
  const TextDifference* first = nullptr;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i == self || columns[i].texts.empty()) continue;
    if (columns[self].texts.empty()) break;
    others.push_back({&columns[i].name,
                      FirstDifference(columns[self].texts, columns[i].texts)});
  }
  const auto rank = [](const TextDifference& at) {
    return std::make_pair(at.turn, at.offset);
  };
  for (const Other& other : others) {
    if (!other.at) continue;
    if (first == nullptr || rank(*other.at) < rank(*first)) first = &*other.at;
  }
  writer.Key("first_difference");
  if (first == nullptr) {
    writer.Null();
  } else {
    writer.BeginObject();
    WritePlace(*first, writer);
    writer.Key("from").BeginArray();
    for (const Other& other : others) {
      if (other.at && rank(*other.at) == rank(*first)) {
        writer.String(*other.name);
      }
    }
    writer.EndArray().EndObject();
  }
  writer.Key("differences").BeginArray();
  for (const Other& other : others) {
    writer.BeginObject().Key("from").String(*other.name);
    if (other.at) {
      WritePlace(*other.at, writer);
    } else {
      writer.Key("same").Bool(true);
    }
    writer.EndObject();
  }
  writer.EndArray();
}

void WriteColumn(const std::vector<Column>& columns, size_t index,
                 bool is_original, JsonWriter& writer) {
  const Column& column = columns[index];
  writer.BeginObject();
  writer.Key("name").String(column.name);
  if (is_original) writer.Key("no_cost").Bool(true);
  writer.Key("state").String(column.state);
  writer.Key("model").String(column.model);
  writer.Key("stop_reason").String(column.stop_reason);
  writer.Key("duration_ms");
  if (column.duration_ms) {
    writer.Int(*column.duration_ms);
  } else {
    writer.Null();
  }
  writer.Key("turns").Int(column.turns);
  writer.Key("tokens").BeginObject();
  for (size_t i = 0; i < kCounters.size(); ++i) {
    writer.Key(kCounters[i].name).Int(column.tokens[i]);
  }
  writer.EndObject();
  writer.Key("text").String(column.text);
  writer.Key("texts").BeginArray();
  for (const std::string& text : column.texts) writer.String(text);
  writer.EndArray();
  writer.Key("failure").Raw(column.failure_raw);
  if (!column.note.empty()) writer.Key("note").String(column.note);
  WriteDifferences(columns, index, writer);
  writer.EndObject();
}

// Over the branches that completed; the original is none.
void WriteAverages(const std::vector<const Column*>& completed,
                   JsonWriter& writer) {
  writer.Key("averages");
  if (completed.empty()) {
    writer.Null();
    return;
  }
  double duration = 0;
  double timed = 0;
  double turns = 0;
  std::array<double, kCounters.size()> tokens = {};
  for (const Column* column : completed) {
    if (column->duration_ms) {
      duration += static_cast<double>(*column->duration_ms);
      ++timed;
    }
    turns += static_cast<double>(column->turns);
    for (size_t i = 0; i < kCounters.size(); ++i) {
      tokens[i] += static_cast<double>(column->tokens[i]);
    }
  }
  const double count = static_cast<double>(completed.size());
  writer.BeginObject().Key("duration_ms");
  if (timed > 0) {
    writer.Double(duration / timed);
  } else {
    writer.Null();
  }
  writer.Key("turns").Double(turns / count).Key("tokens").BeginObject();
  for (size_t i = 0; i < kCounters.size(); ++i) {
    writer.Key(kCounters[i].name).Double(tokens[i] / count);
  }
  writer.EndObject().EndObject();
}

}  // namespace

absl::StatusOr<std::string> CompareBranches(std::string_view branches,
                                            std::string_view original) {
  ASSIGN_OR_RETURN(const std::vector<Column> columns,
                   ReadColumns(branches, original));
  const size_t originals =
      !columns.empty() && !original.empty() && original != "null" ? 1 : 0;
  JsonWriter writer;
  writer.BeginObject().Key("branches").BeginArray();
  std::vector<const Column*> completed;
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool is_original = i < originals;
    WriteColumn(columns, i, is_original, writer);
    if (!is_original && columns[i].state == kCompleted) {
      completed.push_back(&columns[i]);
    }
  }
  writer.EndArray();
  const int64_t total = static_cast<int64_t>(columns.size() - originals);
  const int64_t done = static_cast<int64_t>(completed.size());
  writer.Key("total").Int(total);
  writer.Key("completed").Int(done).Key("failed").Int(total - done);
  WriteAverages(completed, writer);
  writer.EndObject();
  return writer.Take();
}

}  // namespace anabranch::claude
