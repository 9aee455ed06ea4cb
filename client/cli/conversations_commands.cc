#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json_writer.h"
#include "client/cli/commands.h"
#include "client/cli/import.h"
#include "client/cli/local_transcripts.h"
#include "client/cli/session.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

struct ConversationOptions {
  ImportOptions import;
  bool local = false;
  int limit = 50;
  bool all = false;
  std::string id;
  std::string leaf;
};
using Options = std::shared_ptr<ConversationOptions>;

absl::StatusOr<ExitCode> Import(Session& session,
                                const ConversationOptions& options) {
  ASSIGN_OR_RETURN(const v1::ImportConversationResponse response,
                   ImportTranscript(session, options.import));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
    return ExitCode::kSuccess;
  }
  session.env.out << OneLine(ImportLine(response, options.import.validate_only))
                  << std::endl;
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> ListLocal(Session& session,
                                   const ConversationOptions& options) {
  ASSIGN_OR_RETURN(
      const auto transcripts,
      ListLocalTranscripts(session.env, options.all ? 0 : options.limit));
  Table table({"SESSION", "MODIFIED", "SIZE", "FOLDER", "TITLE"});
  for (const LocalTranscript& item : transcripts) {
    if (session.json) {
      claude::JsonWriter json;
      json.BeginObject();
      json.Key("sessionId").String(item.session_id);
      json.Key("path").String(item.path.string());
      json.Key("folder").String(item.folder);
      json.Key("title").String(item.title);
      json.Key("modifyTime")
          .String(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", item.modified,
                                   absl::UTCTimeZone()));
      json.Key("sizeBytes").Int(item.size_bytes);
      json.EndObject();
      session.env.out << json.Take() << "\n";
      continue;
    }
    table.Add(
        {item.session_id,
         absl::FormatTime("%Y-%m-%d %H:%M", item.modified, session.env.zone),
         FormatBytes(item.size_bytes), item.folder,
         Truncate(OneLine(item.title), 80)});
  }
  if (!session.json) session.env.out << table.Render(session.env.width);
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> List(Session& session,
                              const ConversationOptions& options) {
  if (options.local) return ListLocal(session, options);
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  Table table({"CONVERSATION", "REV", "STEPS", "IMPORTED", "SIZE", "TITLE"});
  v1::ListConversationsRequest request;
  request.set_page_size(options.limit);
  std::string next;
  do {
    request.set_page_token(next);
    ASSIGN_OR_RETURN(const v1::ListConversationsResponse page,
                     client->ListConversations(request));
    if (session.json) RETURN_IF_ERROR(session.PrintJson(page));
    for (const v1::Conversation& item : page.conversations()) {
      table.Add({item.conversation_id(), absl::StrCat(item.revision()),
                 absl::StrCat(item.step_count()),
                 FormatTime(item.import_time(), session.env.zone),
                 FormatBytes(item.size_bytes()),
                 Truncate(OneLine(item.title()), 80)});
    }
    next = page.next_page_token();
  } while (options.all && !next.empty());
  if (!session.json) session.env.out << table.Render(session.env.width);
  if (!next.empty()) session.Note("there are more: --all shows them");
  return ExitCode::kSuccess;
}

std::string ForkText(const v1::Step& step) {
  if (step.forkable()) return step.needs_message() ? "with a message" : "yes";
  if (step.nearest().empty()) return "no";
  std::string text = "no; nearest";
  const char* separator = " ";
  for (const int32_t number : step.nearest()) {
    absl::StrAppend(&text, separator, number);
    separator = ", ";
  }
  return text;
}

void PrintConversation(const Session& session,
                       const v1::GetConversationResponse& response) {
  const v1::Conversation& conversation = response.conversation();
  std::ostream& out = session.env.out;
  out << OneLine(conversation.conversation_id()) << "  revision "
      << conversation.revision() << "  "
      << FormatBytes(conversation.size_bytes()) << "  imported "
      << FormatTime(conversation.import_time(), session.env.zone) << "\n";
  if (conversation.leaves_size() > 1) {
    out << "ends of branches, newest first:\n";
    for (const std::string& leaf : conversation.leaves()) {
      out << "  " << OneLine(leaf) << "\n";
    }
  }
  out << "\n";
  Table table({"STEP", "KIND", "FORK", "MODEL", "TEXT"});
  for (const v1::Step& step : response.steps()) {
    std::string text = step.preview();
    for (const std::string& tool : step.tools()) {
      absl::StrAppend(&text, text.empty() ? "" : " ", "[", tool, "]");
    }
    table.Add({absl::StrCat(step.number()),
               ShortEnum(v1::StepKind_Name(step.kind()), "STEP_KIND_"),
               ForkText(step), step.model(), text});
  }
  out << table.Render(session.env.width);
  const char* gap = "\n";
  for (const v1::Step& step : response.steps()) {
    if (step.forkable() || step.reason().empty()) continue;
    out << gap << "No fork at step " << step.number() << ": "
        << OneLine(step.reason()) << "\n";
    gap = "";
  }
}

absl::StatusOr<ExitCode> Show(Session& session,
                              const ConversationOptions& options) {
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::GetConversationRequest request;
  request.set_conversation_id(options.id);
  request.set_leaf(options.leaf);
  ASSIGN_OR_RETURN(const v1::GetConversationResponse response,
                   client->GetConversation(request));
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
  } else {
    PrintConversation(session, response);
  }
  return ExitCode::kSuccess;
}

void AddImport(CLI::App& group, Session& session, const Options& options) {
  CLI::App* command =
      session.AddCommand(group, "import", "Brings a Claude Code transcript in",
                         "anabranch conversations import --latest");
  ImportOptions& import = options->import;
  command->add_option("SOURCE", import.source,
                      "A file, - (standard input), or the id of a local "
                      "session");
  command->add_flag("--latest", import.latest, "The newest local session");
  command->add_option("--id", import.conversation_id,
                      "Id to give it [the transcript's session id]");
  command->add_flag("--validate-only", import.validate_only, "Only check it");
  session.OnChosen(command,
                   [&session, options] { return Import(session, *options); });
}

void AddList(CLI::App& group, Session& session, const Options& options) {
  CLI::App* command = session.AddCommand(
      group, "list", "Lists conversations, or local transcripts",
      "anabranch conversations list --local");
  command->add_flag("--local", options->local,
                    "Transcripts under $CLAUDE_CONFIG_DIR or ~/.claude");
  command->add_option("--limit", options->limit, "At most so many [50]")
      ->check(CLI::Range(1, 1000));
  command->add_flag("--all", options->all, "All of them");
  session.OnChosen(command,
                   [&session, options] { return List(session, *options); });
}

void AddShow(CLI::App& group, Session& session, const Options& options) {
  CLI::App* command = session.AddCommand(
      group, "show", "Shows the steps, and where one can fork",
      "anabranch conversations show 33333333-3333-4333-8333-333333333333");
  command->add_option("ID", options->id, "The conversation")->required();
  command->add_option("--leaf", options->leaf,
                      "Which branch of the file, by its end's uuid [newest]");
  session.OnChosen(command,
                   [&session, options] { return Show(session, *options); });
}

}  // namespace

void AddConversationsCommands(CLI::App& app, Session& session) {
  CLI::App* group =
      app.add_subcommand("conversations", "Past conversations to fork");
  group->require_subcommand(1);
  group->footer("Example:\n  anabranch conversations list --local");
  auto options = std::make_shared<ConversationOptions>();
  AddImport(*group, session, options);
  AddList(*group, session, options);
  AddShow(*group, session, options);
}

}  // namespace anabranch::cli
