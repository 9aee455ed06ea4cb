// What to fork and how, from a YAML file and the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::cli {

struct ForkBranch {
  std::string name;
  std::optional<std::string> model;
  std::vector<std::string> messages;  // inject_message
  std::optional<std::string> replace_message;
  std::optional<std::string> system_prompt;
  std::optional<int64_t> max_turns;
  std::optional<int64_t> max_tokens;
  std::optional<int64_t> timeout_seconds;
};

struct ForkRequest {
  std::string conversation;  // an id, or a file
  std::optional<int64_t> fork_at_step;
  std::string leaf;
  std::vector<ForkBranch> branches;
  // Of all branches.
  std::optional<int64_t> max_turns;
  std::optional<int64_t> timeout_seconds;

  bool save_results = true;
  std::string output_dir = "anabranch-results";
};

using Variables = std::function<std::optional<std::string>(const char*)>;

// `${VAR}` and `${VAR:-default}` replaced; the default also stands for an
// empty variable. One that is unset and has no default stays as it is.
std::string ExpandVariables(const std::string& text,
                            const Variables& variables);

// Reads YAML:
//   conversation: ID or file     (optional; so are the next two)
//   fork_at_step: 3
//   leaf: uuid
//   branches:
//     - name: opus
//       model: ${MODEL:-claude-opus-5-5}
//       inject_message: text, or a list of texts
//       replace_message, system_prompt, max_turns, max_tokens, timeout_seconds
//   settings: {max_turns, timeout_seconds, save_results, output_dir}
// `name` of the file is for messages. InvalidArgument names every field at
// fault by its path.
absl::StatusOr<ForkRequest> ParseForkConfig(const std::string& name,
                                            const std::string& yaml,
                                            const Variables& variables);

// Appends a branch and gives it a name that no other has: `wish`, with what a
// name may not hold replaced, and a number when it is taken.
ForkBranch& AddBranch(ForkRequest& request, const std::string& wish);

// The input of the flow, with `conversation_id` in place of a file.
std::string ForkInput(const ForkRequest& request,
                      const std::string& conversation_id);

}  // namespace anabranch::cli
