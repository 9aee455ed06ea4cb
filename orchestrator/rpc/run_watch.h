// RunWatch: what one watcher of a run is to see next.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "anabranch/v1/run_service.pb.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/progress_hub.h"
#include "orchestrator/rpc/run_notifier.h"
#include "orchestrator/rpc/run_reads.h"
#include "orchestrator/rpc/watch_cursor.h"

namespace anabranch::rpc {

// A watcher reads at its own pace: events come from the store, streamed
// output from what the hub keeps. What happens meanwhile is only noted
// (Note), never queued here.
// Threads: one at a time; what it is given outlives it.
class RunWatch {
 public:
  // RUN_NOT_FOUND, INVALID_CURSOR.
  static absl::StatusOr<RunWatch> Open(
      const anabranch::v1::WatchRunRequest& request, log::StoreReader& reader,
      RunReads& reads, ProgressHub& hub);

  // The generation that is watched now; Read moves it on when the run does.
  Uid uid() const { return uid_; }

  // There is something new to be read.
  void Note(Wake wake);

  // Puts what is to be shown next at the end of `out`: at most about 1 MiB,
  // nothing when there is nothing yet. To be called again until it adds
  // nothing. The message with final_run is the last.
  absl::Status Read(std::deque<anabranch::v1::WatchRunResponse>& out);

  bool finished() const { return finished_; }

 private:
  using Out = std::deque<anabranch::v1::WatchRunResponse>;

  RunWatch(log::RunName name, Uid uid, WatchCursor cursor, bool no_progress,
           log::StoreReader& reader, RunReads& reads, ProgressHub& hub);

  // Output of activities that are closed already is not shown again.
  absl::Status SkipClosed();

  absl::Status ReadRun(Out& out);
  // Everything of a closed generation is shown: the next one, or the end.
  absl::Status GoOn(Out& out);
  absl::StatusOr<bool> ReadEvents(const storage::v1::StatusRecord& status,
                                  Out& out);
  void ReadProgress(Out& out);
  void ShowEvent(anabranch::v1::HistoryEvent event, Out& out);
  void ShowActivities(std::vector<storage::v1::ActivityRecord> activities,
                      Out& out);
  anabranch::v1::WatchRunResponse& Add(Out& out);

  log::RunName name_;
  Uid uid_;
  WatchCursor cursor_;
  bool no_progress_;
  log::StoreReader* reader_;
  RunReads* reads_;
  ProgressHub* hub_;
  bool run_changed_ = true;
  bool progress_ = true;
  bool finished_ = false;
  // What was last shown of each open activity.
  std::map<int64_t, std::string> shown_;
  // Output that was shown or is not to be shown; the cursor carries that of
  // open activities.
  ProgressPositions read_;
};

}  // namespace anabranch::rpc
