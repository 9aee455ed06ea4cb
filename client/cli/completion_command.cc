// completion: what makes a shell offer commands and options.
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Validators.hpp"
#include "client/cli/commands.h"
#include "client/cli/completion.h"
#include "client/cli/session.h"

namespace anabranch::cli {
namespace {

// The shell asks the program itself, so a new option needs no new script.
constexpr char kBash[] = R"sh(_anabranch() {
  local word=${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete -- \
    "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _anabranch anabranch
)sh";

constexpr char kZsh[] = R"sh(#compdef anabranch
_anabranch() {
  local -a found
  found=(${(f)"$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (($#found)); then compadd -- $found; else _files; fi
}
compdef _anabranch anabranch
)sh";

}  // namespace

void AddCompletionCommands(CLI::App& app, Session& session) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = session.AddCommand(
      app, "completion", "Prints a script that completes commands in a shell",
      "anabranch completion bash > /etc/bash_completion.d/anabranch");
  command->add_option("shell", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  session.OnChosen(command, [&session, shell]() -> absl::StatusOr<ExitCode> {
    session.env.out << (*shell == "bash" ? kBash : kZsh);
    return ExitCode::kSuccess;
  });

  // What those scripts call.
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* complete = session.AddCommand(
      app, "complete", "Prints what may stand at the end of these words",
      "anabranch complete -- runs li");
  complete->group("");
  complete->add_option("words", *words, "Up to the cursor");
  session.OnChosen(complete,
                   [&app, &session, words]() -> absl::StatusOr<ExitCode> {
                     for (const std::string& word : Complete(app, *words)) {
                       session.env.out << word << "\n";
                     }
                     return ExitCode::kSuccess;
                   });
}

}  // namespace anabranch::cli
