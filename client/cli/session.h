// What all commands of one invocation share.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "CLI/App.hpp"
#include "absl/status/statusor.h"
#include "client/cli/environment.h"
#include "client/lib/client.h"
#include "google/protobuf/message.h"

namespace anabranch::cli {

// As documented in --help.
enum class ExitCode {
  kSuccess = 0,
  kFailed = 1,       // the run failed, was cancelled or terminated
  kUsage = 2,        // bad input
  kUnreachable = 3,  // no orchestrator answers
};

// Threads: one. Lives for one invocation.
class Session {
 public:
  using Action = std::function<absl::StatusOr<ExitCode>()>;

  explicit Session(Environment env) : env(std::move(env)) {}

  // A leaf command: gets --address and --json, an example in its help, and
  // `action` when it is chosen.
  CLI::App* AddCommand(CLI::App& parent, const std::string& name,
                       const std::string& description,
                       const std::string& example);
  // --address and --json; commands have them too.
  void AddGlobalOptions(CLI::App& command);
  void OnChosen(CLI::App* command, Action action);

  // The client for --address; made with the first call.
  absl::StatusOr<client::Client*> Connect();

  // One line of protobuf JSON on stdout.
  absl::Status PrintJson(const google::protobuf::Message& message) const;
  // A sentence for people, on stderr; not with --json.
  void Note(const std::string& text) const;

  Environment env;
  std::string address;
  bool json = false;
  // Called before a Note() is printed; may be empty.
  std::function<void()> before_note;
  Action action;

 private:
  std::unique_ptr<client::Client> client_;
};

// Protobuf JSON on one line.
absl::StatusOr<std::string> MessageToJson(
    const google::protobuf::Message& message);

}  // namespace anabranch::cli
