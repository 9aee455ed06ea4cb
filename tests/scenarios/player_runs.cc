// What callers do.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "tests/program/parse.h"
#include "tests/program/print.h"
#include "tests/scenarios/player.h"

namespace anabranch::scenarios {
namespace {

std::string Option(const Command& command, const std::string& name) {
  auto option = command.words.options.find(name);
  return option == command.words.options.end() ? std::string() : option->second;
}

// The word at `i`, or an empty one.
std::string Word(const Command& command, size_t i) {
  const auto& words = command.words.plain;
  return i < words.size() ? program::Unquoted(words[i]) : std::string();
}

absl::StatusOr<shard::RunName> RunOf(const Command& command) {
  if (command.words.plain.size() < 2) {
    return absl::InvalidArgumentError("needs a run");
  }
  return shard::RunName{"default", Word(command, 1)};
}

// A reply that is there when the round is over.
shard::DoneReply Into(absl::Status& answer) {
  answer = absl::UnknownError("no answer");
  return [&answer](absl::Status status) { answer = std::move(status); };
}

}  // namespace

absl::Status Player::Flow(const Command& command) {
  if (command.words.plain.size() != 2) {
    return absl::InvalidArgumentError("needs a name");
  }
  ASSIGN_OR_RETURN(program::Block block, program::ParseProgram(command.block));
  program::RegisterProgram(Build(Option(command, "build")), Word(command, 1),
                           std::move(block), environment_);
  return absl::OkStatus();
}

absl::Status Player::Start(const Command& command) {
  shard::StartRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.flow = Word(command, 2);
  input.request_id = Option(command, "request");
  if (input.flow.empty()) {
    ASSIGN_OR_RETURN(program::Block block,
                     program::ParseProgram(command.block));
    input.flow = "program";
    input.input.set_text(program::PrintProgram(block));
  } else {
    std::string json = Option(command, "input");
    input.input.set_json_text(json.empty() ? "null" : json);
  }
  absl::StatusOr<shard::StartedRun> answer = absl::UnknownError("no answer");
  input.reply = [&answer](absl::StatusOr<shard::StartedRun> started) {
    answer = std::move(started);
  };
  size_t before = outputs_.size();
  Round({std::move(input)});
  // The answer first, then what the start led to.
  std::vector<std::string> led_to(outputs_.begin() + before, outputs_.end());
  outputs_.resize(before);
  PrintError(answer.status());
  if (answer.ok()) Print(answer->created ? "created" : "exists");
  outputs_.insert(outputs_.end(), led_to.begin(), led_to.end());
  return absl::OkStatus();
}

absl::Status Player::Signal(const Command& command) {
  shard::SignalRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  if (command.words.plain.size() < 3) {
    return absl::InvalidArgumentError("needs a signal's name");
  }
  input.signal = Word(command, 2);
  input.input.set_json_text(
      command.words.plain.size() > 3 ? command.words.plain[3] : "null");
  input.request_id = Option(command, "request");
  absl::Status answer;
  input.reply = Into(answer);
  Round({std::move(input)});
  PrintError(answer);
  return absl::OkStatus();
}

absl::Status Player::Cancel(const Command& command) {
  shard::CancelRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.reason = "as asked";
  input.request_id = Option(command, "request");
  absl::Status answer;
  input.reply = Into(answer);
  Round({std::move(input)});
  PrintError(answer);
  return absl::OkStatus();
}

absl::Status Player::Terminate(const Command& command) {
  shard::TerminateRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.reason = "as asked";
  input.request_id = Option(command, "request");
  absl::Status answer;
  input.reply = Into(answer);
  Round({std::move(input)});
  PrintError(answer);
  return absl::OkStatus();
}

absl::Status Player::Show(const Command& command) {
  ASSIGN_OR_RETURN(shard::RunName name, RunOf(command));
  ASSIGN_OR_RETURN(auto index, harness_.store.ReadRunIndex(name));
  if (!index.has_value()) {
    Print("no such run");
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(auto status, harness_.store.ReadStatus(Uid{index->uid()}));
  for (const std::string& line : renderer_.Run(status->run())) Print(line);
  return absl::OkStatus();
}

absl::Status Player::History(const Command& command) {
  ASSIGN_OR_RETURN(shard::RunName name, RunOf(command));
  ASSIGN_OR_RETURN(auto index, harness_.store.ReadRunIndex(name));
  if (!index.has_value()) {
    Print("no such run");
    return absl::OkStatus();
  }
  std::vector<v1::HistoryEvent> events = harness_.History(name.run_id);
  for (const std::string& line : renderer_.History(events)) Print(line);
  return absl::OkStatus();
}

}  // namespace anabranch::scenarios
