// The command groups; each adds its commands to the program.
#pragma once

#include "CLI/App.hpp"
#include "client/cli/session.h"

namespace anabranch::cli {

void AddBatchCommands(CLI::App& app, Session& session);
// completion, and what its scripts call.
void AddCompletionCommands(CLI::App& app, Session& session);
void AddConversationsCommands(CLI::App& app, Session& session);
void AddFlowsCommand(CLI::App& app, Session& session);
// Below `run`.
void AddForkCommand(CLI::App& run, Session& session);
void AddQueuesCommands(CLI::App& app, Session& session);
void AddReplayCommand(CLI::App& app, Session& session);
void AddRunCommand(CLI::App& app, Session& session);
void AddRunsCommands(CLI::App& app, Session& session);
// Below `runs`.
void AddStartCommand(CLI::App& runs, Session& session);
void AddSteeringCommands(CLI::App& runs, Session& session);
void AddUpCommand(CLI::App& app, Session& session);
void AddStatusCommand(CLI::App& app, Session& session);
void AddVersionCommand(CLI::App& app, Session& session);

}  // namespace anabranch::cli
