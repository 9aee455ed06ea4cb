#include "client/cli/comparison_text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cli/text.h"
#include "nlohmann/json.hpp"

namespace anabranch::cli {
namespace {

using Json = nlohmann::ordered_json;

// Null when absent: the result comes from a server that may be newer.
Json At(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) return nullptr;
  return object[key];
}

std::string Text(const Json& object, const char* key) {
  const Json value = At(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

std::string Number(const Json& object, const char* key) {
  const Json value = At(object, key);
  if (!value.is_number()) return "-";
  if (value.is_number_integer()) return absl::StrCat(value.get<int64_t>());
  const double number = std::round(value.get<double>() * 10) / 10;
  return absl::StrCat(number);
}

std::string Took(const Json& object) {
  const Json value = At(object, "duration_ms");
  if (!value.is_number()) return "-";
  return HumanDuration(absl::Milliseconds(value.get<double>()));
}

// "turn 1, line 2 from original, opus".
std::string Parting(const Json& branch) {
  const Json first = At(branch, "first_difference");
  if (!first.is_object()) return "-";
  std::string text = absl::StrCat("turn ", Number(first, "turn"), ", line ",
                                  Number(first, "line"));
  const char* separator = " from ";
  for (const Json& name : At(first, "from")) {
    if (!name.is_string()) continue;
    absl::StrAppend(&text, separator, name.get<std::string>());
    separator = ", ";
  }
  return text;
}

void AddRow(const Json& branch, Table& table) {
  const Json tokens = At(branch, "tokens");
  table.Add({Text(branch, "name"), Text(branch, "state"), Text(branch, "model"),
             Text(branch, "stop_reason"), Number(branch, "turns"), Took(branch),
             Number(tokens, "input"), Number(tokens, "output"),
             absl::StrCat(Number(tokens, "cache_read"), "/",
                          Number(tokens, "cache_creation")),
             Parting(branch), Truncate(OneLine(Text(branch, "text")), 60)});
}

}  // namespace

absl::StatusOr<std::string> ComparisonTable(const std::string& json,
                                            int width) {
  const Json comparison = Json::parse(json, /*cb=*/nullptr,
                                      /*allow_exceptions=*/false);
  const Json branches = At(comparison, "branches");
  if (!branches.is_array()) {
    return absl::InvalidArgumentError("The result is no comparison.");
  }
  Table table({"BRANCH", "STATE", "MODEL", "STOP", "TURNS", "TIME", "IN", "OUT",
               "CACHE", "PARTS AT", "TEXT"});
  std::string notes;
  for (const Json& branch : branches) {
    AddRow(branch, table);
    const Json failure = At(branch, "failure");
    if (failure.is_object()) {
      absl::StrAppend(&notes, OneLine(Text(branch, "name")),
                      " failed: ", OneLine(Text(failure, "type")), ": ",
                      OneLine(Text(failure, "message")), "\n");
    }
    if (At(branch, "no_cost") == Json(true)) {
      absl::StrAppend(&notes, OneLine(Text(branch, "name")),
                      ": what really followed, at no cost\n");
    }
    const std::string note = Text(branch, "note");
    if (!note.empty()) {
      absl::StrAppend(&notes, OneLine(Text(branch, "name")), ": ",
                      OneLine(note), "\n");
    }
  }
  std::string text = table.Render(width);
  if (!notes.empty()) absl::StrAppend(&text, "\n", notes);
  absl::StrAppend(&text, "\n", Number(comparison, "completed"), " of ",
                  Number(comparison, "total"), " branches completed");
  const Json averages = At(comparison, "averages");
  if (averages.is_object()) {
    const Json tokens = At(averages, "tokens");
    absl::StrAppend(&text, "; on average ", Took(averages), ", ",
                    Number(averages, "turns"), " turns, ",
                    Number(tokens, "input"), " tokens in, ",
                    Number(tokens, "output"), " out");
  }
  return text + "\n";
}

}  // namespace anabranch::cli
