#include "client/cli/program.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "client/cli/commands.h"
#include "client/cli/report.h"
#include "client/cli/session.h"

namespace anabranch::cli {
namespace {

constexpr char kFooter[] =
    "Exit codes:\n"
    "  0  success; the run completed\n"
    "  1  the run failed, was cancelled or terminated; an error of the "
    "server's\n"
    "  2  bad usage or input: nothing was done\n"
    "  3  no orchestrator answers at the address\n"
    "\n"
    "Example:\n"
    "  anabranch up --fake-claude &\n"
    "  anabranch run claude_chat prompt='Say hi'";

void AddCommands(CLI::App& app, Session& session) {
  AddUpCommand(app, session);
  AddFlowsCommand(app, session);
  AddRunCommand(app, session);
  AddConversationsCommands(app, session);
  AddRunsCommands(app, session);
  AddBatchCommands(app, session);
  AddQueuesCommands(app, session);
  AddReplayCommand(app, session);
  AddStatusCommand(app, session);
  AddCompletionCommands(app, session);
  AddVersionCommand(app, session);
}

// The code when there is nothing to carry out, else -1.
int Parse(CLI::App& app, std::vector<std::string> arguments,
          const Environment& env) {
  // CLI11 wants them last first.
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, env.out, env.err);
    env.err << "error: " << error.what()
            << "\n  hint: --help after a command shows its options and an "
               "example"
            << std::endl;
    return static_cast<int>(ExitCode::kUsage);
  }
  return -1;
}

}  // namespace

int RunProgram(const std::vector<std::string>& arguments, Environment env) {
  Session session(std::move(env));
  CLI::App app(
      "Durable runs of Claude flows: start them, watch them, fork "
      "past conversations and compare.",
      "anabranch");
  app.footer(kFooter);
  app.require_subcommand(1);
  session.AddGlobalOptions(app);
  AddCommands(app, session);
  if (const int code = Parse(app, arguments, session.env); code >= 0) {
    return code;
  }
  const absl::StatusOr<ExitCode> result = session.action();
  if (result.ok()) return static_cast<int>(*result);
  ReportError(session, result.status());
  return static_cast<int>(ExitCodeOf(result.status()));
}

}  // namespace anabranch::cli
