// What a filter means, as a tree. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/run.pb.h"

namespace anabranch::filter {

enum class Field {
  kState,
  kFlow,
  kRunId,
  kLabels,  // the map: labels:KEY
  kLabel,   // one value: labels.KEY
  kCreateTime,
  kCloseTime,
  kRetrying,
  kBlocked,
  kPaused,
  kParent,
};

enum class Comparator {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kHas,
};

// One comparison. Which value counts is the field's matter.
struct Restriction {
  Field field = Field::kState;
  Comparator comparator = Comparator::kEqual;
  // Of labels: the key.
  std::string key;
  // `field:*`: it is there, whatever it is.
  bool any = false;
  anabranch::v1::RunState state = anabranch::v1::RUN_STATE_UNSPECIFIED;
  bool flag = false;
  // A pattern for = != and `:`, else a text.
  std::string text;
  absl::Time time;
  // A time that counts back from now, instead of `time`.
  std::optional<absl::Duration> ago;
};

struct Node {
  enum class Kind { kAll, kAnd, kOr, kNot, kRestriction };
  Kind kind = Kind::kAll;
  std::vector<Node> children;
  Restriction restriction;
};

// Whether the run is one of those meant. Never fails. Of a field that the run
// does not have only != holds.
bool Matches(const Node& node, const anabranch::v1::Run& run, absl::Time now);

// Whether `text` fits `pattern`: `*` is anything, `\*` and `\\` are themselves.
bool MatchesPattern(std::string_view pattern, std::string_view text);

// `pattern` without its marks: `\*` becomes `*`.
std::string Unmarked(std::string_view pattern);

}  // namespace anabranch::filter
