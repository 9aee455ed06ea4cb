#include "tests/sim/ledger.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace anabranch::sim {

using activity_worker::FailureOf;
using activity_worker::JsonResult;
using activity_worker::Outcome;
using nlohmann::json;

namespace {

// Beyond every timeout.
constexpr absl::Duration kVerySlow = absl::Seconds(60);

}  // namespace

Ledger::Plan Ledger::Begin(const std::string& session,
                           const anabranch::v1::Task& task) {
  auto token = TaskToken::Parse(task.token());
  AB_CHECK(token.has_value());
  world_.Trace("begin", absl::StrCat(session, " ", task.token()));
  auto& executions = activities_[token->activity];
  for (const Execution& other : executions) {
    if (other.token == task.token()) {
      world_.Fail(absl::StrCat("one attempt was begun twice: ", other.token));
    }
  }
  Execution execution;
  execution.token = task.token();
  execution.session = session;
  execution.attempt = task.attempt();
  executions.push_back(std::move(execution));
  ++executions_;
  return MakePlan(task, token->activity);
}

Ledger::Plan Ledger::MakePlan(const anabranch::v1::Task& task, ActivityId id) {
  json input = json::parse(task.input().json_text(), nullptr, false);
  AB_CHECK(input.is_object());
  const std::string what = input.value("do", "ok");
  Plan plan;
  plan.duration = absl::Milliseconds(input.value("ms", 10));
  plan.beat_every = absl::Milliseconds(input.value("beat_ms", 0));
  // Stopping takes a moment, in which the task may end by itself.
  plan.stop_time = absl::Milliseconds(input.value("stop_ms", 3));
  json result = {{"value", input.value("value", int64_t{0}) * 2 + 1},
                 {"token", task.token()}};
  if (what == "big") result["pad"] = std::string(6000, 'x');
  plan.outcome = JsonResult(result.dump());
  if (what == "flaky" && failures_[id] < input.value("fails", 0)) {
    ++failures_[id];
    plan.outcome = FailureOf("flaky", task.token(), true);
  } else if (what == "slow" && failures_[id] < input.value("fails", 0)) {
    ++failures_[id];
    plan.duration = kVerySlow;
    plan.beat_every = absl::ZeroDuration();
  } else if (what == "deadly" && failures_[id] < input.value("fails", 0)) {
    ++failures_[id];
    plan.deadly = true;
  } else if (what == "mends" &&
             mended_[input.value("key", "")] < input.value("fails", 0)) {
    // Whoever is to carry it out: an operator mends it, failure by failure.
    ++mended_[input.value("key", "")];
    plan.outcome = FailureOf("mends", task.token(), false);
  } else if (what == "bad") {
    plan.outcome = FailureOf("bad", task.token(), false);
  } else if (what == "always") {
    plan.outcome = FailureOf("always", task.token(), true);
  }
  plan.outcome.usage_json = "{\"input_tokens\":1,\"output_tokens\":2}";
  return plan;
}

void Ledger::End(const std::string& token, const Outcome& outcome) {
  auto parsed = TaskToken::Parse(token);
  AB_CHECK(parsed.has_value());
  world_.Trace("end", token);
  for (Execution& execution : activities_[parsed->activity]) {
    if (execution.token == token) execution.outcome = outcome;
  }
}

const std::vector<Execution>& Ledger::Of(ActivityId id) const {
  static const std::vector<Execution> kNone;
  auto it = activities_.find(id);
  return it == activities_.end() ? kNone : it->second;
}

const Execution* Ledger::Find(const std::string& token) const {
  auto parsed = TaskToken::Parse(token);
  if (!parsed.has_value()) return nullptr;
  for (const Execution& execution : Of(parsed->activity)) {
    if (execution.token == token) return &execution;
  }
  return nullptr;
}

}  // namespace anabranch::sim
