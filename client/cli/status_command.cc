#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/build_id.h"
#include "base/status_macros.h"
#include "claude/json_writer.h"
#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

struct ServerStatus {
  bool serving = false;
  v1::ListWorkersResponse workers;
  v1::ListFlowsResponse flows;
};

absl::StatusOr<ServerStatus> Ask(client::Client& client) {
  ServerStatus status;
  ASSIGN_OR_RETURN(status.serving, client.IsServing());
  ASSIGN_OR_RETURN(status.workers, client.ListWorkers());
  ASSIGN_OR_RETURN(status.flows, client.ListFlows());
  return status;
}

absl::Status PrintStatusJson(const Session& session,
                             const ServerStatus& status) {
  ASSIGN_OR_RETURN(const std::string workers, MessageToJson(status.workers));
  ASSIGN_OR_RETURN(const std::string flows, MessageToJson(status.flows));
  claude::JsonWriter json;
  json.BeginObject();
  json.Key("address").String(session.address);
  json.Key("serving").Bool(status.serving);
  json.Key("listWorkers").Raw(workers);
  json.Key("listFlows").Raw(flows);
  json.EndObject();
  session.env.out << json.Take() << std::endl;
  return absl::OkStatus();
}

std::string Join(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::string text;
  for (const std::string& item : list) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", item);
  }
  return text;
}

void PrintStatus(const Session& session, const ServerStatus& status) {
  std::ostream& out = session.env.out;
  out << "server   " << session.address << "  "
      << (status.serving ? "serving" : "NOT SERVING");
  if (!status.flows.build_id().empty()) {
    out << "  build " << OneLine(status.flows.build_id());
  }
  out << "\nflows    ";
  const char* separator = "";
  for (const v1::Flow& flow : status.flows.flows()) {
    out << separator << OneLine(flow.name());
    separator = ", ";
  }
  out << "\nworkers  " << status.workers.workers_size() << "\n";
  if (status.workers.workers().empty()) {
    session.Note(
        "No worker is connected: runs wait for one. 'anabranch up' starts "
        "one.");
    return;
  }
  Table table({"WORKER", "STATE", "RUNNING", "SLOTS", "SINCE", "ACTIVITIES"});
  for (const v1::Worker& worker : status.workers.workers()) {
    table.Add({worker.label(),
               ShortEnum(v1::WorkerState_Name(worker.state()), "WORKER_STATE_"),
               absl::StrCat(worker.running()), absl::StrCat(worker.slots()),
               FormatTime(worker.connect_time(), session.env.zone),
               Join(worker.activity_types())});
  }
  out << "\n" << table.Render(session.env.width);
}

absl::StatusOr<ExitCode> ShowStatus(Session& session) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(const ServerStatus status, Ask(*client));
  if (session.json) {
    RETURN_IF_ERROR(PrintStatusJson(session, status));
  } else {
    PrintStatus(session, status);
  }
  return ExitCode::kSuccess;
}

}  // namespace

void AddStatusCommand(CLI::App& app, Session& session) {
  CLI::App* command = session.AddCommand(
      app, "status", "Shows the server's health, its workers and its flows",
      "anabranch status --json");
  session.OnChosen(command, [&session] { return ShowStatus(session); });
}

void AddVersionCommand(CLI::App& app, Session& session) {
  CLI::App* command =
      session.AddCommand(app, "version", "Prints the version of this program",
                         "anabranch version");
  session.OnChosen(command, [&session]() -> absl::StatusOr<ExitCode> {
    if (session.json) {
      session.env.out << "{\"version\":" << claude::Quote(BuildId()) << "}"
                      << std::endl;
    } else {
      session.env.out << "anabranch " << BuildId() << std::endl;
    }
    return ExitCode::kSuccess;
  });
}

}  // namespace anabranch::cli
