#include "client/cli/report.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "claude/json_writer.h"
#include "client/cli/text.h"
#include "client/lib/error_details.h"

namespace anabranch::cli {
namespace {

struct Hint {
  const char* reason;
  const char* text;
};

// What helps at the command line, by the server's stable reasons.
constexpr Hint kHints[] = {
    {client::kReasonUnreachable,
     "start one with 'anabranch up', or name another with --address"},
    {"RUN_NOT_FOUND", "'anabranch runs list' shows the runs there are"},
    {"FLOW_NOT_FOUND", "'anabranch flows' shows the flows there are"},
    {"BATCH_NOT_FOUND", "'anabranch batch list' shows those there are"},
    {"BATCH_ALREADY_EXISTS", "choose another --id, or leave it out"},
    {"INVALID_FILTER",
     "for example --filter 'state = FAILED AND create_time > -24h'"},
    {"CONVERSATION_NOT_FOUND",
     "'anabranch conversations list' shows those there are, 'anabranch "
     "conversations import' brings one in"},
    {"LEAF_NOT_FOUND", "'anabranch conversations show ID' lists the branches"},
    {"RUN_ALREADY_EXISTS", "choose another --id, or leave it out"},
    {"CONVERSATION_ALREADY_EXISTS", "import it under another --id"},
    {"FORK_POINT_INVALID",
     "'anabranch conversations show ID' lists the steps and which can be "
     "forked"},
};

std::string HintFor(const client::ErrorDetails& details) {
  for (const Hint& hint : kHints) {
    if (details.reason == hint.reason) return hint.text;
  }
  // A field of the request itself says enough.
  constexpr std::array<const char*, 13> kRequestFields = {
      "run_id",    "conversation_id", "source",
      "signal",    "page_token",      "leaf",
      "query",     "reason",          "action",
      "batch_id",  "settings",        "name",
      "generation"};
  if (details.reason != "INVALID_FIELD" || details.field_violations.empty() ||
      std::find(kRequestFields.begin(), kRequestFields.end(),
                details.field_violations[0].field) != kRequestFields.end()) {
    return "";
  }
  return "'anabranch flows NAME' shows a flow's input and an example";
}

void ReportText(std::ostream& err, const absl::Status& error) {
  const client::ErrorDetails details = client::DetailsOf(error);
  err << "error: " << Printable(std::string(error.message())) << "\n";
  if (!details.reason.empty()) {
    err << "  reason: " << details.reason;
    const char* separator = " (";
    for (const auto& [key, value] : details.metadata) {
      err << separator << OneLine(key) << ": " << OneLine(value);
      separator = ", ";
    }
    err << (details.metadata.empty() ? "\n" : ")\n");
  } else {
    err << "  code: " << absl::StatusCodeToString(error.code()) << "\n";
  }
  for (const auto& violation : details.field_violations) {
    err << "  field " << OneLine(violation.field) << ": "
        << OneLine(violation.description) << "\n";
  }
  for (const std::string& violation : details.precondition_violations) {
    err << "  " << OneLine(violation) << "\n";
  }
  if (details.retry_delay > absl::ZeroDuration()) {
    err << "  try again in " << HumanDuration(details.retry_delay) << "\n";
  }
  const std::string hint = HintFor(details);
  if (!hint.empty()) err << "  hint: " << hint << "\n";
  err.flush();
}

void ReportJson(std::ostream& err, const absl::Status& error) {
  const client::ErrorDetails details = client::DetailsOf(error);
  claude::JsonWriter json;
  json.BeginObject();
  json.Key("code").String(absl::StatusCodeToString(error.code()));
  json.Key("message").String(std::string(error.message()));
  json.Key("reason").String(details.reason);
  json.Key("metadata").BeginObject();
  for (const auto& [key, value] : details.metadata) json.Key(key).String(value);
  json.EndObject();
  json.Key("fieldViolations").BeginArray();
  for (const auto& violation : details.field_violations) {
    json.BeginObject();
    json.Key("field").String(violation.field);
    json.Key("description").String(violation.description);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  err << json.Take() << std::endl;
}

}  // namespace

void ReportError(const Session& session, const absl::Status& error) {
  if (session.json) {
    ReportJson(session.env.err, error);
  } else {
    ReportText(session.env.err, error);
  }
}

ExitCode ExitCodeOf(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kSuccess;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace anabranch::cli
