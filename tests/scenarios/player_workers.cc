// What workers do, and what they are told.
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "tests/scenarios/player.h"

namespace anabranch::scenarios {
namespace {

// What `a=x,y` lists.
std::vector<std::string> List(const Command& command, const std::string& name) {
  auto option = command.words.options.find(name);
  if (option == command.words.options.end()) return {};
  return absl::StrSplit(option->second, ',');
}

std::string AttemptName(const std::string& activity, int32_t attempt) {
  return absl::StrCat(activity, " attempt ", attempt);
}

std::string VerdictName(v1::VerdictKind kind) {
  switch (kind) {
    case v1::VERDICT_KIND_KEEP:
      return "keep";
    case v1::VERDICT_KIND_RECORDED:
      return "recorded";
    case v1::VERDICT_KIND_DROP:
      return "drop";
    case v1::VERDICT_KIND_CANCEL:
      return "cancel";
    default:
      return "unknown";
  }
}

}  // namespace

absl::Status Player::Connect(const Command& command) {
  if (command.words.plain.size() < 2) {
    return absl::InvalidArgumentError("needs a name");
  }
  const std::string& name = command.words.plain[1];
  if (workers_.contains(name)) {
    return absl::InvalidArgumentError("that worker was there: reconnect it");
  }
  Worker& worker = workers_[name];
  for (size_t i = 2; i < command.words.plain.size(); ++i) {
    if (command.words.plain[i] != "answers") {
      return absl::InvalidArgumentError("a worker only `answers`");
    }
    worker.answers = true;
  }
  worker.hello.set_session(absl::StrCat("session-", name));
  worker.hello.set_label(name);
  std::vector<std::string> types = List(command, "types");
  if (types.empty()) types = {"echo"};
  for (std::string& type : types) {
    worker.hello.add_activity_types(std::move(type));
  }
  for (std::string& queue : List(command, "queues")) {
    worker.hello.add_task_queues(std::move(queue));
  }
  int slots = 10;
  if (auto option = command.words.options.find("slots");
      option != command.words.options.end() &&
      !absl::SimpleAtoi(option->second, &slots)) {
    return absl::InvalidArgumentError("slots= needs a number");
  }
  worker.hello.set_slots(slots);
  SayHello(worker);
  return absl::OkStatus();
}

void Player::SayHello(Worker& worker) {
  worker.stream = {++last_stream_};
  worker.connected = true;
  worker.silent = false;
  Round({shard::WorkerConnected{worker.stream, worker.hello}});
  v1::WorkerMessage credit;
  credit.mutable_credit()->set_count(worker.hello.slots() -
                                     worker.hello.running_tokens_size() -
                                     worker.hello.held_tokens_size());
  Send(worker, std::move(credit));
}

absl::StatusOr<Player::Worker*> Player::FindWorker(const Command& command) {
  if (command.words.plain.size() < 2) {
    return absl::InvalidArgumentError("needs a worker");
  }
  auto worker = workers_.find(command.words.plain[1]);
  if (worker == workers_.end()) {
    return absl::InvalidArgumentError("no such worker");
  }
  return &worker->second;
}

absl::Status Player::Disconnect(const Command& command) {
  ASSIGN_OR_RETURN(Worker * worker, FindWorker(command));
  worker->connected = false;
  Round({shard::WorkerDisconnected{worker->stream}});
  return absl::OkStatus();
}

absl::Status Player::Silent(const Command& command) {
  ASSIGN_OR_RETURN(Worker * worker, FindWorker(command));
  worker->silent = true;
  return absl::OkStatus();
}

absl::Status Player::Reconnect(const Command& command) {
  ASSIGN_OR_RETURN(Worker * worker, FindWorker(command));
  std::vector<std::string> holds = List(command, "holds");
  for (const std::string& activity : List(command, "forgets")) {
    worker->running.erase(activity);
  }
  worker->hello.clear_running_tokens();
  worker->hello.clear_held_tokens();
  for (const std::string& activity : holds) {
    if (!worker->tasks.contains(activity)) {
      return absl::InvalidArgumentError(
          absl::StrCat("it never had ", activity));
    }
    worker->hello.add_held_tokens(worker->tasks[activity].back().token);
    worker->running.erase(activity);
  }
  for (const auto& [activity, token] : worker->running) {
    worker->hello.add_running_tokens(token);
  }
  SayHello(*worker);
  return absl::OkStatus();
}

absl::StatusOr<std::pair<Player::Worker*, Player::Task*>> Player::FindTask(
    const Command& command) {
  if (command.words.plain.size() < 2) {
    return absl::InvalidArgumentError("needs an activity, RUN/SEQ");
  }
  const std::string& activity = command.words.plain[1];
  int attempt = 0;
  if (auto option = command.words.options.find("attempt");
      option != command.words.options.end() &&
      !absl::SimpleAtoi(option->second, &attempt)) {
    return absl::InvalidArgumentError("attempt= needs a number");
  }
  std::pair<Worker*, Task*> found;
  for (auto& [name, worker] : workers_) {
    for (Task& task : worker.tasks[activity]) {
      bool newer =
          found.second == nullptr || found.second->attempt <= task.attempt;
      if (attempt == 0 ? newer : task.attempt == attempt) {
        found = {&worker, &task};
      }
    }
  }
  if (found.first == nullptr) {
    return absl::InvalidArgumentError("no worker has that attempt");
  }
  return found;
}

void Player::Send(const Worker& worker, v1::WorkerMessage message) {
  shard::WorkerFrame frame;
  frame.stream = worker.stream;
  frame.messages.push_back(std::move(message));
  Round({std::move(frame)});
}

absl::Status Player::Accept(const Command& command) {
  ASSIGN_OR_RETURN(auto found, FindTask(command));
  v1::WorkerMessage message;
  message.mutable_task_accepted()->set_token(found.second->token);
  Send(*found.first, std::move(message));
  return absl::OkStatus();
}

absl::Status Player::Heartbeat(const Command& command) {
  ASSIGN_OR_RETURN(auto found, FindTask(command));
  const auto& words = command.words.plain;
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_token(found.second->token);
  if (words.size() > 2) {
    message.mutable_heartbeat()->mutable_details()->set_json_text(words[2]);
  }
  Send(*found.first, std::move(message));
  return absl::OkStatus();
}

absl::Status Player::Workers(const Command&) {
  for (const v1::Worker& worker : harness_.effects.workers) {
    Print(renderer_.Worker(worker));
  }
  return absl::OkStatus();
}

absl::Status Player::Complete(const Command& command) {
  ASSIGN_OR_RETURN(auto found, FindTask(command));
  const auto& words = command.words.plain;
  v1::WorkerMessage message;
  message.mutable_completed()->set_token(found.second->token);
  message.mutable_completed()->mutable_result()->set_json_text(
      words.size() > 2 ? words[2] : found.second->input);
  found.first->running.erase(words[1]);
  Send(*found.first, std::move(message));
  return absl::OkStatus();
}

absl::Status Player::Fail(const Command& command) {
  ASSIGN_OR_RETURN(auto found, FindTask(command));
  const auto& words = command.words.plain;
  if (words.size() < 3) return absl::InvalidArgumentError("needs a type");
  v1::WorkerMessage message;
  v1::Failed* failed = message.mutable_failed();
  failed->set_token(found.second->token);
  failed->mutable_failure()->set_type(words[2]);
  failed->mutable_failure()->set_retryable(true);
  for (size_t i = 3; i < words.size(); ++i) {
    if (words[i] == "final") {
      failed->mutable_failure()->set_retryable(false);
    } else {
      failed->mutable_failure()->set_message(program::Unquoted(words[i]));
    }
  }
  if (auto delay = command.words.options.find("delay");
      delay != command.words.options.end()) {
    absl::Duration duration;
    if (!absl::ParseDuration(delay->second, &duration)) {
      return absl::InvalidArgumentError("delay= needs a duration");
    }
    *failed->mutable_next_delay() = ToProto(duration);
  }
  found.first->running.erase(words[1]);
  Send(*found.first, std::move(message));
  return absl::OkStatus();
}

void Player::Collect() {
  for (auto& [name, worker] : workers_) {
    for (const auto& message : harness_.effects.Take(worker.stream)) {
      TakeMessage(name, worker, message);
    }
  }
  for (shard::StreamId stream : std::exchange(harness_.effects.closed, {})) {
    for (auto& [name, worker] : workers_) {
      if (worker.stream != stream) continue;
      worker.connected = false;
      Print(absl::StrCat(name, ": stream closed"));
    }
  }
  for (const auto& line : harness_.shard->TakeFlowLog()) {
    Print(absl::StrCat("log of ", line.run.run_id, ": ", line.line));
  }
}

void Player::TakeMessage(const std::string& name, Worker& worker,
                         const v1::ServerMessage& message) {
  auto named = [&worker](const std::string& token) {
    for (const auto& [activity, tasks] : worker.tasks) {
      for (const Task& task : tasks) {
        if (task.token == token) return AttemptName(activity, task.attempt);
      }
    }
    return std::string("an unknown task");
  };
  if (message.has_task()) {
    const v1::Task& task = message.task();
    std::string activity = absl::StrCat(task.run_id(), "/", task.seq());
    std::string input = renderer_.Payload(task.input());
    worker.tasks[activity].push_back({task.token(), task.attempt(), input});
    worker.running[activity] = task.token();
    if (!worker.answers) {
      Print(absl::StrCat(name, ": task ", AttemptName(activity, task.attempt()),
                         ": ", task.activity_type(), " ", input,
                         renderer_.TaskExtras(task)));
      return;
    }
    worker.running.erase(activity);
    v1::WorkerMessage completed;
    completed.mutable_completed()->set_token(task.token());
    *completed.mutable_completed()->mutable_result() = task.input();
    Send(worker, std::move(completed));
    v1::WorkerMessage credit;
    credit.mutable_credit()->set_count(1);
    Send(worker, std::move(credit));
    return;
  }
  if (message.has_welcome()) {
    for (const v1::Verdict& verdict : message.welcome().verdicts()) {
      Print(absl::StrCat(name, ": verdict ", VerdictName(verdict.kind()), " ",
                         named(verdict.token())));
    }
  } else if (message.has_cancel()) {
    Print(absl::StrCat(name, ": cancel ", named(message.cancel().token()), ": ",
                       message.cancel().reason()));
  } else if (message.has_refused()) {
    Print(absl::StrCat(name, ": refused ", named(message.refused().token()),
                       ": ", message.refused().reason()));
  } else if (message.has_recorded() && !worker.answers) {
    Print(absl::StrCat(name, ": recorded ", named(message.recorded().token())));
  } else if (message.has_drain()) {
    Print(absl::StrCat(name, ": drain: ", message.drain().reason()));
  }
}

}  // namespace anabranch::scenarios
