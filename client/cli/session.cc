#include "client/cli/session.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "google/protobuf/util/json_util.h"

namespace anabranch::cli {
namespace {

constexpr char kAddressDefault[] = "127.0.0.1:7400";

}  // namespace

absl::StatusOr<std::string> MessageToJson(
    const google::protobuf::Message& message) {
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(message, &json);
  if (!status.ok()) {
    return absl::InternalError(
        absl::StrCat("an answer cannot be written as JSON: ",
                     std::string(status.message())));
  }
  return json;
}

CLI::App* Session::AddCommand(CLI::App& parent, const std::string& name,
                              const std::string& description,
                              const std::string& example) {
  CLI::App* command = parent.add_subcommand(name, description);
  AddGlobalOptions(*command);
  command->footer(absl::StrCat("Example:\n  ", example));
  return command;
}

void Session::AddGlobalOptions(CLI::App& command) {
  command.add_option("--address", address,
                     "The orchestrator, HOST:PORT or unix:PATH; also "
                     "ANABRANCH_ADDRESS [127.0.0.1:7400]");
  command.add_flag("--json", json,
                   "Answers as protobuf JSON, one value per line");
}

void Session::OnChosen(CLI::App* command, Action chosen) {
  command->callback([this, chosen = std::move(chosen)] {
    // The callback of a command below comes first.
    if (!action) action = chosen;
  });
}

absl::StatusOr<client::Client*> Session::Connect() {
  if (client_ == nullptr) {
    if (address.empty()) {
      address = env.getenv("ANABRANCH_ADDRESS").value_or("");
    }
    if (address.empty()) address = kAddressDefault;
    client::ClientOptions options;
    options.address = address;
    options.connect_patience = env.connect_patience;
    options.outage_patience = env.outage_patience;
    options.on_outage = [this](const absl::Status&) {
      Note(absl::StrCat("lost the connection to ", address,
                        "; waiting for it to come back"));
    };
    ASSIGN_OR_RETURN(client_, client::Client::Connect(std::move(options)));
  }
  return client_.get();
}

absl::Status Session::PrintJson(
    const google::protobuf::Message& message) const {
  ASSIGN_OR_RETURN(std::string text, MessageToJson(message));
  // Flushed: readers of a stream wait for whole lines.
  env.out << text << std::endl;
  return absl::OkStatus();
}

void Session::Note(const std::string& text) const {
  if (json) return;
  if (before_note) before_note();
  env.err << text << std::endl;
}

}  // namespace anabranch::cli
