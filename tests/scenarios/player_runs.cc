// What callers do.
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "tests/program/parse.h"
#include "tests/program/print.h"
#include "tests/scenarios/player.h"

namespace anabranch::scenarios {
namespace {

using nlohmann::json;

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

// A reply that is awaited: RoundAndAnswer makes rounds until it is there.
shard::DoneReply Into(absl::Status& answer, int& awaited) {
  ++awaited;
  return [&answer, &awaited](absl::Status status) {
    answer = std::move(status);
    --awaited;
  };
}

template <typename T>
shard::Reply<T> Into(absl::StatusOr<T>& answer, int& awaited) {
  ++awaited;
  return [&answer, &awaited](absl::StatusOr<T> result) {
    answer = std::move(result);
    --awaited;
  };
}

// What `start` names beside the flow.
absl::Status ReadStartOptions(const Command& command, shard::StartRun& input) {
  std::string timeout = Option(command, "timeout");
  absl::Duration limit;
  if (!timeout.empty() && !absl::ParseDuration(timeout, &limit)) {
    return absl::InvalidArgumentError("timeout= needs a duration such as 10s");
  }
  if (!timeout.empty()) input.run_timeout = limit;
  input.use_existing = Option(command, "conflict") == "use_existing";
  auto labels = json::parse(Option(command, "labels"), nullptr, false);
  if (labels.is_object()) {
    for (const auto& [name, value] : labels.items()) {
      input.labels[name] = value.get<std::string>();
    }
  }
  auto signals = json::parse(Option(command, "signals"), nullptr, false);
  if (!signals.is_array()) return absl::OkStatus();
  for (const json& one : signals) {
    v1::SignalReceived& signal = input.signals.emplace_back();
    signal.set_name(one.at(0).get<std::string>());
    signal.mutable_input()->set_json_text(one.at(1).dump());
  }
  return absl::OkStatus();
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
  RETURN_IF_ERROR(ReadStartOptions(command, input));
  absl::StatusOr<shard::StartedRun> answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] {
    PrintError(answer.status());
    if (answer.ok()) Print(answer->created ? "created" : "exists");
  });
  return absl::OkStatus();
}

void Player::RoundAndAnswer(shard::Input input,
                            const std::function<void()>& print) {
  std::vector<std::string> before = std::exchange(outputs_, {});
  std::vector<shard::Input> inputs;
  inputs.push_back(std::move(input));
  Round(std::move(inputs));
  // What rests on the batch before is answered a round later.
  while (awaited_ > 0) Round({});
  std::vector<std::string> led_to = std::exchange(outputs_, std::move(before));
  print();
  outputs_.insert(outputs_.end(), led_to.begin(), led_to.end());
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
  size_t bytes = 0;
  if (absl::SimpleAtoi(Option(command, "bytes"), &bytes) && bytes >= 2) {
    input.input.set_json_text("\"" + std::string(bytes - 2, 'x') + "\"");
  }
  input.request_id = Option(command, "request");
  absl::Status answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] { PrintError(answer); });
  return absl::OkStatus();
}

template <typename Input>
absl::Status Player::Ask(const Command& command) {
  Input input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.reason = "as asked";
  input.request_id = Option(command, "request");
  absl::Status answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] { PrintError(answer); });
  return absl::OkStatus();
}

template absl::Status Player::Ask<shard::CancelRun>(const Command& command);
template absl::Status Player::Ask<shard::TerminateRun>(const Command& command);
template absl::Status Player::Ask<shard::PauseRun>(const Command& command);
template absl::Status Player::Ask<shard::ResumeRun>(const Command& command);

absl::Status Player::Retry(const Command& command) {
  shard::RetryRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.request_id = Option(command, "request");
  absl::StatusOr<shard::RetriedRun> answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] {
    PrintError(answer.status());
    if (!answer.ok()) return;
    Print(absl::StrCat("released_activities=", answer->released_activities,
                       " generation=", answer->generation));
  });
  return absl::OkStatus();
}

absl::Status Player::Delete(const Command& command) {
  shard::DeleteRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.force = Word(command, 2) == "force";
  absl::Status answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] { PrintError(answer); });
  return absl::OkStatus();
}

absl::Status Player::Query(const Command& command) {
  shard::QueryRun input;
  ASSIGN_OR_RETURN(input.name, RunOf(command));
  input.query = Word(command, 2);
  input.input.set_json_text(
      command.words.plain.size() > 3 ? command.words.plain[3] : "null");
  absl::StatusOr<shard::QueryAnswer> answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] {
    PrintError(answer.status());
    if (!answer.ok()) return;
    Print(absl::StrCat(renderer_.Payload(answer->result),
                       answer->published ? " (published)" : ""));
  });
  return absl::OkStatus();
}

absl::Status Player::Queue(const Command& command) {
  shard::SetTaskQueue input;
  input.record.set_name(Word(command, 1));
  double rate = 0;
  int burst = 0;
  int key_limit = 0;
  if (absl::SimpleAtod(Option(command, "rate"), &rate)) {
    input.record.set_tasks_per_second(rate);
  }
  if (absl::SimpleAtoi(Option(command, "burst"), &burst)) {
    input.record.set_burst(burst);
  }
  if (absl::SimpleAtoi(Option(command, "key_limit"), &key_limit)) {
    input.record.set_default_key_limit(key_limit);
  }
  absl::Status answer;
  input.reply = Into(answer, awaited_);
  RoundAndAnswer(std::move(input), [this, &answer] { PrintError(answer); });
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

absl::StatusOr<std::vector<v1::HistoryEvent>> Player::EventsOf(
    Uid uid, const storage::v1::StatusRecord& status) {
  std::vector<std::pair<Uid, int64_t>> segments;
  for (const auto& segment : status.segments()) {
    segments.emplace_back(Uid{segment.uid()}, segment.last_event_id());
  }
  segments.emplace_back(uid, std::numeric_limits<int64_t>::max());
  std::vector<v1::HistoryEvent> events;
  for (const auto& [of, last] : segments) {
    ASSIGN_OR_RETURN(auto records,
                     harness_.store.ReadActivations(of, 1, 1 << 30));
    for (const auto& record : records) {
      for (const v1::HistoryEvent& event : record.events()) {
        bool follows =
            events.empty() || event.event_id() > events.back().event_id();
        if (follows && event.event_id() <= last) events.push_back(event);
      }
    }
  }
  return events;
}

absl::Status Player::History(const Command& command) {
  ASSIGN_OR_RETURN(shard::RunName name, RunOf(command));
  ASSIGN_OR_RETURN(auto index, harness_.store.ReadRunIndex(name));
  if (!index.has_value()) {
    Print("no such run");
    return absl::OkStatus();
  }
  std::vector<std::vector<v1::HistoryEvent>> generations;
  for (uint64_t uid = index->uid(); uid != 0;) {
    ASSIGN_OR_RETURN(auto status, harness_.store.ReadStatus(Uid{uid}));
    if (!status.has_value()) break;
    ASSIGN_OR_RETURN(auto events, EventsOf(Uid{uid}, *status));
    generations.push_back(std::move(events));
    uid = status->previous_uid();
  }
  for (size_t i = generations.size(); i > 0; --i) {
    if (generations.size() > 1) {
      Print(absl::StrCat("generation ", generations.size() - i + 1));
    }
    for (const std::string& line : renderer_.History(generations[i - 1])) {
      Print(line);
    }
  }
  return absl::OkStatus();
}

}  // namespace anabranch::scenarios
