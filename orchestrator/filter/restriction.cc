#include "orchestrator/filter/restriction.h"

#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace anabranch::filter {
namespace {

constexpr std::pair<std::string_view, Field> kFields[] = {
    {"state", Field::kState},
    {"flow", Field::kFlow},
    {"run_id", Field::kRunId},
    {"labels", Field::kLabels},
    {"create_time", Field::kCreateTime},
    {"close_time", Field::kCloseTime},
    {"retrying", Field::kRetrying},
    {"blocked", Field::kBlocked},
    {"paused", Field::kPaused},
    {"parent", Field::kParent},
};
constexpr char kFieldNames[] =
    "state, flow, run_id, labels.KEY, create_time, close_time, retrying, "
    "blocked, paused, parent";

constexpr std::pair<std::string_view, Comparator> kComparators[] = {
    {"=", Comparator::kEqual},   {"!=", Comparator::kNotEqual},
    {"<", Comparator::kLess},    {"<=", Comparator::kLessEqual},
    {">", Comparator::kGreater}, {">=", Comparator::kGreaterEqual},
    {":", Comparator::kHas},
};

constexpr char kStateNames[] =
    "RUNNING, PAUSED, BLOCKED, COMPLETED, FAILED, CANCELLED, TERMINATED or "
    "TIMED_OUT";

absl::Status Expected(const Token& found, std::string_view what) {
  return InvalidFilter(
      found.column,
      absl::StrCat("expected ", absl::string_view(what.data(), what.size()),
                   ", found ", Shown(found)));
}

bool IsOrdering(Comparator comparator) {
  return comparator != Comparator::kEqual &&
         comparator != Comparator::kNotEqual && comparator != Comparator::kHas;
}

absl::Status SetState(Restriction& restriction, const Token& value) {
  anabranch::v1::RunState state = anabranch::v1::RUN_STATE_UNSPECIFIED;
  bool known = anabranch::v1::RunState_Parse("RUN_STATE_" + value.text, &state);
  // The last one is a generation's, never a run's.
  if (!known || state == anabranch::v1::RUN_STATE_UNSPECIFIED ||
      state == anabranch::v1::RUN_STATE_CONTINUED_AS_NEW) {
    return Expected(value, absl::StrCat("a state: ", kStateNames));
  }
  restriction.state = state;
  return absl::OkStatus();
}

absl::Status SetFlag(Restriction& restriction, const Token& value) {
  if (value.text != "true" && value.text != "false") {
    return Expected(value, "true or false");
  }
  restriction.flag = value.text == "true";
  return absl::OkStatus();
}

bool ParseInstant(const std::string& text, absl::Time& time) {
  // Words like infinite-past are times to Abseil, but none of the API's.
  if (text.empty() ||
      !absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    return false;
  }
  std::string problem;
  return absl::ParseTime(absl::RFC3339_full, text, &time, &problem) ||
         absl::ParseTime("%Y-%m-%d", text, &time, &problem);
}

absl::Status SetTime(Restriction& restriction, const Token& value) {
  if (ParseInstant(value.text, restriction.time)) return absl::OkStatus();
  absl::Duration duration;
  if (!value.text.empty() && value.text[0] == '-' &&
      absl::ParseDuration(value.text, &duration) &&
      duration != -absl::InfiniteDuration()) {
    restriction.ago = -duration;
    return absl::OkStatus();
  }
  return Expected(value,
                  "a time (2026-11-28T10:00:00Z, or 2026-11-28) or how long "
                  "ago (-1h30m)");
}

absl::Status SetText(Restriction& restriction, const Token& value) {
  restriction.text =
      IsOrdering(restriction.comparator) ? Unmarked(value.text) : value.text;
  return absl::OkStatus();
}

absl::Status SetValue(Restriction& restriction, const Token& value) {
  switch (restriction.field) {
    case Field::kState:
      return SetState(restriction, value);
    case Field::kRetrying:
    case Field::kBlocked:
    case Field::kPaused:
      return SetFlag(restriction, value);
    case Field::kCreateTime:
    case Field::kCloseTime:
      return SetTime(restriction, value);
    case Field::kLabels:
      restriction.key = Unmarked(value.text);
      return absl::OkStatus();
    default:
      return SetText(restriction, value);
  }
}

absl::Status CheckComparator(const Restriction& restriction,
                             const Token& comparator) {
  if (restriction.field == Field::kLabels &&
      restriction.comparator != Comparator::kHas) {
    return Expected(comparator,
                    "':' (labels:KEY), or one label: labels.KEY = VALUE");
  }
  bool unordered =
      restriction.field == Field::kState || IsFlag(restriction.field);
  if (unordered && IsOrdering(restriction.comparator)) {
    return Expected(comparator, "'=' or '!='");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsFlag(Field field) {
  return field == Field::kRetrying || field == Field::kBlocked ||
         field == Field::kPaused;
}

absl::StatusOr<Restriction> FieldOf(const std::vector<Token>& path) {
  const Token& name = path.front();
  for (const auto& [known, field] : kFields) {
    if (name.kind != TokenKind::kWord || name.text != known) continue;
    Restriction restriction;
    restriction.field = field;
    if (path.size() == 1) return restriction;
    if (field != Field::kLabels) {
      return InvalidFilter(path[1].column,
                           absl::StrCat(name.text, " has no fields"));
    }
    restriction.field = Field::kLabel;
    for (size_t i = 1; i < path.size(); ++i) {
      if (i > 1) restriction.key += '.';
      restriction.key += Unmarked(path[i].text);
    }
    return restriction;
  }
  return Expected(name, absl::StrCat("a field (", kFieldNames, ")"));
}

absl::Status Complete(Restriction& restriction, const Token& comparator,
                      const Token& value) {
  for (const auto& [text, known] : kComparators) {
    if (comparator.text == text) restriction.comparator = known;
  }
  RETURN_IF_ERROR(CheckComparator(restriction, comparator));
  if (value.kind == TokenKind::kStar) {
    if (restriction.comparator == Comparator::kHas) {
      restriction.any = true;
      return absl::OkStatus();
    }
    // `flow = *`: a pattern like any other.
    return SetValue(restriction, value);
  }
  if (value.kind != TokenKind::kWord && value.kind != TokenKind::kText) {
    return Expected(value, "a value");
  }
  return SetValue(restriction, value);
}

}  // namespace anabranch::filter
