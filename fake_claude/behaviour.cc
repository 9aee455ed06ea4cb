#include "fake_claude/behaviour.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace anabranch::fake_claude {
namespace {

absl::Status ReadPace(const Json& settings, Pace* pace) {
  if (settings.contains("ttft_ms")) {
    const Json& value = settings["ttft_ms"];
    if (!value.is_number_integer() || value.get<int64_t>() < 0) {
      return absl::InvalidArgumentError("ttft_ms: must be a whole number >= 0");
    }
    pace->ttft_ms = value.get<int64_t>();
  }
  if (settings.contains("tokens_per_second")) {
    const Json& value = settings["tokens_per_second"];
    if (!value.is_number() || value.get<double>() < 0) {
      return absl::InvalidArgumentError(
          "tokens_per_second: must be a number >= 0");
    }
    pace->tokens_per_second = value.get<double>();
  }
  return absl::OkStatus();
}

}  // namespace

void Behaviour::AddFault(Rule rule) {
  const std::lock_guard<std::mutex> lock(mutex_);
  faults_.push_back(std::move(rule));
}

void Behaviour::SetScript(Script script) {
  const std::lock_guard<std::mutex> lock(mutex_);
  answers_ = std::move(script.answers);
  for (Rule& fault : script.faults) faults_.push_back(std::move(fault));
}

Decision Behaviour::Decide(const CallView& call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Decision decision;
  decision.pace = pace_;
  for (Rule& rule : faults_) {
    if (!Applies(rule, call)) continue;
    decision.fault = rule.fault;
    break;
  }
  // A call that gets no answer leaves the script's entries for the next.
  if (decision.fault && decision.fault->kind == FaultKind::kStatus) {
    return decision;
  }
  for (Rule& rule : answers_) {
    if (!Applies(rule, call)) continue;
    decision.answer = rule.answer;
    if (rule.fault && !decision.fault) decision.fault = rule.fault;
    decision.pace.ttft_ms = rule.ttft_ms.value_or(pace_.ttft_ms);
    decision.pace.tokens_per_second =
        rule.tokens_per_second.value_or(pace_.tokens_per_second);
    break;
  }
  return decision;
}

absl::Status Behaviour::Control(const Json& settings) {
  if (!settings.is_object()) {
    return absl::InvalidArgumentError("the body must be an object");
  }
  Json rules = Json::object();
  for (const auto& [key, value] : settings.items()) {
    if (key == "ttft_ms" || key == "tokens_per_second") continue;
    if (key == "faults" || key == "add_faults") {
      rules["faults"] = value;
    } else if (key == "answers") {
      rules["answers"] = value;
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown member \"", key,
          "\"; known are ttft_ms, tokens_per_second, faults, add_faults, "
          "answers"));
    }
  }
  ASSIGN_OR_RETURN(Script script, ParseScript(rules));
  const std::lock_guard<std::mutex> lock(mutex_);
  Pace pace = pace_;
  RETURN_IF_ERROR(ReadPace(settings, &pace));
  pace_ = pace;
  if (settings.contains("answers")) answers_ = std::move(script.answers);
  if (settings.contains("faults")) faults_.clear();
  for (Rule& fault : script.faults) faults_.push_back(std::move(fault));
  return absl::OkStatus();
}

Json Behaviour::Settings() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto counts = [](const std::vector<Rule>& rules) {
    Json list = Json::array();
    for (const Rule& rule : rules) {
      list.push_back(
          {{"times", rule.times}, {"seen", rule.seen}, {"used", rule.used}});
    }
    return list;
  };
  return {{"ttft_ms", pace_.ttft_ms},
          {"tokens_per_second", pace_.tokens_per_second},
          {"answers", counts(answers_)},
          {"faults", counts(faults_)}};
}

}  // namespace anabranch::fake_claude
