#include "tests/support/fake_api.h"

#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace anabranch::support {
namespace {

using Json = nlohmann::json;

std::string Text(const Json& object, const char* key) {
  const Json& value = object.at(key);
  return value.is_string() ? value.get<std::string>() : "";
}

int64_t Number(const Json& object, const char* key) {
  const Json& value = object.at(key);
  return value.is_number() ? value.get<int64_t>() : 0;
}

LedgerCall ToCall(const Json& json) {
  LedgerCall call;
  call.index = Number(json, "index");
  call.begun = json.at("begun").get<bool>();
  call.outcome = Text(json, "outcome");
  call.begun_ms = Number(json, "begun_ms");
  call.finished_ms = Number(json, "finished_ms");
  call.model = Text(json, "model");
  call.content = Text(json, "content");
  const Json& task = json.at("task");
  if (task.is_object()) {
    call.uid = Text(task, "uid");
    call.seq = Number(task, "seq");
    call.attempt = Number(task, "attempt");
    call.session = Text(task, "session");
  }
  return call;
}

}  // namespace

int64_t Ledger::Begun() const {
  return std::ranges::count_if(calls, &LedgerCall::begun);
}

int64_t Ledger::Finished() const {
  return std::ranges::count_if(calls, &LedgerCall::finished);
}

int64_t Ledger::Open() const {
  return std::ranges::count_if(calls, &LedgerCall::open);
}

int64_t Ledger::OpenOf(const std::string& session) const {
  return std::ranges::count_if(calls, [&](const LedgerCall& call) {
    return call.open() && call.session == session;
  });
}

std::map<std::pair<std::string, int64_t>, std::vector<const LedgerCall*>>
Ledger::ByTask() const {
  std::map<std::pair<std::string, int64_t>, std::vector<const LedgerCall*>>
      tasks;
  for (const LedgerCall& call : calls) {
    if (call.begun) tasks[{call.uid, call.seq}].push_back(&call);
  }
  return tasks;
}

absl::StatusOr<Ledger> FakeApi::ReadLedger() const {
  httplib::Client http(url_);
  const httplib::Result answer = http.Get("/ledger");
  if (!answer || answer->status != 200) {
    return absl::UnavailableError(
        absl::StrCat("no ledger at ", url_, "/ledger"));
  }
  const Json json = Json::parse(answer->body, nullptr, false);
  if (!json.is_object()) return absl::DataLossError("the ledger is no JSON");
  Ledger ledger;
  for (const Json& call : json.at("calls")) {
    ledger.calls.push_back(ToCall(call));
  }
  return ledger;
}

absl::Status FakeApi::Control(const std::string& json) const {
  httplib::Client http(url_);
  const httplib::Result answer =
      http.Post("/control", json, "application/json");
  if (answer && answer->status == 200) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "fake_claude refuses ", json, ": ", answer ? answer->body : "no answer"));
}

}  // namespace anabranch::support
