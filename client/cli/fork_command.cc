#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/compare.h"
#include "client/cli/branch_board.h"
#include "client/cli/commands.h"
#include "client/cli/comparison_text.h"
#include "client/cli/fork_request.h"
#include "client/cli/import.h"
#include "client/cli/input.h"
#include "client/cli/run_execution.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "client/lib/payload.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;

struct ForkOptions {
  std::string config;
  std::string conversation;
  int64_t fork_at = 0;
  std::string leaf;
  std::vector<std::string> models;
  std::vector<std::string> systems;
  std::vector<std::string> messages;
  int64_t max_turns = 0;
  int64_t timeout_seconds = 0;
  std::string output_dir;
  bool no_save = false;
  std::string run_id;
  bool detach = false;
  bool validate_only = false;
};

void AddBranches(const ForkOptions& options, ForkRequest& request) {
  for (const std::string& model : options.models) {
    AddBranch(request, model).model = model;
  }
  for (const std::string& system : options.systems) {
    AddBranch(request, "system").system_prompt = system;
  }
  for (const std::string& message : options.messages) {
    AddBranch(request, "message").messages = {message};
  }
}

// The file's request with the command line's on top.
absl::StatusOr<ForkRequest> BuildRequest(Session& session,
                                         const ForkOptions& options) {
  ForkRequest request;
  if (!options.config.empty()) {
    ASSIGN_OR_RETURN(const std::string yaml,
                     ReadAll(options.config, session.env.in));
    ASSIGN_OR_RETURN(request,
                     ParseForkConfig(options.config, yaml, session.env.getenv));
  }
  if (!options.conversation.empty()) {
    request.conversation = options.conversation;
  }
  if (options.fork_at > 0) request.fork_at_step = options.fork_at;
  if (!options.leaf.empty()) request.leaf = options.leaf;
  if (options.max_turns > 0) request.max_turns = options.max_turns;
  if (options.timeout_seconds > 0) {
    request.timeout_seconds = options.timeout_seconds;
  }
  if (!options.output_dir.empty()) request.output_dir = options.output_dir;
  if (options.no_save) request.save_results = false;
  AddBranches(options, request);
  if (request.conversation.empty()) {
    return absl::InvalidArgumentError(
        "Name a conversation: --conversation ID or FILE; 'anabranch "
        "conversations list' shows those there are.");
  }
  if (!request.fork_at_step.has_value()) {
    return absl::InvalidArgumentError(
        "Say where to fork: --fork-at N keeps steps 1 to N; 'anabranch "
        "conversations show ID' lists the steps.");
  }
  if (request.branches.empty()) {
    return absl::InvalidArgumentError(
        "Name at least one branch: --model, --system or --message, or "
        "branches: in a --config file.");
  }
  return request;
}

// A file is imported first.
absl::StatusOr<std::string> ConversationId(Session& session,
                                           const std::string& name) {
  std::error_code error;
  const bool file = fs::is_regular_file(name, error) ||
                    absl::StrContains(name, "/") ||
                    absl::EndsWith(name, ".jsonl");
  if (!file) return name;
  ImportOptions import;
  import.source = name;
  ASSIGN_OR_RETURN(const v1::ImportConversationResponse response,
                   ImportTranscript(session, import));
  session.Note(ImportLine(response, false));
  return response.conversation().conversation_id();
}

absl::Status WriteFile(const fs::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) {
    return absl::InternalError(absl::StrCat("The result cannot be saved as ",
                                            path.string(), ": ",
                                            std::strerror(errno), "."));
  }
  return absl::OkStatus();
}

absl::Status Save(const Session& session, const ForkRequest& request,
                  const std::string& run_id, const std::string& json) {
  ASSIGN_OR_RETURN(const std::string markdown,
                   claude::ComparisonToMarkdown(json));
  std::error_code error;
  fs::create_directories(request.output_dir, error);
  const fs::path folder = request.output_dir;
  RETURN_IF_ERROR(WriteFile(folder / (run_id + ".json"), json + "\n"));
  RETURN_IF_ERROR(WriteFile(folder / (run_id + ".md"), markdown));
  session.Note(
      absl::StrCat("saved as ", (folder / run_id).string(), ".json and .md"));
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Finish(Session& session, const ForkRequest& request,
                                const v1::StartRunResponse& response) {
  const v1::Run& run = response.run();
  if (run.state() != v1::RUN_STATE_COMPLETED) {
    return PrintOutcome(session, response);
  }
  ASSIGN_OR_RETURN(const std::string json, client::PayloadToJson(run.result()));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
  } else {
    ASSIGN_OR_RETURN(const std::string table,
                     ComparisonTable(json, session.env.width));
    session.env.out << table << std::flush;
  }
  if (request.save_results) {
    RETURN_IF_ERROR(Save(session, request, run.run_id(), json));
  }
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> Fork(Session& session, const ForkOptions& options) {
  ASSIGN_OR_RETURN(const ForkRequest request, BuildRequest(session, options));
  ASSIGN_OR_RETURN(const std::string conversation,
                   ConversationId(session, request.conversation));
  std::vector<std::string> names;
  for (const ForkBranch& branch : request.branches) {
    names.push_back(branch.name);
  }
  // In place only what fits: the cursor cannot go above the first line.
  const bool fits = session.env.height == 0 ||
                    static_cast<int>(names.size()) < session.env.height;
  BranchBoard board(session.env.err, names, session.env.err_is_terminal && fits,
                    session.env.width);
  session.before_note = [&board] { board.Release(); };
  RunExecution execution;
  execution.flow = "fork_compare";
  execution.input_json = ForkInput(request, conversation);
  execution.run_id = options.run_id;
  execution.detach = options.detach;
  execution.validate_only = options.validate_only;
  execution.on_started = [&](const v1::Run& run) {
    if (options.detach) return;
    session.Note(absl::StrCat("run ", run.run_id(), " started with ",
                              names.size(),
                              " branches; Ctrl-C leaves it running"));
  };
  if (!session.json) {
    execution.on_message = [&board](const v1::WatchRunResponse& message) {
      board.Take(message);
      return true;
    };
  }
  const absl::StatusOr<v1::StartRunResponse> started =
      Execute(session, execution);
  session.before_note = nullptr;
  ASSIGN_OR_RETURN(const v1::StartRunResponse response, started);
  if (options.detach || options.validate_only) {
    return PrintStarted(session, response, options.validate_only);
  }
  return Finish(session, request, response);
}

void AddOptions(CLI::App* command, ForkOptions& options) {
  command->add_option("--conversation", options.conversation,
                      "An imported conversation's id, or a transcript's file, "
                      "which is imported first");
  command->add_option("--fork-at", options.fork_at, "Steps 1 to N are kept")
      ->check(CLI::PositiveNumber);
  command->add_option("--leaf", options.leaf,
                      "Which branch of the file, by its end's uuid [newest]");
  command->add_option("--config", options.config,
                      "YAML with branches: and settings:; - is standard input");
  const auto branch = [command](const char* name,
                                std::vector<std::string>& values,
                                const char* description) {
    command->add_option(name, values, description)->allow_extra_args(false);
  };
  branch("--model", options.models,
         "A branch with this model; repeatable, one branch each");
  branch("--system", options.systems,
         "A branch with this system prompt; repeatable");
  branch("--message", options.messages,
         "A branch with this message injected; repeatable");
  command
      ->add_option("--max-turns", options.max_turns,
                   "Model calls per branch [5]")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--timeout-seconds", options.timeout_seconds,
                   "Limit for each branch")
      ->check(CLI::PositiveNumber);
  command->add_option("--output-dir", options.output_dir,
                      "Where the result is saved [anabranch-results]");
  command->add_flag("--no-save", options.no_save, "Do not save the result");
  command->add_option("--id", options.run_id, "The run's id");
  command->add_flag("--detach", options.detach,
                    "Do not wait: print the run's id");
  command->add_flag("--validate-only", options.validate_only,
                    "Only check the input");
}

}  // namespace

void AddForkCommand(CLI::App& run, Session& session) {
  CLI::App* command = session.AddCommand(
      run, "fork-compare",
      "Forks a conversation at a step, tries variations and compares them",
      "anabranch run fork-compare --conversation session.jsonl --fork-at 3 \\\n"
      "      --model claude-opus-5-5 --system 'Answer in one sentence.'\n"
      "  anabranch run fork-compare --conversation ID --fork-at 3 --config "
      "fork.yaml");
  auto options = std::make_shared<ForkOptions>();
  AddOptions(command, *options);
  session.OnChosen(command,
                   [&session, options] { return Fork(session, *options); });
}

}  // namespace anabranch::cli
