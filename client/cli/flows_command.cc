#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

absl::StatusOr<ExitCode> ListFlows(Session& session) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(const v1::ListFlowsResponse response, client->ListFlows());
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  Table table({"FLOW", "DESCRIPTION"});
  for (const v1::Flow& flow : response.flows()) {
    table.Add({flow.name(), flow.description()});
  }
  session.env.out << table.Render(session.env.width);
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> ShowFlow(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Flow flow, client->GetFlow(name));
  if (session.json) {
    v1::GetFlowResponse response;
    *response.mutable_flow() = flow;
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  std::ostream& out = session.env.out;
  out << flow.name() << ": " << Printable(flow.description()) << "\n";
  if (flow.has_input_schema()) {
    ASSIGN_OR_RETURN(const std::string text,
                     MessageToJson(flow.input_schema()));
    out << "\ninput:\n" << PrettyJson(text) << "\n";
  }
  if (flow.has_output_schema()) {
    ASSIGN_OR_RETURN(const std::string text,
                     MessageToJson(flow.output_schema()));
    out << "\nresult:\n" << PrettyJson(text) << "\n";
  }
  if (flow.has_example()) {
    ASSIGN_OR_RETURN(const std::string text, MessageToJson(flow.example()));
    out << "\nexample input:\n" << PrettyJson(text) << "\n";
  }
  return ExitCode::kSuccess;
}

}  // namespace

void AddFlowsCommand(CLI::App& app, Session& session) {
  CLI::App* command = session.AddCommand(
      app, "flows", "Lists the flows, or shows one: its input and an example",
      "anabranch flows claude_chat");
  auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "A flow");
  session.OnChosen(command, [&session, name] {
    return name->empty() ? ListFlows(session) : ShowFlow(session, *name);
  });
}

}  // namespace anabranch::cli
