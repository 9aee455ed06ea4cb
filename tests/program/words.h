// Words of a line: separated by spaces, but for those within quotes and
// brackets, so that a JSON value is one word.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anabranch::program {

struct Words {
  // Plain words, in order, as written.
  std::vector<std::string> plain;
  // name=value.
  std::map<std::string, std::string, std::less<>> options;
};

// kInvalidArgument for an open quote or bracket, and an option given twice.
absl::StatusOr<Words> SplitWords(std::string_view line);

// A line of a text with blocks.
struct Line {
  // In the text, from 1.
  int number = 0;
  // Spaces before it.
  int indent = 0;
  // Without those, and without spaces at the end.
  std::string text;
};

// Without empty and comment lines.
std::vector<Line> SplitLines(std::string_view text);

// What a quoted word stands for; a word without quotes is itself.
std::string Unquoted(const std::string& word);

// The word that stands for `text`: quoted where it has to be.
std::string Quoted(const std::string& text);

}  // namespace anabranch::program
