// Reads a flow's input at the door, field by field: every problem is named by
// its path, and all of them are reported at once, up to a bound.
//
//   InputProblems problems;
//   InputObject input(json, "", {"prompt", "max_tokens"}, problems);
//   std::string_view prompt = input.RequiredText("prompt");
//   int64_t limit = input.Integer("max_tokens", 1, 100).value_or(50);
//   RETURN_IF_ERROR(problems.status());
//
// Values are slices of the text: they can be spliced into other JSON as they
// stand, and live as long as the text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/error_details.h"
#include "claude/json.h"

namespace anabranch::flows {

// Under one thread.
class InputProblems {
 public:
  void Add(std::string_view path, std::string_view problem);
  bool empty() const { return problems_.empty(); }
  // kInvalidArgument (INVALID_FIELD) with the first kReportedMax problems; OK
  // when there are none.
  absl::Status status() const;

  static constexpr size_t kReportedMax = 20;

 private:
  std::vector<FieldProblem> problems_;
};

// An object of an input. A null member counts as absent. Under one thread;
// refers to the text and to the problems.
class InputObject {
 public:
  // `path` is empty for the input itself. Members that are not `known`, and
  // repeated ones, are problems; so is a text that is no object.
  InputObject(std::string_view json, std::string path,
              std::initializer_list<std::string_view> known,
              InputProblems& problems);

  // "branches[1].name".
  std::string Path(std::string_view field) const;

  // The text was an object; otherwise nothing else is said of it.
  bool is_object() const { return is_object_; }

  // Present and not null.
  bool Has(std::string_view field) const { return object_.Has(field); }
  // The member's text as it stands; empty when absent.
  std::string_view Raw(std::string_view field) const;

  // A string token with its quotes, as it stands; empty when absent or when it
  // is no string, which is a problem.
  std::string_view StringToken(std::string_view field) const;
  // The same of one that must hold more than white space when it is there.
  std::string_view Text(std::string_view field) const;
  // The same of one that must be there.
  std::string_view RequiredText(std::string_view field) const;

  // Nothing when absent or when it is no integer in [min, max], which is a
  // problem. 4e2 and 400.0 are integers.
  std::optional<int64_t> Integer(std::string_view field, int64_t min,
                                 int64_t max) const;
  // The same for any number.
  std::optional<double> Number(std::string_view field, double min,
                               double max) const;

  // Adds a problem when the field is absent; whether it is there.
  bool Require(std::string_view field) const;

  // Adds a problem of this field.
  void Problem(std::string_view field, std::string_view problem) const;

 private:
  void CheckMembers(std::initializer_list<std::string_view> known) const;

  claude::JsonObject object_;
  bool is_object_ = false;
  std::string path_;
  InputProblems& problems_;
};

// Whether a string token holds nothing but white space.
bool IsBlank(std::string_view string_token);

}  // namespace anabranch::flows
