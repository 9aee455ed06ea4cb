#include "orchestrator/rpc/batch_door.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/filter/filter.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/paging.h"
#include "orchestrator/rpc/start_door.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

// The shard has the numbers of its own.
static_assert(
    static_cast<int>(shard::BatchAction::kCancel) == api::BATCH_ACTION_CANCEL &&
    static_cast<int>(shard::BatchAction::kTerminate) ==
        api::BATCH_ACTION_TERMINATE &&
    static_cast<int>(shard::BatchAction::kSignal) == api::BATCH_ACTION_SIGNAL &&
    static_cast<int>(shard::BatchAction::kPause) == api::BATCH_ACTION_PAUSE &&
    static_cast<int>(shard::BatchAction::kResume) == api::BATCH_ACTION_RESUME &&
    static_cast<int>(shard::BatchAction::kRetry) == api::BATCH_ACTION_RETRY &&
    static_cast<int>(shard::BatchAction::kDelete) == api::BATCH_ACTION_DELETE);

constexpr int64_t kPageBytesMax = limits::kAnswerBytesMax - int64_t{4} * 1024;

absl::StatusOr<std::string> NamespaceOf(const std::string& ns) {
  std::string name = ns.empty() ? "default" : ns;
  RETURN_IF_ERROR(CheckId("namespace", name));
  return name;
}

absl::Status CheckAction(api::BatchAction action) {
  if (action != api::BATCH_ACTION_UNSPECIFIED &&
      api::BatchAction_IsValid(action)) {
    return absl::OkStatus();
  }
  return InvalidField("action",
                      "is required: CANCEL, TERMINATE, SIGNAL, PAUSE, RESUME, "
                      "RETRY or DELETE");
}

}  // namespace

absl::StatusOr<shard::StartBatch> BatchDoor::Check(
    const api::StartBatchRequest& request) const {
  shard::StartBatch start;
  ASSIGN_OR_RETURN(*start.record.mutable_namespace_(),
                   NamespaceOf(request.namespace_()));
  if (!request.batch_id().empty()) {
    RETURN_IF_ERROR(CheckId("batch_id", request.batch_id()));
  }
  RETURN_IF_ERROR(CheckAction(request.action()));
  RETURN_IF_ERROR(filter::ParseFilter(request.filter()).status());
  RETURN_IF_ERROR(CheckReason(request.reason()));
  if (request.action() == api::BATCH_ACTION_SIGNAL) {
    RETURN_IF_ERROR(CheckId("signal", request.signal()));
    ASSIGN_OR_RETURN(*start.record.mutable_input(),
                     door_.Accept(request.input(), "input", "null"));
  } else if (!request.signal().empty() || request.has_input()) {
    return InvalidField(request.signal().empty() ? "input" : "signal",
                        "only a SIGNAL has one; leave it out");
  }
  start.record.set_batch_id(request.batch_id());
  start.record.set_action(request.action());
  start.record.set_filter(request.filter());
  start.record.set_signal(request.signal());
  start.record.set_reason(request.reason());
  return start;
}

absl::StatusOr<shard::CancelBatch> BatchDoor::Check(
    const api::CancelBatchRequest& request) {
  shard::CancelBatch cancel;
  ASSIGN_OR_RETURN(cancel.ns, NamespaceOf(request.namespace_()));
  RETURN_IF_ERROR(CheckId("batch_id", request.batch_id()));
  cancel.batch_id = request.batch_id();
  return cancel;
}

absl::StatusOr<api::GetBatchResponse> BatchDoor::GetBatch(
    const api::GetBatchRequest& request) const {
  ASSIGN_OR_RETURN(std::string ns, NamespaceOf(request.namespace_()));
  RETURN_IF_ERROR(CheckId("batch_id", request.batch_id()));
  ASSIGN_OR_RETURN(auto record, reader_.ReadBatch(ns, request.batch_id()));
  if (!record.has_value()) return BatchNotFound(ns, request.batch_id());
  api::GetBatchResponse response;
  *response.mutable_batch() = Show(*record);
  return response;
}

absl::StatusOr<api::ListBatchesResponse> BatchDoor::ListBatches(
    const api::ListBatchesRequest& request) const {
  ASSIGN_OR_RETURN(std::string ns, NamespaceOf(request.namespace_()));
  ASSIGN_OR_RETURN(int page_size, PageSize(request.page_size()));
  std::string scope = "batches/" + ns;
  ASSIGN_OR_RETURN(std::string cursor,
                   ReadPageToken(scope, request.page_token()));
  // One more than shown: whether there is a next page.
  ASSIGN_OR_RETURN(auto entries,
                   reader_.ListBatches(ns, cursor, page_size + 1));
  api::ListBatchesResponse response;
  int64_t bytes = 0;
  for (const auto& entry : entries) {
    api::Batch batch = Show(entry.record);
    bytes += static_cast<int64_t>(batch.ByteSizeLong()) + 8;
    const bool full = response.batches_size() == page_size ||
                      (bytes > kPageBytesMax && response.batches_size() > 0);
    if (full) {
      response.set_next_page_token(MakePageToken(scope, cursor));
      break;
    }
    cursor = entry.cursor;
    *response.add_batches() = std::move(batch);
  }
  return response;
}

api::Batch BatchDoor::Show(const storage::v1::BatchRecord& record) {
  api::Batch batch;
  batch.set_batch_id(record.batch_id());
  batch.set_namespace_(record.namespace_());
  batch.set_action(static_cast<api::BatchAction>(record.action()));
  batch.set_filter(record.filter());
  batch.set_signal(record.signal());
  if (record.has_input()) *batch.mutable_input() = record.input();
  batch.set_reason(record.reason());
  if (record.has_create_time()) {
    *batch.mutable_create_time() = record.create_time();
  }
  if (record.has_close_time())
    *batch.mutable_close_time() = record.close_time();
  batch.set_looked_at(record.looked_at());
  batch.set_succeeded(record.succeeded());
  batch.set_failed(record.failed());
  *batch.mutable_failures() = record.failures();
  batch.set_cancelled(record.cancelled());
  ShowPayloads(batch);
  return batch;
}

}  // namespace anabranch::rpc
