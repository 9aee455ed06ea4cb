// What changes runs: signal, cancel, pause and the like; and queries.
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/input.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "client/lib/payload.h"

namespace anabranch::cli {
namespace {

struct SteeringOptions {
  std::string run_id;
  std::string reason;
  // Of a signal or a query.
  std::string name;
  std::string input;
  bool force = false;
};
using Options = std::shared_ptr<SteeringOptions>;

// The answer of a call that changes a run.
absl::StatusOr<ExitCode> Done(const Session& session,
                              const google::protobuf::Message& answer,
                              const std::string& text) {
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(answer));
  } else {
    session.env.out << text << std::endl;
  }
  return ExitCode::kSuccess;
}

// Makes a call that names a run and a reason.
template <typename Request, typename Response>
absl::StatusOr<ExitCode> Steer(Session& session, const SteeringOptions& options,
                               absl::Status (client::Client::*method)(Request),
                               const std::string& text) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  Request request;
  request.set_run_id(options.run_id);
  request.set_reason(options.reason);
  RETURN_IF_ERROR((client->*method)(std::move(request)));
  return Done(session, Response(), text);
}

absl::StatusOr<ExitCode> Cancel(Session& session,
                                const SteeringOptions& options) {
  return Steer<v1::CancelRunRequest, v1::CancelRunResponse>(
      session, options, &client::Client::CancelRun,
      absl::StrCat("asked run ", options.run_id, " to cancel itself"));
}

absl::StatusOr<ExitCode> Terminate(Session& session,
                                   const SteeringOptions& options) {
  return Steer<v1::TerminateRunRequest, v1::TerminateRunResponse>(
      session, options, &client::Client::TerminateRun,
      absl::StrCat("terminated run ", options.run_id));
}

absl::StatusOr<ExitCode> Pause(Session& session,
                               const SteeringOptions& options) {
  return Steer<v1::PauseRunRequest, v1::PauseRunResponse>(
      session, options, &client::Client::PauseRun,
      absl::StrCat("paused run ", options.run_id));
}

absl::StatusOr<ExitCode> Resume(Session& session,
                                const SteeringOptions& options) {
  return Steer<v1::ResumeRunRequest, v1::ResumeRunResponse>(
      session, options, &client::Client::ResumeRun,
      absl::StrCat("run ", options.run_id, " goes on"));
}

absl::StatusOr<ExitCode> Signal(Session& session,
                                const SteeringOptions& options) {
  v1::SignalRunRequest request;
  request.set_run_id(options.run_id);
  request.set_signal(options.name);
  if (!options.input.empty()) {
    ASSIGN_OR_RETURN(const std::string json,
                     ReadJson(options.input, session.env.in));
    *request.mutable_input() = client::JsonPayload(json);
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  RETURN_IF_ERROR(client->SignalRun(std::move(request)));
  return Done(session, v1::SignalRunResponse(),
              absl::StrCat("sent ", options.name, " to run ", options.run_id));
}

absl::StatusOr<ExitCode> Query(Session& session,
                               const SteeringOptions& options) {
  v1::QueryRunRequest request;
  request.set_run_id(options.run_id);
  request.set_query(options.name);
  if (!options.input.empty()) {
    ASSIGN_OR_RETURN(const std::string json,
                     ReadJson(options.input, session.env.in));
    *request.mutable_input() = client::JsonPayload(json);
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(v1::QueryRunResponse response,
                   client->QueryRun(std::move(request)));
  ASSIGN_OR_RETURN(*response.mutable_result(),
                   client->Resolve(response.result()));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  if (response.published()) {
    session.Note("what the flow published last: it does not run now");
  }
  ASSIGN_OR_RETURN(const std::string json,
                   client::PayloadToJson(response.result()));
  session.env.out << Printable(PrettyJson(json)) << std::endl;
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> Retry(Session& session,
                               const SteeringOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::RetryRunRequest request;
  request.set_run_id(options.run_id);
  ASSIGN_OR_RETURN(const v1::RetryRunResponse response,
                   client->RetryRun(std::move(request)));
  return Done(
      session, response,
      response.released_activities() > 0
          ? absl::StrCat("run ", options.run_id, ": ",
                         response.released_activities(),
                         " activities start again")
          : absl::StrCat("run ", options.run_id, " goes on as generation ",
                         response.generation()));
}

absl::StatusOr<ExitCode> Delete(Session& session,
                                const SteeringOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::DeleteRunRequest request;
  request.set_run_id(options.run_id);
  request.set_force(options.force);
  RETURN_IF_ERROR(client->DeleteRun(std::move(request)));
  return Done(session, v1::DeleteRunResponse(),
              absl::StrCat("deleted run ", options.run_id));
}

using Function = absl::StatusOr<ExitCode> (*)(Session&, const SteeringOptions&);

struct Command {
  const char* name;
  Function function;
  const char* description;
  const char* example;
  bool takes_reason;
};

constexpr Command kCommands[] = {
    {"cancel", Cancel, "Asks a run's flow to end itself",
     "anabranch runs cancel my-run --reason 'too expensive'", true},
    {"terminate", Terminate, "Ends a run at once, without asking its flow",
     "anabranch runs terminate my-run --reason stuck", true},
    {"pause", Pause, "Holds a run back: nothing new is dispatched",
     "anabranch runs pause my-run --reason 'wait for the budget'", true},
    {"resume", Resume, "Lets a paused run go on",
     "anabranch runs resume my-run", true},
    {"retry", Retry,
     "Starts what an open run has parked or holds back again; lets a failed "
     "one go on before the event that failed it",
     "anabranch runs retry my-run", false},
    {"delete", Delete, "Deletes a closed run with all that is stored of it",
     "anabranch runs delete my-run", false},
    {"signal", Signal, "Sends a signal to a run",
     "anabranch runs signal my-run approve --input '{\"by\":\"me\"}'", false},
    {"query", Query, "Asks a run's flow, without an event in its history",
     "anabranch runs query my-run progress", false},
};

}  // namespace

void AddSteeringCommands(CLI::App& group, Session& session) {
  auto options = std::make_shared<SteeringOptions>();
  for (const Command& command : kCommands) {
    CLI::App* leaf = session.AddCommand(group, command.name,
                                        command.description, command.example);
    session.OnChosen(leaf, [&session, options, function = command.function] {
      return function(session, *options);
    });
    leaf->add_option("ID", options->run_id, "The run")->required();
    if (command.takes_reason) {
      leaf->add_option("--reason", options->reason, "Why, for people");
    }
  }
  CLI::App* signal = group.get_subcommand("signal");
  signal->add_option("NAME", options->name, "The signal")->required();
  signal->add_option("--input", options->input,
                     "Its value: JSON, @FILE or - (standard input)");
  CLI::App* query = group.get_subcommand("query");
  query->add_option("NAME", options->name, "What is asked")->required();
  query->add_option("INPUT", options->input,
                    "Passed to the flow: JSON, @FILE or - (standard input)");
  group.get_subcommand("delete")->add_flag("--force", options->force,
                                           "Terminate an open run first");
}

}  // namespace anabranch::cli
