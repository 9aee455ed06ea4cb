#include <istream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/input.h"
#include "client/cli/run_execution.h"
#include "client/cli/session.h"
#include "client/lib/payload.h"

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
  bool use_existing = false;
  std::vector<std::string> signals;
  std::string run_timeout;
};

// NAME or NAME=JSON.
absl::StatusOr<v1::StartSignal> ParseSignal(const std::string& text,
                                            std::istream& in) {
  v1::StartSignal signal;
  const size_t equals = text.find('=');
  signal.set_signal(text.substr(0, equals));
  if (equals == std::string::npos) return signal;
  ASSIGN_OR_RETURN(const std::string json,
                   ReadJson(text.substr(equals + 1), in));
  *signal.mutable_input() = client::JsonPayload(json);
  return signal;
}

absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text) {
  absl::Duration timeout;
  if (absl::ParseDuration(text, &timeout) && timeout > absl::ZeroDuration() &&
      timeout != absl::InfiniteDuration()) {
    return timeout;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--run-timeout ", text, ": a time like 90s, 15m or 2h30m is expected."));
}

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
  execution.use_existing = options.use_existing;
  for (const std::string& text : options.signals) {
    ASSIGN_OR_RETURN(v1::StartSignal signal, ParseSignal(text, session.env.in));
    execution.signals.push_back(std::move(signal));
  }
  if (!options.run_timeout.empty()) {
    ASSIGN_OR_RETURN(execution.run_timeout, ParseTimeout(options.run_timeout));
  }
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

// What every way to start a run takes.
void AddStartOptions(CLI::App* command, StartOptions* options) {
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
  command->add_flag("--use-existing", options->use_existing,
                    "Take an open run of that id, whatever its input");
  command
      ->add_option("--signal", options->signals,
                   "NAME or NAME=JSON: sent with the start (to the run that "
                   "there is, with --use-existing); may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--run-timeout", options->run_timeout,
                      "The run is closed as TIMED_OUT after this: 90s, 2h30m");
  command->add_flag("--validate-only", options->validate_only,
                    "Only check the input");
}

}  // namespace

void AddStartCommand(CLI::App& runs, Session& session) {
  CLI::App* command = session.AddCommand(
      runs, "start", "Starts a run and prints its id, without waiting for it",
      "anabranch runs start claude_chat prompt='Say hi' --run-timeout 1h\n"
      "  anabranch runs start approval --id a1 --use-existing "
      "--signal 'approve={\"by\":\"me\"}'");
  auto options = std::make_shared<StartOptions>();
  options->detach = true;
  AddStartOptions(command, options.get());
  session.OnChosen(command,
                   [&session, options] { return Start(session, *options); });
}

void AddRunCommand(CLI::App& app, Session& session) {
  CLI::App* command = session.AddCommand(
      app, "run", "Starts a run, waits for it and prints its result",
      "anabranch run claude_chat prompt='Say hi'\n"
      "  anabranch run claude_chat --input @request.json --detach");
  auto options = std::make_shared<StartOptions>();
  AddStartOptions(command, options.get());
  CLI::Option* detach = command->add_flag("--detach", options->detach,
                                          "Do not wait: print the run's id");
  command->add_flag("--wait", options->wait, "Wait (as it does anyway)")
      ->excludes(detach);
  session.OnChosen(command,
                   [&session, options] { return Start(session, *options); });
  AddForkCommand(*command, session);
}

}  // namespace anabranch::cli
