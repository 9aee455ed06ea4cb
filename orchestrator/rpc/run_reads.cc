#include "orchestrator/rpc/run_reads.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/history_reader.h"
#include "orchestrator/rpc/paging.h"
#include "orchestrator/rpc/waiting.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

constexpr int kHistoryPageDefault = 200;
// Of one answer's 3 MiB, what a run's two values may take; the rest is for
// what it waits for.
constexpr int64_t kValueBytesMax = int64_t{1} * 1024 * 1024;
constexpr int64_t kWaitingBytesMax = int64_t{512} * 1024;
// A usual event, and how many more than asked for are read at once.
constexpr int64_t kEventBytesGuess = 1024;
constexpr int64_t kReadAheadEvents = 64;
// Left free in a page for its token and framing.
constexpr int64_t kPageSlack = int64_t{4} * 1024;
constexpr int64_t kPageBytesMax = limits::kAnswerBytesMax - kPageSlack;

int64_t BytesOf(const google::protobuf::Message& message) {
  return static_cast<int64_t>(message.ByteSizeLong()) + 8;
}

// Tokens of GetHistory: "e<event>" goes on at that event, "a<seq>" with the
// open activities after that one.
struct HistoryCursor {
  bool in_activities = false;
  int64_t number = 1;
};

absl::StatusOr<HistoryCursor> ParseHistoryCursor(const std::string& text) {
  HistoryCursor cursor;
  if (text.empty()) return cursor;
  cursor.in_activities = text[0] == 'a';
  auto end = text.data() + text.size();
  auto result = std::from_chars(text.data() + 1, end, cursor.number);
  if (result.ec != std::errc() || result.ptr != end) return InvalidPageToken();
  return cursor;
}

void ShowValue(api::Payload& payload) {
  PayloadDoor::Show(payload, kValueBytesMax);
}

}  // namespace

absl::StatusOr<log::RunName> RunReads::NameOf(const std::string& ns,
                                              const std::string& run_id) {
  log::RunName name{ns.empty() ? "default" : ns, run_id};
  RETURN_IF_ERROR(CheckId("namespace", name.ns));
  RETURN_IF_ERROR(CheckId("run_id", name.run_id));
  return name;
}

absl::StatusOr<Uid> RunReads::Find(const log::RunName& name) {
  ASSIGN_OR_RETURN(auto index, reader_.ReadRunIndex(name));
  if (!index.has_value()) return RunNotFound(name);
  return Uid{index->uid()};
}

absl::StatusOr<Uid> RunReads::FindGeneration(const log::RunName& name,
                                             int32_t generation) {
  if (generation < 0) return InvalidField("generation", "must not be negative");
  ASSIGN_OR_RETURN(const Uid current, Find(name));
  if (generation == 0) return current;
  int32_t newest = 0;
  // Each one knows the one before it.
  for (Uid uid = current; uid.value != 0;) {
    ASSIGN_OR_RETURN(auto status, reader_.ReadStatus(uid));
    if (!status.has_value()) break;
    if (status->run().generation() == generation) return uid;
    newest = std::max(newest, status->run().generation());
    if (status->run().generation() < generation) break;
    uid = Uid{status->previous_uid()};
  }
  return GenerationNotFound(name, generation, newest);
}

absl::StatusOr<storage::v1::StatusRecord> RunReads::ReadStatusRecord(Uid uid) {
  ASSIGN_OR_RETURN(auto status, reader_.ReadStatus(uid));
  if (!status.has_value()) {
    return StoreDamaged("run " + uid.ToHex() + " has no status.");
  }
  return *std::move(status);
}

absl::StatusOr<api::Run> RunReads::ReadStatus(Uid uid) {
  ASSIGN_OR_RETURN(auto status, ReadStatusRecord(uid));
  return std::move(*status.mutable_run());
}

absl::StatusOr<api::Run> RunReads::Read(Uid uid, api::RunView view) {
  ASSIGN_OR_RETURN(api::Run run, ReadStatus(uid));
  RETURN_IF_ERROR(AddWaiting(uid, run));
  if (view == api::RUN_VIEW_BASIC) {
    run.clear_input();
    run.clear_result();
  }
  RETURN_IF_ERROR(ShowValues(run, true));
  return run;
}

absl::Status RunReads::AddWaiting(Uid uid, api::Run& run) {
  run.clear_waiting_activities();
  run.clear_waiting_timers();
  run.clear_waiting_for();
  if (IsClosed(run.state())) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto activities, reader_.ReadActivities(uid));
  ASSIGN_OR_RETURN(auto timers, reader_.ReadTimers(uid));
  for (auto& record : activities) {
    *run.add_waiting_activities() = std::move(*record.mutable_info());
  }
  for (const auto& record : timers) {
    auto& timer = *run.add_waiting_timers();
    timer.set_seq(record.seq());
    *timer.mutable_fire_time() = record.fire_time();
  }
  MarkNoWorker(run, *workers_.Get());
  run.set_waiting_for(WaitingFor(run, clock_.Now()));
  // A run may wait for more than an answer holds: the sentence counts them.
  int64_t bytes = 0;
  int kept = 0;
  while (kept < run.waiting_activities_size() && bytes < kWaitingBytesMax) {
    bytes += BytesOf(run.waiting_activities(kept++));
  }
  run.mutable_waiting_activities()->DeleteSubrange(
      kept, run.waiting_activities_size() - kept);
  return absl::OkStatus();
}

absl::Status RunReads::ShowValues(api::Run& run, bool inline_references) {
  for (bool result : {false, true}) {
    if (result ? !run.has_result() : !run.has_input()) continue;
    api::Payload& value = result ? *run.mutable_result() : *run.mutable_input();
    if (inline_references) {
      RETURN_IF_ERROR(door_.Inline(value, kValueBytesMax));
    }
    ShowValue(value);
  }
  for (api::ActivityInfo& activity : *run.mutable_waiting_activities()) {
    ShowPayloads(activity);
  }
  if (run.has_failure()) ShowPayloads(*run.mutable_failure());
  return absl::OkStatus();
}

absl::Status RunReads::ShowAnswer(const std::string& query,
                                  api::Payload& answer) {
  RETURN_IF_ERROR(door_.Inline(answer, kValueBytesMax));
  ShowValue(answer);
  const int64_t bytes = BytesOf(answer);
  return bytes <= kPageBytesMax ? absl::OkStatus()
                                : AnswerTooLarge(query, bytes);
}

absl::StatusOr<api::GetRunResponse> RunReads::GetRun(
    const api::GetRunRequest& request) {
  ASSIGN_OR_RETURN(auto name, NameOf(request.namespace_(), request.run_id()));
  ASSIGN_OR_RETURN(Uid uid, Find(name));
  api::GetRunResponse response;
  ASSIGN_OR_RETURN(*response.mutable_run(), Read(uid, request.view()));
  return response;
}

absl::StatusOr<api::GetHistoryResponse> RunReads::GetHistory(
    const api::GetHistoryRequest& request) {
  ASSIGN_OR_RETURN(auto name, NameOf(request.namespace_(), request.run_id()));
  ASSIGN_OR_RETURN(int page_size,
                   PageSize(request.page_size(), kHistoryPageDefault));
  // A token goes on with the generation that it came from.
  ASSIGN_OR_RETURN(Uid uid, FindGeneration(name, request.generation()));
  std::string scope = "history/" + uid.ToHex();
  ASSIGN_OR_RETURN(std::string text,
                   ReadPageToken(scope, request.page_token()));
  ASSIGN_OR_RETURN(HistoryCursor cursor, ParseHistoryCursor(text));
  api::GetHistoryResponse response;
  if (cursor.in_activities) {
    ASSIGN_OR_RETURN(auto open, reader_.ReadActivities(uid));
    AddOpenActivities(std::move(open), cursor.number, response);
  } else {
    ASSIGN_OR_RETURN(auto status, ReadStatusRecord(uid));
    RETURN_IF_ERROR(AddEventsAndActivities({uid, std::move(status)},
                                           cursor.number, page_size, response));
  }
  if (!response.next_page_token().empty()) {
    response.set_next_page_token(
        MakePageToken(scope, response.next_page_token()));
  }
  return response;
}

absl::Status RunReads::AddEventsAndActivities(
    const Generation& generation, int64_t from_event, int page_size,
    api::GetHistoryResponse& response) {
  ASSIGN_OR_RETURN(bool at_end,
                   AddEvents(generation, from_event, page_size, response));
  std::vector<storage::v1::ActivityRecord> open;
  // Until nothing happens in between: what is shown as open was scheduled by an
  // event that is shown, and closed by none.
  for (int shown = -1; at_end && shown != response.events_size();) {
    shown = response.events_size();
    ASSIGN_OR_RETURN(open, reader_.ReadActivities(generation.uid));
    ASSIGN_OR_RETURN(at_end,
                     AddEvents(generation, from_event, page_size, response));
  }
  if (at_end) AddOpenActivities(std::move(open), 0, response);
  return absl::OkStatus();
}

// Goes on at `from_event` and moves it on. Returns whether the history is at
// its end; else the token is set.
absl::StatusOr<bool> RunReads::AddEvents(const Generation& generation,
                                         int64_t& from_event, int page_size,
                                         api::GetHistoryResponse& response) {
  int64_t bytes = BytesOf(response);
  // A small page does not read megabytes that it would throw away.
  int64_t read_bytes = std::min(
      kPageBytesMax, kEventBytesGuess * (page_size + kReadAheadEvents));
  while (true) {
    ASSIGN_OR_RETURN(auto activations,
                     ReadHistory(reader_, generation.uid, generation.status,
                                 from_event, read_bytes));
    if (activations.empty()) return true;
    for (auto& activation : activations) {
      for (auto& event : *activation.mutable_events()) {
        if (event.event_id() < from_event) continue;
        ShowPayloads(event);
        bytes += BytesOf(event);
        if (response.events_size() == page_size ||
            (bytes > kPageBytesMax && response.events_size() > 0)) {
          response.set_next_page_token(absl::StrCat("e", event.event_id()));
          return false;
        }
        from_event = event.event_id() + 1;
        *response.add_events() = std::move(event);
      }
    }
  }
}

void RunReads::AddOpenActivities(
    std::vector<storage::v1::ActivityRecord> activities, int64_t after_seq,
    api::GetHistoryResponse& response) {
  int64_t bytes = BytesOf(response);
  for (auto& record : activities) {
    api::ActivityInfo& info = *record.mutable_info();
    if (info.seq() <= after_seq) continue;
    ShowPayloads(info);
    bytes += BytesOf(info);
    if (bytes > kPageBytesMax &&
        response.events_size() + response.open_activities_size() > 0) {
      response.set_next_page_token(absl::StrCat("a", after_seq));
      return;
    }
    after_seq = info.seq();
    *response.add_open_activities() = std::move(info);
  }
}

}  // namespace anabranch::rpc
