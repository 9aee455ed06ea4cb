// A scenario: a text file of commands with what comes of each.
//
//   # The sentence that it proves.
//
//   worker w1
//   start r1
//     call echo 1              deeper lines belong to the command: a program
//   > created                  what came of it; `--rewrite` writes these
//   > w1: task r1/1 attempt 1: echo 1
//
// The commands are in player.h, the language of programs in
// tests/program/ast.h, and docs/scenarios.md is for readers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/program/words.h"

namespace anabranch::scenarios {

struct Command {
  // The command's own line.
  program::Line line;
  program::Words words;
  // The deeper lines below it.
  std::vector<program::Line> block;
};

// Lines as written, up to and with one command's.
struct Part {
  std::vector<std::string> source;
  // None in the last part of a file that ends with comments.
  std::vector<Command> command;
};

// kInvalidArgument naming the line: no sentence in the first line, a block
// without a command, words that do not split.
absl::StatusOr<std::vector<Part>> ParseScenario(std::string_view text);

// The scenario's text with what comes of its commands today, with that many
// live flows at most. Errors name the line of the command that went wrong.
absl::StatusOr<std::string> PlayScenario(std::string_view text,
                                         size_t live_flows_max);

}  // namespace anabranch::scenarios
