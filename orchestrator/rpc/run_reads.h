// RunReads: answers what is asked of runs from the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anabranch/v1/run_service.pb.h"
#include "base/clock.h"
#include "orchestrator/filter/filter.h"
#include "orchestrator/log/store.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/rpc/worker_directory.h"

namespace anabranch::rpc {

// Shows only what is durable. Threads: any; what it is given outlives it.
class RunReads {
 public:
  RunReads(log::StoreReader& reader, const WorkerDirectory& workers,
           Clock& clock)
      : reader_(reader), workers_(workers), clock_(clock), door_(reader) {}

  // The namespace defaults to `default`; INVALID_FIELD for what is no id.
  static absl::StatusOr<log::RunName> NameOf(const std::string& ns,
                                             const std::string& run_id);

  // RUN_NOT_FOUND when there is none.
  absl::StatusOr<Uid> Find(const log::RunName& name);

  // That generation of the run, from 1; 0 is the current one. RUN_NOT_FOUND,
  // GENERATION_NOT_FOUND.
  absl::StatusOr<Uid> FindGeneration(const log::RunName& name,
                                     int32_t generation);

  // The run with what it waits for. Input and result are inlined as far as an
  // answer has room for them, else they stay references.
  absl::StatusOr<anabranch::v1::Run> Read(Uid uid, anabranch::v1::RunView view);

  // How the run stands, without looking at more than its status.
  absl::StatusOr<anabranch::v1::Run> ReadStatus(Uid uid);
  absl::StatusOr<storage::v1::StatusRecord> ReadStatusRecord(Uid uid);

  // Shows what a flow answered to `query`: ANSWER_TOO_LARGE when no answer can
  // hold it; a reference stays one where its content would not fit.
  absl::Status ShowAnswer(const std::string& query,
                          anabranch::v1::Payload& answer);

  absl::StatusOr<anabranch::v1::GetRunResponse> GetRun(
      const anabranch::v1::GetRunRequest& request);
  absl::StatusOr<anabranch::v1::ListRunsResponse> ListRuns(
      const anabranch::v1::ListRunsRequest& request);
  absl::StatusOr<anabranch::v1::GetHistoryResponse> GetHistory(
      const anabranch::v1::GetHistoryRequest& request);

 private:
  // One history: its own events and, by `status`, those that it began with.
  struct Generation {
    Uid uid;
    storage::v1::StatusRecord status;
  };

  // As ListRuns shows it; nothing when it is gone, or not meant by `filter`.
  absl::StatusOr<std::optional<anabranch::v1::Run>> ReadForList(
      Uid uid, anabranch::v1::RunView view,
      const std::optional<filter::Filter>& filter);
  absl::Status AddWaiting(Uid uid, anabranch::v1::Run& run);
  absl::Status ShowValues(anabranch::v1::Run& run, bool inline_references);
  absl::Status AddEventsAndActivities(
      const Generation& generation, int64_t from_event, int page_size,
      anabranch::v1::GetHistoryResponse& response);
  absl::StatusOr<bool> AddEvents(const Generation& generation,
                                 int64_t& from_event, int page_size,
                                 anabranch::v1::GetHistoryResponse& response);
  static void AddOpenActivities(
      std::vector<storage::v1::ActivityRecord> activities, int64_t after_seq,
      anabranch::v1::GetHistoryResponse& response);

  log::StoreReader& reader_;
  const WorkerDirectory& workers_;
  Clock& clock_;
  PayloadDoor door_;
};

}  // namespace anabranch::rpc
