#include "fake_claude/ledger.h"

#include <map>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace anabranch::fake_claude {
namespace {

Json TaskJson(const std::optional<TaskIdentity>& task) {
  if (!task) return nullptr;
  return {{"uid", task->uid},
          {"seq", task->seq},
          {"attempt", task->attempt},
          {"session", task->session}};
}

Json TextOrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

std::optional<TaskIdentity> ParseTaskHeader(const std::string& header) {
  std::map<std::string, std::string> fields;
  std::istringstream words(header);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return std::nullopt;
    fields[word.substr(0, equals)] = word.substr(equals + 1);
  }
  TaskIdentity task;
  task.uid = fields["uid"];
  task.session = fields["session"];
  if (task.uid.empty() || !absl::SimpleAtoi(fields["seq"], &task.seq) ||
      !absl::SimpleAtoi(fields["attempt"], &task.attempt)) {
    return std::nullopt;
  }
  return task;
}

absl::Status Ledger::AlsoTo(const std::string& path) {
  const std::lock_guard<std::mutex> lock(mutex_);
  file_.open(path, std::ios::app);
  if (!file_) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write the ledger file ", path));
  }
  return absl::OkStatus();
}

void Ledger::Refused(const CallInfo& info, int status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t index = Add(info, false, status);
  Call& call = calls_[index];
  call.finished_ms = call.received_ms;
  call.end.outcome = absl::StrCat("error:", status);
  Log(index);
}

size_t Ledger::Begin(const CallInfo& info) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t index = Add(info, true, 200);
  Log(index);
  return index + 1;
}

void Ledger::End(size_t call, const CallEnd& end) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_[call - 1].end = end;
  calls_[call - 1].finished_ms = absl::ToUnixMillis(clock_.Now());
  Log(call - 1);
  changed_.notify_all();
}

void Ledger::AwaitBegin(size_t call) const {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return calls_.size() >= call; });
}

void Ledger::AwaitEnd(size_t call) const {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] {
    return calls_.size() >= call && calls_[call - 1].finished_ms != 0;
  });
}

Json Ledger::Calls(size_t after) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Json calls = Json::array();
  for (size_t i = after; i < calls_.size(); ++i) calls.push_back(ToJson(i));
  return {{"calls", std::move(calls)}};
}

Json Ledger::Summary() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  size_t begun = 0;
  size_t finished = 0;
  size_t open = 0;
  Json outcomes = Json::object();
  for (const Call& call : calls_) {
    if (call.begun) ++begun;
    if (call.finished_ms == 0) {
      ++open;
      continue;
    }
    if (call.end.outcome == "finished") ++finished;
    Json& count = outcomes[call.end.outcome];
    count = (count.is_null() ? 0 : count.get<int>()) + 1;
  }
  return {{"calls", calls_.size()},
          {"begun", begun},
          {"finished", finished},
          {"open", open},
          {"outcomes", std::move(outcomes)}};
}

size_t Ledger::Add(const CallInfo& info, bool begun, int status) {
  Call call;
  call.info = info;
  call.begun = begun;
  call.status = status;
  call.received_ms = absl::ToUnixMillis(clock_.Now());
  calls_.push_back(std::move(call));
  changed_.notify_all();
  return calls_.size() - 1;
}

Json Ledger::ToJson(size_t index) const {
  const Call& call = calls_[index];
  const bool ended = call.finished_ms != 0;
  Json json;
  json["index"] = index + 1;
  json["request_sha256"] = call.info.request_sha256;
  json["model"] = TextOrNull(call.info.model);
  json["begun"] = call.begun;
  json["received_ms"] = call.received_ms;
  json["begun_ms"] = call.begun ? Json(call.received_ms) : Json(nullptr);
  json["finished_ms"] = ended ? Json(call.finished_ms) : Json(nullptr);
  json["outcome"] = TextOrNull(call.end.outcome);
  json["status"] = call.status;
  json["request_id"] = call.info.request_id;
  json["stream"] = call.info.stream;
  json["task"] = TaskJson(call.info.task);
  json["content"] = TextOrNull(call.end.content);
  json["usage"] = call.end.usage;
  return json;
}

void Ledger::Log(size_t index) {
  if (!file_.is_open()) return;
  file_ << ToJsonText(ToJson(index)) << '\n' << std::flush;
}

}  // namespace anabranch::fake_claude
