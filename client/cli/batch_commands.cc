// Operations on many runs at once.
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/input.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "client/lib/payload.h"

namespace anabranch::cli {
namespace {

struct BatchOptions {
  std::string action;
  std::string batch_id;
  std::string filter;
  std::string signal;
  std::string input;
  std::string reason;
  bool wait = false;
  bool validate_only = false;
  int limit = 50;
  std::string page_token;
};
using Options = std::shared_ptr<BatchOptions>;

std::string ActionName(v1::BatchAction action) {
  return ShortEnum(v1::BatchAction_Name(action), "BATCH_ACTION_");
}

std::string StateOf(const v1::Batch& batch) {
  if (batch.cancelled()) return "CANCELLED";
  return batch.has_close_time() ? "DONE" : "RUNNING";
}

std::string Counts(const v1::Batch& batch) {
  return absl::StrCat(batch.succeeded(), " done, ", batch.failed(), " failed, ",
                      batch.looked_at(), " looked at");
}

void PrintBatch(const Session& session, const v1::Batch& batch) {
  std::ostream& out = session.env.out;
  const auto line = [&out](const char* name, const std::string& value) {
    if (value.empty() || value == "-") return;
    out << name << OneLine(value) << "\n";
  };
  line("batch    ", batch.batch_id());
  line("action   ", ActionName(batch.action()) +
                        (batch.signal().empty() ? "" : " " + batch.signal()));
  line("filter   ", batch.filter());
  line("state    ", StateOf(batch));
  line("started  ", FormatTime(batch.create_time(), session.env.zone));
  line("closed   ", FormatTime(batch.close_time(), session.env.zone));
  line("reason   ", batch.reason());
  line("runs     ", Counts(batch));
  for (const std::string& failure : batch.failures()) {
    line("failure  ", failure);
  }
  out.flush();
}

// What there is to say about a batch at the end of a command.
absl::StatusOr<ExitCode> Conclude(const Session& session,
                                  const v1::Batch& batch) {
  if (session.json) {
    v1::GetBatchResponse response;
    *response.mutable_batch() = batch;
    RETURN_IF_ERROR(session.PrintJson(response));
  } else {
    PrintBatch(session, batch);
  }
  return batch.failed() > 0 ? ExitCode::kFailed : ExitCode::kSuccess;
}

// Says how far it has come, whenever that has changed, until it is closed.
absl::StatusOr<v1::Batch> WaitFor(Session& session, client::Client& client,
                                  v1::Batch batch) {
  std::string said;
  while (!batch.has_close_time()) {
    absl::SleepFor(session.env.poll_interval);
    v1::GetBatchRequest request;
    request.set_batch_id(batch.batch_id());
    auto now = client.GetBatch(request);
    if (!now.ok()) {
      // It goes on without us.
      session.Note(absl::StrCat("batch ", batch.batch_id(),
                                " goes on; 'anabranch batch show ",
                                batch.batch_id(), "' tells how it stands"));
      return now.status();
    }
    batch = *std::move(now);
    std::string counts = Counts(batch);
    if (counts != said) session.Note(counts);
    said = std::move(counts);
  }
  return batch;
}

absl::StatusOr<ExitCode> Start(Session& session, const BatchOptions& options) {
  v1::StartBatchRequest request;
  v1::BatchAction action = v1::BATCH_ACTION_UNSPECIFIED;
  v1::BatchAction_Parse(
      absl::StrCat("BATCH_ACTION_", absl::AsciiStrToUpper(options.action)),
      &action);
  request.set_action(action);
  request.set_batch_id(options.batch_id);
  request.set_filter(options.filter);
  request.set_signal(options.signal);
  request.set_reason(options.reason);
  request.set_validate_only(options.validate_only);
  if (!options.input.empty()) {
    ASSIGN_OR_RETURN(const std::string json,
                     ReadJson(options.input, session.env.in));
    *request.mutable_input() = client::JsonPayload(json);
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  ASSIGN_OR_RETURN(v1::Batch batch, client->StartBatch(std::move(request)));
  if (options.validate_only && !session.json) {
    session.env.out << "valid: nothing was started" << std::endl;
    return ExitCode::kSuccess;
  }
  if (options.wait && !options.validate_only) {
    ASSIGN_OR_RETURN(batch, WaitFor(session, *client, std::move(batch)));
    return Conclude(session, batch);
  }
  if (session.json) return Conclude(session, batch);
  session.env.out << batch.batch_id() << std::endl;
  session.Note(absl::StrCat("'anabranch batch show ", batch.batch_id(),
                            "' tells how far it has come"));
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> Show(Session& session, const BatchOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::GetBatchRequest request;
  request.set_batch_id(options.batch_id);
  ASSIGN_OR_RETURN(v1::Batch batch, client->GetBatch(request));
  if (options.wait) {
    ASSIGN_OR_RETURN(batch, WaitFor(session, *client, std::move(batch)));
    return Conclude(session, batch);
  }
  RETURN_IF_ERROR(Conclude(session, batch).status());
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> List(Session& session, const BatchOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::ListBatchesRequest request;
  request.set_page_size(options.limit);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const v1::ListBatchesResponse page,
                   client->ListBatches(request));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(page));
    return ExitCode::kSuccess;
  }
  Table table(
      {"BATCH", "ACTION", "STATE", "STARTED", "DONE", "FAILED", "FILTER"});
  for (const v1::Batch& batch : page.batches()) {
    table.Add({batch.batch_id(), ActionName(batch.action()), StateOf(batch),
               FormatTime(batch.create_time(), session.env.zone),
               absl::StrCat(batch.succeeded()), absl::StrCat(batch.failed()),
               batch.filter()});
  }
  session.env.out << table.Render(session.env.width);
  if (!page.next_page_token().empty()) {
    session.Note(absl::StrCat("more: --page-token ", page.next_page_token()));
  }
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> Cancel(Session& session, const BatchOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::CancelBatchRequest request;
  request.set_batch_id(options.batch_id);
  ASSIGN_OR_RETURN(const v1::Batch batch, client->CancelBatch(request));
  if (!batch.cancelled()) {
    session.Note("it was done already");
  }
  RETURN_IF_ERROR(Conclude(session, batch).status());
  return ExitCode::kSuccess;
}

using Function = absl::StatusOr<ExitCode> (*)(Session&, const BatchOptions&);

void AddStart(CLI::App& group, Session& session, const Options& options) {
  CLI::App* start = session.AddCommand(
      group, "start",
      "Does one thing to all runs that a filter means; survives restarts",
      "anabranch batch start cancel --filter 'state = RUNNING AND "
      "labels.team = search' --wait\n"
      "  anabranch batch start signal --signal go --filter 'flow = chat*'");
  session.OnChosen(start,
                   [&session, options] { return Start(session, *options); });
  start
      ->add_option("ACTION", options->action,
                   "cancel, terminate, signal, pause, resume, retry or delete")
      ->required()
      ->check(CLI::IsMember({"cancel", "terminate", "signal", "pause", "resume",
                             "retry", "delete"}));
  start
      ->add_option("--filter", options->filter,
                   "Which runs (as for 'runs list'); '*' means every run")
      ->required();
  start->add_option("--id", options->batch_id,
                    "The batch's id; the same again answers the same batch");
  start->add_option("--signal", options->signal, "Of a signal: its name");
  start->add_option("--input", options->input,
                    "Of a signal: JSON, @FILE or - (standard input)");
  start->add_option("--reason", options->reason, "Why, for people");
  start->add_flag("--wait", options->wait,
                  "Show how far it comes until it ends");
  start->add_flag("--validate-only", options->validate_only,
                  "Only check the request");
}

}  // namespace

void AddBatchCommands(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("batch", "Does one thing to many runs");
  group->require_subcommand(1);
  group->footer(
      "Example:\n  anabranch batch start pause --filter 'flow = claude_chat'");
  auto options = std::make_shared<BatchOptions>();
  AddStart(*group, session, options);
  const auto add = [&](const char* name, Function function,
                       const char* description, const char* example) {
    CLI::App* leaf = session.AddCommand(*group, name, description, example);
    session.OnChosen(leaf, [&session, options, function] {
      return function(session, *options);
    });
    return leaf;
  };
  CLI::App* show =
      add("show", Show, "Shows a batch: how far it is, what failed",
          "anabranch batch show my-batch --wait");
  show->add_option("ID", options->batch_id, "The batch")->required();
  show->add_flag("--wait", options->wait, "Until it ends");
  CLI::App* list = add("list", List, "Lists batches, newest first",
                       "anabranch batch list --limit 20");
  list->add_option("--limit", options->limit, "Batches per page [50]")
      ->check(CLI::Range(1, 1000));
  list->add_option("--page-token", options->page_token,
                   "Go on where an earlier page ended");
  CLI::App* cancel =
      add("cancel", Cancel, "Stops a batch; what it has done stays done",
          "anabranch batch cancel my-batch");
  cancel->add_option("ID", options->batch_id, "The batch")->required();
}

}  // namespace anabranch::cli
