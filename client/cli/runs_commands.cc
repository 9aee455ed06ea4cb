#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/event_text.h"
#include "client/cli/input.h"
#include "client/cli/run_view.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "client/lib/payload.h"

namespace anabranch::cli {
namespace {

struct RunOptions {
  std::string run_id;
  int limit = 50;
  std::string page_token;
  bool all = false;
  bool result_only = false;
  std::string cursor;
  bool no_tokens = false;
  std::string filter;
  int generation = 0;
};
using Options = std::shared_ptr<RunOptions>;

absl::StatusOr<ExitCode> List(Session& session, const RunOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  Table table({"RUN", "FLOW", "STATE", "STARTED", "TOOK", "NOTE"});
  v1::ListRunsRequest request;
  request.set_page_size(options.limit);
  request.set_page_token(options.page_token);
  request.set_filter(options.filter);
  std::string next;
  do {
    ASSIGN_OR_RETURN(const v1::ListRunsResponse page,
                     client->ListRuns(request));
    if (session.json) RETURN_IF_ERROR(session.PrintJson(page));
    for (const v1::Run& run : page.runs()) {
      std::string note = run.waiting_for();
      if (run.has_failure()) note = FailureText(run.failure());
      if (note.empty()) note = run.reason();
      table.Add({run.run_id(), run.flow(), StateName(run.state()),
                 FormatTime(run.create_time(), session.env.zone),
                 run.has_close_time()
                     ? HumanDuration(FromProto(run.close_time()) -
                                     FromProto(run.create_time()))
                     : "-",
                 note});
    }
    next = page.next_page_token();
    request.set_page_token(next);
  } while (options.all && !next.empty());
  if (!session.json) session.env.out << table.Render(session.env.width);
  if (!next.empty()) {
    session.Note(absl::StrCat("more: --all, or --page-token ", next));
  }
  return ExitCode::kSuccess;
}

// A field of a run in one line; nothing for what is not there.
void PrintLine(std::ostream& out, const char* name, const std::string& value) {
  if (value.empty() || value == "-") return;
  out << name << OneLine(value) << "\n";
}

// What an open run waits for, one by one.
void PrintWaiting(const Session& session, const v1::Run& run) {
  std::ostream& out = session.env.out;
  PrintLine(out, "waits    ", run.waiting_for());
  ActivityNames names;
  for (const v1::ActivityInfo& activity : run.waiting_activities()) {
    names.Learn(activity);
    PrintLine(out, "         ",
              ActivityLine(activity, names, session.env.zone));
  }
  for (const v1::ChildInfo& child : run.waiting_children()) {
    PrintLine(out, "         ",
              absl::StrCat("child #", child.seq(), " ", child.flow(), " ",
                           child.run_id(),
                           child.started() ? "" : " is being started"));
  }
  for (const v1::TimerInfo& timer : run.waiting_timers()) {
    PrintLine(out, "         ",
              absl::StrCat("timer #", timer.seq(), " until ",
                           FormatTime(timer.fire_time(), session.env.zone)));
  }
}

// Where a run comes from and how far it may go.
void PrintOrigin(const Session& session, const v1::Run& run) {
  std::ostream& out = session.env.out;
  if (run.has_parent()) {
    PrintLine(
        out, "parent   ",
        absl::StrCat(run.parent().run_id(), ", child #", run.parent().seq()));
  }
  if (run.generation() > 1) {
    PrintLine(out, "gen.     ",
              absl::StrCat(run.generation(), "; 'runs history ", run.run_id(),
                           " --generation N' shows the earlier ones"));
  }
  PrintLine(out, "started  ", FormatTime(run.create_time(), session.env.zone));
  PrintLine(out, "closed   ", FormatTime(run.close_time(), session.env.zone));
  if (run.has_pause()) {
    PrintLine(
        out, "paused   ",
        absl::StrCat("since ", FormatTime(run.pause().time(), session.env.zone),
                     run.pause().reason().empty() ? "" : ": ",
                     run.pause().reason()));
  }
  PrintLine(out, "deadline ", FormatTime(run.deadline(), session.env.zone));
}

void PrintRun(const Session& session, const v1::Run& run) {
  std::ostream& out = session.env.out;
  const auto line = [&out](const char* name, const std::string& value) {
    PrintLine(out, name, value);
  };
  line("run      ", run.run_id());
  line("flow     ", run.flow());
  line("state    ", StateName(run.state()) +
                        (run.retrying() ? ", an activity is retried" : "") +
                        (run.cancel_requested() ? ", asked to cancel" : ""));
  PrintOrigin(session, run);
  PrintWaiting(session, run);
  line("failure  ", FailureText(run.failure()));
  line("reason   ", run.reason());
  if (run.has_blocked()) {
    line("blocked  ", ShortEnum(v1::BlockedReason_Name(run.blocked().reason()),
                                "BLOCKED_REASON_"));
    out << Printable(run.blocked().report()) << "\n";
  }
  line("events   ", absl::StrCat(run.history_events(),
                                 run.continue_as_new_suggested()
                                     ? ", so many that its flow should "
                                       "continue as new"
                                     : ""));
  for (const std::string& name : run.published()) line("query    ", name);
  if (run.usage().calls() > 0) {
    line("usage    ",
         absl::StrCat(run.usage().calls(), " calls, ",
                      run.usage().input_tokens(), " tokens in, ",
                      run.usage().output_tokens(), " out, cache ",
                      run.usage().cache_read_input_tokens(), " read, ",
                      run.usage().cache_creation_input_tokens(), " written"));
  }
  for (const auto& [key, value] : run.labels()) {
    line("label    ", absl::StrCat(key, "=", value));
  }
}

absl::StatusOr<ExitCode> Show(Session& session, const RunOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::GetRunRequest request;
  request.set_run_id(options.run_id);
  ASSIGN_OR_RETURN(const v1::Run run, client->GetRun(request));
  if (session.json && !options.result_only) {
    v1::GetRunResponse response;
    *response.mutable_run() = run;
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  if (options.result_only && !run.has_result()) {
    return absl::FailedPreconditionError(
        absl::StrCat("Run ", run.run_id(), " is ", StateName(run.state()),
                     " and has no result."));
  }
  std::ostream& out = session.env.out;
  if (!options.result_only) PrintRun(session, run);
  if (!options.result_only && run.has_input()) {
    ASSIGN_OR_RETURN(const std::string json, client->ResolveJson(run.input()));
    out << "input    " << Truncate(OneLine(json), 400) << "\n";
  }
  if (run.has_result()) {
    ASSIGN_OR_RETURN(const std::string json, client->ResolveJson(run.result()));
    if (!options.result_only) out << "result\n";
    out << (session.json ? json : PrettyJson(json)) << "\n";
  }
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> History(Session& session, const RunOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::GetHistoryRequest request;
  request.set_run_id(options.run_id);
  request.set_generation(options.generation);
  ActivityNames names;
  do {
    ASSIGN_OR_RETURN(const v1::GetHistoryResponse page,
                     client->GetHistory(request));
    request.set_page_token(page.next_page_token());
    if (session.json) {
      RETURN_IF_ERROR(session.PrintJson(page));
      continue;
    }
    for (const v1::HistoryEvent& event : page.events()) {
      names.Learn(event);
      session.env.out << EventLine(event, names, session.env.zone) << "\n";
    }
    for (const v1::ActivityInfo& activity : page.open_activities()) {
      names.Learn(activity);
      session.env.out << "open  "
                      << ActivityLine(activity, names, session.env.zone)
                      << "\n";
    }
  } while (!request.page_token().empty());
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> Watch(Session& session, const RunOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::WatchRunRequest request;
  request.set_run_id(options.run_id);
  request.set_cursor(options.cursor);
  request.set_no_progress(options.no_tokens);
  RunView view(session.env.out, {.events = true,
                                 .raw_tokens = session.env.out_is_terminal,
                                 .zone = session.env.zone});
  absl::Status printed;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  RETURN_IF_ERROR(
      client->WatchRun(request, [&](const v1::WatchRunResponse& message) {
        if (message.has_final_run()) state = message.final_run().state();
        if (!session.json) {
          view.Take(message);
        } else {
          printed = session.PrintJson(message);
        }
        return printed.ok();
      }));
  RETURN_IF_ERROR(printed);
  return state == v1::RUN_STATE_COMPLETED ? ExitCode::kSuccess
                                          : ExitCode::kFailed;
}

using Function = absl::StatusOr<ExitCode> (*)(Session&, const RunOptions&);

CLI::App* AddLeaf(CLI::App& group, Session& session, const Options& options,
                  const char* name, Function function) {
  static constexpr struct {
    const char* name;
    const char* description;
    const char* example;
  } kTexts[] = {
      {"list", "Lists runs, newest first",
       "anabranch runs list --filter 'state = FAILED AND create_time > -24h'"},
      {"show", "Shows a run: state, what it waits for, result",
       "anabranch runs show my-run --result"},
      {"history", "Prints a run's events; open activities last",
       "anabranch runs history my-run"},
      {"watch", "Shows what happens in a run until it is closed",
       "anabranch runs watch my-run"},
  };
  for (const auto& text : kTexts) {
    if (std::string(text.name) != name) continue;
    CLI::App* leaf =
        session.AddCommand(group, name, text.description, text.example);
    session.OnChosen(leaf, [&session, options, function] {
      return function(session, *options);
    });
    return leaf;
  }
  return nullptr;
}

}  // namespace

void AddRunsCommands(CLI::App& app, Session& session) {
  CLI::App* group = app.add_subcommand("runs", "Looks at and steers runs");
  group->require_subcommand(1);
  group->footer("Example:\n  anabranch runs list");
  auto options = std::make_shared<RunOptions>();
  const auto id = [&options](CLI::App* leaf) {
    leaf->add_option("ID", options->run_id, "The run")->required();
    return leaf;
  };
  CLI::App* list = AddLeaf(*group, session, options, "list", List);
  list->add_option("--limit", options->limit, "Runs per page [50]")
      ->check(CLI::Range(1, 1000));
  list->add_option("--page-token", options->page_token,
                   "Go on where an earlier page ended");
  list->add_flag("--all", options->all, "All pages");
  list->add_option("--filter", options->filter,
                   "Only these: AIP-160 over state, flow, run_id, labels.KEY, "
                   "create_time, close_time, retrying, blocked, paused, "
                   "parent");
  CLI::App* show = id(AddLeaf(*group, session, options, "show", Show));
  show->add_flag("--result", options->result_only, "Only the result, as JSON");
  CLI::App* history = id(AddLeaf(*group, session, options, "history", History));
  history
      ->add_option("--generation", options->generation,
                   "An earlier one, from 1 [the current one]")
      ->check(CLI::Range(1, 1'000'000'000));
  CLI::App* watch = id(AddLeaf(*group, session, options, "watch", Watch));
  watch->add_option("--cursor", options->cursor,
                    "Go on after this cursor of an earlier --json line");
  watch->add_flag("--no-tokens", options->no_tokens,
                  "Leave out streamed tokens");
  AddStartCommand(*group, session);
  AddSteeringCommands(*group, session);
}

}  // namespace anabranch::cli
