#include "fake_claude/rules.h"

#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace anabranch::fake_claude {
namespace {

absl::Status Bad(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

// Reads the members of one object and complains about those that nobody asked
// for.
class Members {
 public:
  Members(const Json& json, std::string path)
      : json_(json), path_(std::move(path)) {}

  absl::Status Text(const char* key, std::string* value) {
    const Json* member = Find(key);
    if (member == nullptr) return absl::OkStatus();
    if (member->is_number_integer()) {
      *value = std::to_string(member->get<int64_t>());
      return absl::OkStatus();
    }
    if (member->is_boolean()) {
      *value = member->get<bool>() ? "true" : "false";
      return absl::OkStatus();
    }
    if (!member->is_string()) return Bad(At(key), "must be a string");
    *value = member->get<std::string>();
    return absl::OkStatus();
  }

  absl::Status Whole(const char* key, int64_t min, int64_t* value) {
    const Json* member = Find(key);
    if (member == nullptr) return absl::OkStatus();
    if (!member->is_number_integer() || member->get<int64_t>() < min) {
      return Bad(At(key), absl::StrCat("must be a whole number >= ", min));
    }
    *value = member->get<int64_t>();
    return absl::OkStatus();
  }

  const Json* Find(const char* key) {
    known_.emplace_back(key);
    const auto it = json_.find(key);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }

  std::string At(const char* key) const {
    return absl::StrCat(path_, ".", key);
  }

  // Call last.
  absl::Status NoOthers() const {
    for (const auto& [key, member] : json_.items()) {
      bool known = false;
      for (const std::string& name : known_) known = known || name == key;
      if (!known) {
        return Bad(path_,
                   absl::StrCat("unknown member \"", key, "\"; known are ",
                                absl::StrJoin(known_, ", ")));
      }
    }
    return absl::OkStatus();
  }

 private:
  const Json& json_;
  const std::string path_;
  std::vector<std::string> known_;
};

absl::Status MustBeObject(const Json& json, const std::string& path) {
  if (json.is_object()) return absl::OkStatus();
  return Bad(path, "must be an object");
}

absl::Status ReadMatch(Members& members, Match* match) {
  RETURN_IF_ERROR(members.Text("user_contains", &match->user_contains));
  RETURN_IF_ERROR(members.Text("system_contains", &match->system_contains));
  RETURN_IF_ERROR(members.Text("model", &match->model));
  RETURN_IF_ERROR(members.Text("task_uid", &match->task_uid));
  RETURN_IF_ERROR(members.Whole("attempt", 1, &match->attempt));
  RETURN_IF_ERROR(members.Whole("nth", 1, &match->nth));
  return members.Whole("every", 1, &match->every);
}

absl::StatusOr<FaultKind> KindOf(const std::string& name,
                                 const std::string& path) {
  static constexpr std::array<std::pair<std::string_view, FaultKind>, 7>
      kKinds = {{{"status", FaultKind::kStatus},
                 {"error_event", FaultKind::kErrorEvent},
                 {"cut", FaultKind::kCut},
                 {"reset", FaultKind::kReset},
                 {"eof", FaultKind::kEof},
                 {"stall", FaultKind::kStall},
                 {"hang", FaultKind::kHang}}};
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  return Bad(path, absl::StrCat("unknown fault kind \"", name,
                                "\"; known are status, error_event, cut, "
                                "reset, eof, stall, hang"));
}

absl::Status ReadAfter(Members& members, Fault* fault) {
  const Json* after = members.Find("after");
  if (after == nullptr) return absl::OkStatus();
  if (*after == "message_delta") {
    fault->after = kBeforeMessageStop;
    return absl::OkStatus();
  }
  int64_t count = 0;
  RETURN_IF_ERROR(members.Whole("after", 0, &count));
  fault->after = static_cast<int>(std::min<int64_t>(count, 1'000'000));
  return absl::OkStatus();
}

// The status when none is given, for a kind and an error type.
int DefaultStatus(FaultKind kind, const std::string& type) {
  if (kind == FaultKind::kErrorEvent && type.empty()) return 529;
  for (const int status : {400, 401, 402, 403, 404, 409, 413, 429, 500, 504}) {
    if (ErrorTypeOf(status) == type) return status;
  }
  return type == "overloaded_error" ? 529 : 500;
}

std::string DefaultMessage(int status) {
  switch (status) {
    case 429:
      return "This request would exceed your account's rate limit. Please try "
             "again later.";
    case 529:
      return "Overloaded";
    case 504:
      return "The request timed out";
    case 402:
      return "Your credit balance is too low to access the Claude API";
    default:
      return status >= 500 ? "Internal server error" : "Requested by a fault";
  }
}

absl::Status ReadFault(Members& members, Fault* fault) {
  std::string kind;
  RETURN_IF_ERROR(members.Text("kind", &kind));
  if (kind.empty()) kind = "status";
  ASSIGN_OR_RETURN(fault->kind, KindOf(kind, members.At("kind")));
  RETURN_IF_ERROR(members.Text("type", &fault->error.type));
  int64_t status = DefaultStatus(fault->kind, fault->error.type);
  RETURN_IF_ERROR(members.Whole("status", 400, &status));
  if (status > 599) return Bad(members.At("status"), "must be 400 to 599");
  fault->error.status = static_cast<int>(status);
  fault->error.message = DefaultMessage(fault->error.status);
  RETURN_IF_ERROR(members.Text("message", &fault->error.message));
  RETURN_IF_ERROR(members.Text("error_code", &fault->error.error_code));
  RETURN_IF_ERROR(members.Text("retry_after", &fault->retry_after));
  RETURN_IF_ERROR(members.Text("retry_after_ms", &fault->retry_after_ms));
  RETURN_IF_ERROR(members.Text("should_retry", &fault->should_retry));
  RETURN_IF_ERROR(members.Text("html", &fault->raw_body));
  RETURN_IF_ERROR(members.Whole("silence_ms", 0, &fault->silence_ms));
  return ReadAfter(members, fault);
}

// What a script says about a reply, in the members of its own.
absl::Status CheckAnswer(const Json& json, const std::string& path,
                         Rule* rule) {
  RETURN_IF_ERROR(MustBeObject(json, path));
  Members members(json, path);
  rule->answer = json;
  if (const Json* text = members.Find("text")) {
    if (!text->is_string()) return Bad(members.At("text"), "must be a string");
    rule->answer["content"] = *text;
  }
  const Json* content = members.Find("content");
  if (content != nullptr && !content->is_string() && !content->is_array()) {
    return Bad(members.At("content"), "must be a string or an array of blocks");
  }
  if (content != nullptr && content->is_array()) {
    for (const Json& block : *content) {
      if (StringOf(block, "type").empty()) {
        return Bad(members.At("content"), "every block needs a type");
      }
    }
  }
  std::string unused;
  RETURN_IF_ERROR(members.Text("stop_reason", &unused));
  RETURN_IF_ERROR(members.Text("stop_sequence", &unused));
  for (const char* key : {"stop_details", "usage"}) {
    const Json* member = members.Find(key);
    if (member == nullptr) continue;
    RETURN_IF_ERROR(MustBeObject(*member, members.At(key)));
  }
  if (members.Find("ttft_ms") != nullptr) {
    int64_t ttft_ms = 0;
    RETURN_IF_ERROR(members.Whole("ttft_ms", 0, &ttft_ms));
    rule->ttft_ms = ttft_ms;
  }
  if (const Json* pace = members.Find("tokens_per_second")) {
    if (!pace->is_number() || pace->get<double>() < 0) {
      return Bad(members.At("tokens_per_second"), "must be a number >= 0");
    }
    rule->tokens_per_second = pace->get<double>();
  }
  return members.NoOthers();
}

bool Holds(const Match& match, const CallView& call) {
  const auto contains = [](const std::string& text, const std::string& part) {
    return part.empty() || text.find(part) != std::string::npos;
  };
  return contains(call.user_text, match.user_contains) &&
         contains(call.system_text, match.system_contains) &&
         (match.model.empty() || GlobMatches(match.model, call.model)) &&
         (match.task_uid.empty() || match.task_uid == call.task_uid) &&
         (match.attempt == 0 || match.attempt == call.attempt);
}

}  // namespace

bool Applies(Rule& rule, const CallView& call) {
  if (!Holds(rule.match, call)) return false;
  ++rule.seen;
  if (rule.match.nth != 0 && rule.seen != rule.match.nth) return false;
  if (rule.match.every != 0 && rule.seen % rule.match.every != 0) return false;
  if (rule.times >= 0 && rule.used >= rule.times) return false;
  ++rule.used;
  return true;
}

absl::StatusOr<Rule> ParseFaultRule(const Json& json, const std::string& path) {
  RETURN_IF_ERROR(MustBeObject(json, path));
  Rule rule;
  rule.fault.emplace();
  Members members(json, path);
  RETURN_IF_ERROR(members.Whole("times", 0, &rule.times));
  const Json* fault = members.Find("fault");
  if (fault == nullptr) {
    RETURN_IF_ERROR(ReadMatch(members, &rule.match));
    RETURN_IF_ERROR(ReadFault(members, &*rule.fault));
    RETURN_IF_ERROR(members.NoOthers());
    return rule;
  }
  RETURN_IF_ERROR(MustBeObject(*fault, members.At("fault")));
  Members of_fault(*fault, members.At("fault"));
  RETURN_IF_ERROR(ReadFault(of_fault, &*rule.fault));
  RETURN_IF_ERROR(of_fault.NoOthers());
  if (const Json* match = members.Find("match")) {
    RETURN_IF_ERROR(MustBeObject(*match, members.At("match")));
    Members of_match(*match, members.At("match"));
    RETURN_IF_ERROR(ReadMatch(of_match, &rule.match));
    RETURN_IF_ERROR(of_match.NoOthers());
  }
  RETURN_IF_ERROR(members.NoOthers());
  return rule;
}

absl::StatusOr<Rule> ParseFaultFlag(const std::string& flag) {
  Json json = Json::object();
  for (const absl::string_view part : absl::StrSplit(flag, ',')) {
    const std::pair<std::string, std::string> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (pair.first.empty() || pair.second.empty()) {
      return Bad("--fault", absl::StrCat("\"", part, "\" is not key=value"));
    }
    int64_t number = 0;
    if (absl::SimpleAtoi(pair.second, &number)) {
      json[pair.first] = number;
    } else {
      json[pair.first] = pair.second;
    }
  }
  return ParseFaultRule(json, "--fault");
}

absl::StatusOr<Rule> ParseScriptRule(const Json& json,
                                     const std::string& path) {
  RETURN_IF_ERROR(MustBeObject(json, path));
  Rule rule;
  Members members(json, path);
  RETURN_IF_ERROR(members.Whole("times", 0, &rule.times));
  if (const Json* match = members.Find("match")) {
    RETURN_IF_ERROR(MustBeObject(*match, members.At("match")));
    Members of_match(*match, members.At("match"));
    RETURN_IF_ERROR(ReadMatch(of_match, &rule.match));
    RETURN_IF_ERROR(of_match.NoOthers());
  }
  const Json* answer = members.Find("answer");
  if (answer == nullptr) return Bad(path, "needs an \"answer\"");
  RETURN_IF_ERROR(CheckAnswer(*answer, members.At("answer"), &rule));
  if (const Json* fault = members.Find("fault")) {
    RETURN_IF_ERROR(MustBeObject(*fault, members.At("fault")));
    Members of_fault(*fault, members.At("fault"));
    rule.fault.emplace();
    RETURN_IF_ERROR(ReadFault(of_fault, &*rule.fault));
    RETURN_IF_ERROR(of_fault.NoOthers());
  }
  RETURN_IF_ERROR(members.NoOthers());
  return rule;
}

absl::StatusOr<Script> ParseScript(const Json& json) {
  Script script;
  const bool answers_alone = json.is_array();
  if (!answers_alone) RETURN_IF_ERROR(MustBeObject(json, "script"));
  static const Json& none = *new Json(Json::array());
  Members members(answers_alone ? none : json, "script");
  const Json* answers = answers_alone ? &json : members.Find("answers");
  const Json* faults = answers_alone ? nullptr : members.Find("faults");
  if (!answers_alone) RETURN_IF_ERROR(members.NoOthers());
  const auto read = [](const Json* list, const std::string& path, auto parse,
                       std::vector<Rule>* rules) -> absl::Status {
    if (list == nullptr) return absl::OkStatus();
    if (!list->is_array()) return Bad(path, "must be an array");
    for (size_t i = 0; i < list->size(); ++i) {
      ASSIGN_OR_RETURN(Rule rule,
                       parse((*list)[i], absl::StrCat(path, "[", i, "]")));
      rules->push_back(std::move(rule));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(read(answers, "answers", ParseScriptRule, &script.answers));
  RETURN_IF_ERROR(read(faults, "faults", ParseFaultRule, &script.faults));
  return script;
}

}  // namespace anabranch::fake_claude
