// ListRuns: pages of the runs that a filter means.
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/filter/filter.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/paging.h"
#include "orchestrator/rpc/run_reads.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

// Keys of the listing read at once.
constexpr int kListingPieceMax = 200;
constexpr int64_t kListBytesMax = limits::kAnswerBytesMax - int64_t{4} * 1024;

// Goes through a namespace's runs, one by one, and knows where it stands.
class ListingWalk {
 public:
  ListingWalk(log::StoreReader& reader, std::string ns, std::string cursor)
      : reader_(reader), ns_(std::move(ns)), cursor_(std::move(cursor)) {}

  // The next run; nothing at the end.
  absl::StatusOr<std::optional<Uid>> Next(int piece_max) {
    if (place_ == page_.uids.size()) {
      if (began_ && page_.next_cursor.empty()) return std::optional<Uid>();
      if (began_) cursor_ = page_.next_cursor;
      ASSIGN_OR_RETURN(page_, reader_.ListRuns(ns_, cursor_, piece_max));
      began_ = true;
      place_ = 0;
      if (page_.uids.empty()) return std::optional<Uid>();
    }
    return std::optional<Uid>(page_.uids[place_++]);
  }

  // Steps back: the run given last is given again after Cursor().
  void Return() { --place_; }

  // After the runs given so far; empty when none follow.
  absl::StatusOr<std::string> Cursor() {
    if (place_ == page_.uids.size()) return page_.next_cursor;
    if (place_ == 0) return cursor_;
    ASSIGN_OR_RETURN(auto page,
                     reader_.ListRuns(ns_, cursor_, static_cast<int>(place_)));
    return std::move(page.next_cursor);
  }

 private:
  log::StoreReader& reader_;
  const std::string ns_;
  std::string cursor_;
  log::StoreReader::RunPage page_;
  size_t place_ = 0;
  bool began_ = false;
};

absl::StatusOr<std::optional<filter::Filter>> FilterOf(
    const std::string& text) {
  if (text.empty()) return std::optional<filter::Filter>();
  ASSIGN_OR_RETURN(filter::Filter filter, filter::ParseFilter(text));
  return std::optional<filter::Filter>(std::move(filter));
}

}  // namespace

absl::StatusOr<std::optional<api::Run>> RunReads::ReadForList(
    Uid uid, api::RunView view, const std::optional<filter::Filter>& filter) {
  ASSIGN_OR_RETURN(auto status, reader_.ReadStatus(uid));
  // Deleted since the listing was read.
  if (!status.has_value()) return std::optional<api::Run>();
  api::Run run = std::move(*status->mutable_run());
  if (filter.has_value() && !filter->Matches(run, clock_.Now())) {
    return std::optional<api::Run>();
  }
  RETURN_IF_ERROR(AddWaiting(uid, run));
  if (view != api::RUN_VIEW_FULL) {
    run.clear_input();
    run.clear_result();
  }
  RETURN_IF_ERROR(ShowValues(run, false));
  return std::optional<api::Run>(std::move(run));
}

absl::StatusOr<api::ListRunsResponse> RunReads::ListRuns(
    const api::ListRunsRequest& request) {
  std::string ns =
      request.namespace_().empty() ? "default" : request.namespace_();
  RETURN_IF_ERROR(CheckId("namespace", ns));
  ASSIGN_OR_RETURN(const auto filter, FilterOf(request.filter()));
  ASSIGN_OR_RETURN(int page_size, PageSize(request.page_size()));
  // A token is good for the filter that it came with.
  std::string scope = absl::StrCat("runs/", ns, "/", request.filter());
  ASSIGN_OR_RETURN(std::string cursor,
                   ReadPageToken(scope, request.page_token()));
  ListingWalk walk(reader_, ns, std::move(cursor));
  api::ListRunsResponse response;
  const int piece = filter.has_value() ? kListingPieceMax : page_size;
  int64_t bytes = 0;
  for (int looked_at = 0; looked_at < limits::kListRunsLookedAtMax &&
                          response.runs_size() < page_size;
       ++looked_at) {
    ASSIGN_OR_RETURN(auto uid, walk.Next(piece));
    if (!uid.has_value()) break;
    ASSIGN_OR_RETURN(auto run, ReadForList(*uid, request.view(), filter));
    if (!run.has_value()) continue;
    bytes += static_cast<int64_t>(run->ByteSizeLong()) + 8;
    if (bytes > kListBytesMax && response.runs_size() > 0) {
      walk.Return();
      break;
    }
    *response.add_runs() = *std::move(run);
  }
  ASSIGN_OR_RETURN(std::string next, walk.Cursor());
  if (!next.empty()) response.set_next_page_token(MakePageToken(scope, next));
  return response;
}

}  // namespace anabranch::rpc
