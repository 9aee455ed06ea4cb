#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/input.h"
#include "client/cli/run_execution.h"
#include "client/cli/session.h"

namespace anabranch::cli {
namespace {

struct StartOptions {
  std::string flow;
  std::vector<std::string> assignments;
  std::string input;
  std::string run_id;
  bool detach = false;
  bool wait = false;
  bool validate_only = false;
};

absl::StatusOr<ExitCode> Start(Session& session, const StartOptions& options) {
  if (options.flow.empty()) {
    return absl::InvalidArgumentError(
        "Name a flow; 'anabranch flows' shows those there are.");
  }
  std::string base;
  if (!options.input.empty()) {
    ASSIGN_OR_RETURN(base, ReadJson(options.input, session.env.in));
  }
  RunExecution execution;
  ASSIGN_OR_RETURN(execution.input_json, BuildInput(base, options.assignments));
  execution.flow = options.flow;
  execution.run_id = options.run_id;
  execution.detach = options.detach;
  execution.validate_only = options.validate_only;
  execution.on_started = [&](const v1::Run& run) {
    if (options.detach) return;
    session.Note(absl::StrCat("run ", run.run_id(),
                              " started; Ctrl-C leaves it running"));
  };
  ASSIGN_OR_RETURN(const v1::StartRunResponse response,
                   Execute(session, execution));
  if (options.detach || options.validate_only) {
    return PrintStarted(session, response, options.validate_only);
  }
  return PrintOutcome(session, response);
}

}  // namespace

void AddRunCommand(CLI::App& app, Session& session) {
  CLI::App* command = session.AddCommand(
      app, "run", "Starts a run, waits for it and prints its result",
      "anabranch run claude_chat prompt='Say hi'\n"
      "  anabranch run claude_chat --input @request.json --detach");
  auto options = std::make_shared<StartOptions>();
  command->add_option("FLOW", options->flow,
                      "A flow, as 'anabranch flows' "
                      "lists them");
  command->add_option("INPUT", options->assignments,
                      "key=value…: members of the input; a value that is "
                      "JSON is taken as such, else as a string");
  command->add_option("--input", options->input,
                      "The input: JSON, @FILE or - (standard input)");
  command->add_option("--id", options->run_id,
                      "The run's id; the same again answers the same run");
  CLI::Option* detach = command->add_flag("--detach", options->detach,
                                          "Do not wait: print the run's id");
  command->add_flag("--wait", options->wait, "Wait (as it does anyway)")
      ->excludes(detach);
  command->add_flag("--validate-only", options->validate_only,
                    "Only check the input");
  session.OnChosen(command,
                   [&session, options] { return Start(session, *options); });
  AddForkCommand(*command, session);
}

}  // namespace anabranch::cli
