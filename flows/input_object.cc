#include "flows/input_object.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "claude/utf8.h"

namespace anabranch::flows {
namespace {

using claude::JsonKind;

constexpr size_t kShownFieldBytes = 64;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

void AppendView(std::string* out, std::string_view text) { out->append(text); }

std::string_view KindName(JsonKind kind) {
  switch (kind) {
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kBool:
      return "a boolean";
    case JsonKind::kNull:
      return "null";
    case JsonKind::kNone:
      break;
  }
  return "nothing";
}

std::string MustBe(std::string_view wanted, JsonKind kind) {
  return absl::StrCat("must be ", View(wanted), ", not ", View(KindName(kind)));
}

}  // namespace

void InputProblems::Add(std::string_view path, std::string_view problem) {
  if (problems_.size() >= kReportedMax) return;
  problems_.push_back({std::string(path), std::string(problem)});
}

absl::Status InputProblems::status() const {
  if (problems_.empty()) return absl::OkStatus();
  return InvalidFields(problems_);
}

InputObject::InputObject(std::string_view json, std::string path,
                         std::initializer_list<std::string_view> known,
                         InputProblems& problems)
    : path_(std::move(path)), problems_(problems) {
  auto object = claude::JsonObject::Parse(json);
  if (object.ok()) {
    object_ = *std::move(object);
    is_object_ = true;
    CheckMembers(known);
    return;
  }
  const std::string own_path = path_.empty() ? "input" : path_;
  const absl::Status valid = claude::ValidateJson(json);
  if (!valid.ok()) {
    problems_.Add(own_path, std::string(valid.message()));
    return;
  }
  problems_.Add(own_path, MustBe("a JSON object", claude::KindOf(json)));
}

void InputObject::CheckMembers(
    std::initializer_list<std::string_view> known) const {
  std::set<std::string> seen;
  for (const claude::JsonMember& member : object_.members()) {
    const std::string key = claude::Unescape(member.key);
    const std::string shown(claude::Utf8Prefix(key, kShownFieldBytes));
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      Problem(shown, absl::StrCat("is unknown; known: ",
                                  absl::StrJoin(known, ", ", AppendView)));
    } else if (!seen.insert(key).second) {
      Problem(shown, "is there twice");
    }
  }
}

std::string InputObject::Path(std::string_view field) const {
  if (path_.empty()) return std::string(field);
  return absl::StrCat(path_, ".", View(field));
}

void InputObject::Problem(std::string_view field,
                          std::string_view problem) const {
  problems_.Add(Path(field), problem);
}

bool InputObject::Require(std::string_view field) const {
  if (Has(field)) return true;
  if (is_object_) Problem(field, "is required");
  return false;
}

std::string_view InputObject::Raw(std::string_view field) const {
  return Has(field) ? object_.Get(field) : std::string_view();
}

std::string_view InputObject::StringToken(std::string_view field) const {
  const std::string_view value = Raw(field);
  if (value.empty()) return {};
  if (claude::KindOf(value) == JsonKind::kString) return value;
  Problem(field, MustBe("a string", claude::KindOf(value)));
  return {};
}

std::string_view InputObject::Text(std::string_view field) const {
  const std::string_view token = StringToken(field);
  if (token.empty() || !IsBlank(token)) return token;
  Problem(field, "must not be empty");
  return {};
}

std::string_view InputObject::RequiredText(std::string_view field) const {
  return Require(field) ? Text(field) : std::string_view();
}

std::optional<int64_t> InputObject::Integer(std::string_view field, int64_t min,
                                            int64_t max) const {
  const std::string_view value = Raw(field);
  if (value.empty()) return std::nullopt;
  std::optional<int64_t> integer = claude::AsInt(value);
  double number = 0;
  // JSON has one kind of number: what went through a double may have a
  // fraction of zero or an exponent.
  if (!integer && claude::KindOf(value) == JsonKind::kNumber &&
      absl::SimpleAtod(View(value), &number) && std::floor(number) == number &&
      std::abs(number) < 1e15) {
    integer = static_cast<int64_t>(number);
  }
  if (integer && *integer >= min && *integer <= max) return integer;
  Problem(field, absl::StrCat("must be an integer from ", min, " to ", max));
  return std::nullopt;
}

std::optional<double> InputObject::Number(std::string_view field, double min,
                                          double max) const {
  const std::string_view value = Raw(field);
  if (value.empty()) return std::nullopt;
  double number = 0;
  if (claude::KindOf(value) == JsonKind::kNumber &&
      absl::SimpleAtod(View(value), &number) && number >= min &&
      number <= max) {
    return number;
  }
  Problem(field, absl::StrCat("must be a number from ", min, " to ", max));
  return std::nullopt;
}

bool IsBlank(std::string_view string_token) {
  const std::string text = claude::Unescape(claude::StringBody(string_token));
  return absl::StripAsciiWhitespace(text).empty();
}

}  // namespace anabranch::flows
