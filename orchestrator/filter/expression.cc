#include "orchestrator/filter/expression.h"

#include <algorithm>

#include "base/proto_time.h"

namespace anabranch::filter {
namespace {

using anabranch::v1::Run;

template <typename T>
bool Compare(Comparator comparator, const T& value, const T& with) {
  switch (comparator) {
    case Comparator::kEqual:
    case Comparator::kHas:
      return value == with;
    case Comparator::kNotEqual:
      return value != with;
    case Comparator::kLess:
      return value < with;
    case Comparator::kLessEqual:
      return value <= with;
    case Comparator::kGreater:
      return value > with;
    case Comparator::kGreaterEqual:
      return value >= with;
  }
  return false;
}

// A field that may be missing.
bool MatchesText(const Restriction& restriction, const std::string* text) {
  if (restriction.any) return text != nullptr;
  if (text == nullptr) return restriction.comparator == Comparator::kNotEqual;
  switch (restriction.comparator) {
    case Comparator::kEqual:
    case Comparator::kHas:
      return MatchesPattern(restriction.text, *text);
    case Comparator::kNotEqual:
      return !MatchesPattern(restriction.text, *text);
    default:
      return Compare(restriction.comparator, *text, restriction.text);
  }
}

bool MatchesTime(const Restriction& restriction, bool present,
                 const google::protobuf::Timestamp& time, absl::Time now) {
  if (restriction.any) return present;
  if (!present) return restriction.comparator == Comparator::kNotEqual;
  absl::Time with =
      restriction.ago.has_value() ? now - *restriction.ago : restriction.time;
  return Compare(restriction.comparator, FromProto(time), with);
}

bool MatchesFlag(const Restriction& restriction, bool flag) {
  return restriction.any ||
         Compare(restriction.comparator, flag, restriction.flag);
}

const std::string* Label(const Run& run, const std::string& key) {
  auto label = run.labels().find(key);
  return label == run.labels().end() ? nullptr : &label->second;
}

bool MatchesOne(const Restriction& restriction, const Run& run,
                absl::Time now) {
  switch (restriction.field) {
    case Field::kState:
      return restriction.any ||
             Compare(restriction.comparator, run.state(), restriction.state);
    case Field::kFlow:
      return MatchesText(restriction, &run.flow());
    case Field::kRunId:
      return MatchesText(restriction, &run.run_id());
    case Field::kLabels:
      return restriction.any ? !run.labels().empty()
                             : Label(run, restriction.key) != nullptr;
    case Field::kLabel:
      return MatchesText(restriction, Label(run, restriction.key));
    case Field::kCreateTime:
      return MatchesTime(restriction, run.has_create_time(), run.create_time(),
                         now);
    case Field::kCloseTime:
      return MatchesTime(restriction, run.has_close_time(), run.close_time(),
                         now);
    case Field::kRetrying:
      return MatchesFlag(restriction, run.retrying());
    case Field::kBlocked:
      return MatchesFlag(restriction, run.has_blocked());
    case Field::kPaused:
      return MatchesFlag(restriction, run.has_pause());
    case Field::kParent:
      return MatchesText(restriction,
                         run.has_parent() ? &run.parent().run_id() : nullptr);
  }
  return false;
}

// The byte that `pattern` means at its beginning, when that is no star; how
// long it is written.
struct PatternByte {
  char byte = 0;
  size_t length = 1;
};

PatternByte FirstOf(std::string_view pattern) {
  bool marked = pattern.size() > 1 && pattern[0] == '\\' &&
                (pattern[1] == '*' || pattern[1] == '\\');
  return marked ? PatternByte{pattern[1], 2} : PatternByte{pattern[0], 1};
}

}  // namespace

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  // After a mismatch the last star takes one byte more: earlier ones need not.
  std::string_view after_star;
  std::string_view tried;
  bool star = false;
  while (true) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      star = true;
      after_star = pattern;
      tried = text;
      continue;
    }
    if (pattern.empty() && text.empty()) return true;
    if (!pattern.empty() && !text.empty()) {
      PatternByte first = FirstOf(pattern);
      if (first.byte == text[0]) {
        pattern.remove_prefix(first.length);
        text.remove_prefix(1);
        continue;
      }
    }
    if (!star || tried.empty()) return false;
    tried.remove_prefix(1);
    text = tried;
    pattern = after_star;
  }
}

std::string Unmarked(std::string_view pattern) {
  std::string text;
  while (!pattern.empty()) {
    PatternByte first = FirstOf(pattern);
    text += first.byte;
    pattern.remove_prefix(first.length);
  }
  return text;
}

bool Matches(const Node& node, const Run& run, absl::Time now) {
  auto holds = [&](const Node& child) { return Matches(child, run, now); };
  switch (node.kind) {
    case Node::Kind::kAll:
      return true;
    case Node::Kind::kAnd:
      return std::all_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kOr:
      return std::any_of(node.children.begin(), node.children.end(), holds);
    case Node::Kind::kNot:
      return !holds(node.children.front());
    case Node::Kind::kRestriction:
      return MatchesOne(node.restriction, run, now);
  }
  return false;
}

}  // namespace anabranch::filter
