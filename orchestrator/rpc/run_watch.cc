#include "orchestrator/rpc/run_watch.h"

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/history_reader.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/rpc/waiting.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

// Read ahead of what the watcher has taken.
constexpr int64_t kReadAheadBytes = int64_t{1} * 1024 * 1024;

constexpr ProgressPosition kAllRead{INT32_MAX, 0};

// The activity that `event` closes; 0 when it closes none.
int64_t ClosedActivity(const api::HistoryEvent& event) {
  switch (event.attributes_case()) {
    case api::HistoryEvent::kActivityCompleted:
      return event.activity_completed().seq();
    case api::HistoryEvent::kActivityFailed:
      return event.activity_failed().seq();
    case api::HistoryEvent::kActivityTimedOut:
      return event.activity_timed_out().seq();
    case api::HistoryEvent::kActivityCancelled:
      return event.activity_cancelled().seq();
    default:
      return 0;
  }
}

// What must differ for a watcher to be told again.
std::string Signature(const api::ActivityInfo& info) {
  return absl::StrCat(static_cast<int>(info.state()), ".", info.attempt(), ".",
                      info.tries(), ".", info.failed_attempts(), ".",
                      info.lost_attempts(), ".", info.session());
}

}  // namespace

absl::StatusOr<RunWatch> RunWatch::Open(const api::WatchRunRequest& request,
                                        log::StoreReader& reader,
                                        RunReads& reads, ProgressHub& hub) {
  ASSIGN_OR_RETURN(auto name,
                   RunReads::NameOf(request.namespace_(), request.run_id()));
  ASSIGN_OR_RETURN(WatchCursor cursor, WatchCursor::Parse(request.cursor()));
  ASSIGN_OR_RETURN(Uid uid, reads.Find(name));
  if (!request.cursor().empty()) {
    auto watched = reads.FindGeneration(name, cursor.generation);
    if (absl::IsNotFound(watched.status())) {
      return InvalidCursor(request.cursor(),
                           "belongs to a generation that this run does not "
                           "have");
    }
    RETURN_IF_ERROR(watched.status());
    uid = *watched;
  }
  ASSIGN_OR_RETURN(api::Run run, reads.ReadStatus(uid));
  if (request.cursor().empty()) cursor.generation = run.generation();
  if (cursor.event > run.history_events()) {
    return InvalidCursor(request.cursor(), "is beyond this run's history");
  }
  RunWatch watch(std::move(name), uid, std::move(cursor), request.no_progress(),
                 reader, reads, hub);
  RETURN_IF_ERROR(watch.SkipClosed());
  return watch;
}

RunWatch::RunWatch(log::RunName name, Uid uid, WatchCursor cursor,
                   bool no_progress, log::StoreReader& reader, RunReads& reads,
                   ProgressHub& hub)
    : name_(std::move(name)),
      uid_(uid),
      cursor_(std::move(cursor)),
      no_progress_(no_progress),
      reader_(&reader),
      reads_(&reads),
      hub_(&hub),
      read_(cursor_.positions) {}

absl::Status RunWatch::SkipClosed() {
  // What streams is listed before what is open: who is not open is closed.
  std::vector<int64_t> streamed = hub_->Activities(uid_);
  ASSIGN_OR_RETURN(auto open, reader_->ReadActivities(uid_));
  std::set<int64_t> open_seqs;
  for (const auto& record : open) open_seqs.insert(record.info().seq());
  for (int64_t seq : streamed) {
    if (!open_seqs.contains(seq)) read_.try_emplace(seq, kAllRead);
  }
  return absl::OkStatus();
}

void RunWatch::Note(Wake wake) {
  run_changed_ |= wake.changed;
  progress_ |= wake.progress;
}

absl::Status RunWatch::Read(Out& out) {
  if (finished_) return absl::OkStatus();
  // Output first: it precedes the event that its attempt ends with.
  if (progress_ || run_changed_) ReadProgress(out);
  return run_changed_ ? ReadRun(out) : absl::OkStatus();
}

api::WatchRunResponse& RunWatch::Add(Out& out) {
  api::WatchRunResponse& message = out.emplace_back();
  message.set_cursor(cursor_.ToString());
  return message;
}

void RunWatch::ReadProgress(Out& out) {
  progress_ = false;
  if (no_progress_) return;
  auto pieces = hub_->Read(uid_, read_, kReadAheadBytes);
  for (api::ActivityProgress& piece : pieces) {
    ProgressPosition position{
        piece.attempt(),
        piece.offset() + static_cast<int64_t>(piece.text().size())};
    read_[piece.seq()] = position;
    cursor_.positions[piece.seq()] = position;
    *Add(out).mutable_progress() = std::move(piece);
    progress_ = true;  // there may be more than was read at once
  }
}

// In this order: the state, the activities, the events. Each later read sees
// at least what the earlier one rests on, so that an activity is shown only
// after the event that scheduled it, and the end after the last event.
absl::Status RunWatch::ReadRun(Out& out) {
  run_changed_ = false;
  ASSIGN_OR_RETURN(auto status, reads_->ReadStatusRecord(uid_));
  const api::Run& run = status.run();
  ASSIGN_OR_RETURN(auto activities, reader_->ReadActivities(uid_));
  ASSIGN_OR_RETURN(bool at_end, ReadEvents(status, out));
  if (!at_end) {
    run_changed_ = true;
    return absl::OkStatus();
  }
  ShowActivities(std::move(activities), out);
  if (!IsClosed(run.state()) &&
      run.state() != api::RUN_STATE_CONTINUED_AS_NEW) {
    return absl::OkStatus();
  }
  if (cursor_.event < run.history_events()) {
    run_changed_ = true;
    return absl::OkStatus();
  }
  return GoOn(out);
}

absl::Status RunWatch::GoOn(Out& out) {
  ASSIGN_OR_RETURN(Uid current, reads_->Find(name_));
  if (current == uid_) {
    finished_ = true;
    ASSIGN_OR_RETURN(*Add(out).mutable_final_run(),
                     reads_->Read(uid_, api::RUN_VIEW_FULL));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(uid_, reads_->FindGeneration(name_, cursor_.generation + 1));
  ++cursor_.generation;
  cursor_.event = 0;
  cursor_.positions.clear();
  shown_.clear();
  read_.clear();
  run_changed_ = true;
  progress_ = true;
  return SkipClosed();
}

absl::StatusOr<bool> RunWatch::ReadEvents(
    const storage::v1::StatusRecord& status, Out& out) {
  ASSIGN_OR_RETURN(
      auto activations,
      ReadHistory(*reader_, uid_, status, cursor_.event + 1, kReadAheadBytes));
  for (auto& activation : activations) {
    for (api::HistoryEvent& event : *activation.mutable_events()) {
      if (event.event_id() <= cursor_.event) continue;
      ShowEvent(std::move(event), out);
    }
  }
  return activations.empty();
}

void RunWatch::ShowEvent(api::HistoryEvent event, Out& out) {
  cursor_.event = event.event_id();
  if (int64_t seq = ClosedActivity(event); seq != 0) {
    shown_.erase(seq);
    cursor_.positions.erase(seq);
    read_[seq] = kAllRead;
  }
  ShowPayloads(event);
  *Add(out).mutable_event() = std::move(event);
}

void RunWatch::ShowActivities(
    std::vector<storage::v1::ActivityRecord> activities, Out& out) {
  for (auto& record : activities) {
    api::ActivityInfo& info = *record.mutable_info();
    std::string signature = Signature(info);
    std::string& shown = shown_[info.seq()];
    if (shown == signature) continue;
    shown = std::move(signature);
    ShowPayloads(info);
    *Add(out).mutable_activity() = std::move(info);
  }
}

}  // namespace anabranch::rpc
