// Task queues and their limits.
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/session.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

struct QueueOptions {
  std::string name;
  double tasks_per_second = 0;
  int burst = 0;
  int default_key_limit = 0;
  std::vector<std::string> key_limits;
};
using Options = std::shared_ptr<QueueOptions>;

std::string Limits(const v1::TaskQueueSettings& settings) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", part);
  };
  if (settings.tasks_per_second() > 0) {
    add(absl::StrFormat("%g/s", settings.tasks_per_second()));
  }
  if (settings.burst() > 0) add(absl::StrCat("burst ", settings.burst()));
  if (settings.default_key_limit() > 0) {
    add(absl::StrCat("each key ", settings.default_key_limit()));
  }
  for (const auto& [key, limit] : settings.key_limits()) {
    add(absl::StrCat("key ", key, " ", limit));
  }
  return text.empty() ? "none" : text;
}

void AddRow(Table& table, const v1::TaskQueue& queue) {
  table.Add({queue.name(), absl::StrCat(queue.ready()),
             absl::StrCat(queue.running()), absl::StrCat(queue.workers()),
             Limits(queue.settings())});
}

Table QueueTable() {
  return Table({"QUEUE", "WAIT", "RUN", "WORKERS", "LIMITS"});
}

absl::StatusOr<ExitCode> List(Session& session, const QueueOptions&) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(const v1::ListTaskQueuesResponse response,
                   client->ListTaskQueues());
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  Table table = QueueTable();
  for (const v1::TaskQueue& queue : response.task_queues()) {
    AddRow(table, queue);
  }
  session.env.out << table.Render(session.env.width);
  return ExitCode::kSuccess;
}

absl::Status AddKeyLimit(const std::string& text,
                         v1::TaskQueueSettings& settings) {
  const size_t equals = text.rfind('=');
  int32_t limit = 0;
  if (equals == std::string::npos || equals == 0 ||
      !absl::SimpleAtoi(text.substr(equals + 1), &limit) || limit < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--key-limit ", text, ": KEY=NUMBER is expected, the number from 1."));
  }
  (*settings.mutable_key_limits())[text.substr(0, equals)] = limit;
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Set(Session& session, const QueueOptions& options) {
  v1::UpdateTaskQueueRequest request;
  request.set_name(options.name);
  v1::TaskQueueSettings& settings = *request.mutable_settings();
  settings.set_tasks_per_second(options.tasks_per_second);
  settings.set_burst(options.burst);
  settings.set_default_key_limit(options.default_key_limit);
  for (const std::string& text : options.key_limits) {
    RETURN_IF_ERROR(AddKeyLimit(text, settings));
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(const v1::TaskQueue queue, client->UpdateTaskQueue(request));
  if (session.json) {
    v1::UpdateTaskQueueResponse response;
    *response.mutable_task_queue() = queue;
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  Table table = QueueTable();
  AddRow(table, queue);
  session.env.out << table.Render(session.env.width);
  return ExitCode::kSuccess;
}

}  // namespace

void AddQueuesCommands(CLI::App& app, Session& session) {
  CLI::App* group =
      app.add_subcommand("queues", "Looks at task queues and limits them");
  group->require_subcommand(1);
  group->footer("Example:\n  anabranch queues list");
  auto options = std::make_shared<QueueOptions>();
  CLI::App* list =
      session.AddCommand(*group, "list", "Lists task queues and their limits",
                         "anabranch queues list");
  session.OnChosen(list,
                   [&session, options] { return List(session, *options); });
  CLI::App* set = session.AddCommand(
      *group, "set",
      "Sets all limits of a queue; what is left out is without limit",
      "anabranch queues set default --tasks-per-second 5 --key-limit opus=2");
  session.OnChosen(set, [&session, options] { return Set(session, *options); });
  set->add_option("NAME", options->name, "The queue")->required();
  set->add_option("--tasks-per-second", options->tasks_per_second,
                  "Attempts granted a second, at most")
      ->check(CLI::NonNegativeNumber);
  set->add_option("--burst", options->burst,
                  "Attempts granted at once after a quiet time, at most")
      ->check(CLI::NonNegativeNumber);
  set->add_option("--each-key-limit", options->default_key_limit,
                  "Attempts at once of one concurrency key, at most")
      ->check(CLI::NonNegativeNumber);
  set->add_option("--key-limit", options->key_limits,
                  "KEY=NUMBER: the same for this key; may be repeated");
}

}  // namespace anabranch::cli
