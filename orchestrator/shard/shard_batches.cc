// Batches: started, worked on round by round, cancelled.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/input.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

using storage::v1::BatchRecord;

absl::Status Shard::RecoverBatches() {
  ASSIGN_OR_RETURN(auto records, store_.ReadOpenBatches());
  for (BatchRecord& record : records) {
    BatchKey key = KeyOf(record);
    batches_[std::move(key)] = Opened(std::move(record));
  }
  return absl::OkStatus();
}

void Shard::On(StartBatch input, Times now) {
  auto result = BeginBatch(std::move(input.record), now);
  Later([reply = std::move(input.reply), result = std::move(result)] {
    reply(result);
  });
}

absl::StatusOr<BatchRecord> Shard::BeginBatch(BatchRecord record, Times now) {
  if (disk_full_) return DiskFull();
  if (record.batch_id().empty()) {
    record.set_batch_id("batch-" + RandomHexId(random_).substr(0, 16));
  }
  if (record.has_input()) {
    // Batches and conversations are told apart: no conversation's id has a /.
    Keep(ConversationOwner(record.namespace_(), "batch/" + record.batch_id()),
         *record.mutable_input());
  }
  ASSIGN_OR_RETURN(auto known, FindBatch(KeyOf(record)));
  if (known.has_value()) {
    if (SameRequest(*known, record)) return *std::move(known);
    return BatchAlreadyExists(record.batch_id());
  }
  if (batches_.size() >= limits::kOpenBatchesMax) {
    return BatchesFull(limits::kOpenBatchesMax);
  }
  *record.mutable_create_time() = ToProto(now.wall);
  batch_.PutBatch(record);
  batch_.PutOpenBatch(record.namespace_(), record.batch_id());
  batch_.PutBatchListing(record.namespace_(), now.wall, record.batch_id());
  OpenBatch& batch = batches_[KeyOf(record)] = Opened(record);
  batch.fresh = true;
  return record;
}

void Shard::On(CancelBatch input, Times now) {
  auto result = StopBatch({input.ns, input.batch_id}, now);
  Later([reply = std::move(input.reply), result = std::move(result)] {
    reply(result);
  });
}

absl::StatusOr<BatchRecord> Shard::StopBatch(const BatchKey& key, Times now) {
  if (disk_full_) return DiskFull();
  auto open = batches_.find(key);
  if (open != batches_.end() && !open->second.closed()) {
    open->second.record.set_cancelled(true);
    CloseBatch(open->second, now);
    return open->second.record;
  }
  // It has ended already: what it did stays done.
  ASSIGN_OR_RETURN(auto known, FindBatch(key));
  if (!known.has_value()) return BatchNotFound(key.first, key.second);
  return *std::move(known);
}

absl::StatusOr<std::optional<BatchRecord>> Shard::FindBatch(
    const BatchKey& key) {
  auto open = batches_.find(key);
  if (open != batches_.end()) return std::optional(open->second.record);
  return store_.ReadBatch(key.first, key.second);
}

void Shard::CloseBatch(OpenBatch& batch, Times now) {
  *batch.record.mutable_close_time() = ToProto(now.wall);
  batch_.PutBatch(batch.record);
  batch_.DeleteOpenBatch(batch.record.namespace_(), batch.record.batch_id());
}

bool Shard::HasBatchWork() const {
  return !disk_full_ &&
         std::any_of(batches_.begin(), batches_.end(),
                     [](const auto& one) { return one.second.workable(); });
}

void Shard::WorkOnBatches(Times now) {
  if (!HasBatchWork()) return;
  // All of them get on, whatever the first one has to do.
  const int sharers = static_cast<int>(batches_.size());
  for (auto& [key, batch] : batches_) {
    if (!batch.workable()) continue;
    absl::Status worked =
        WorkOn(batch, std::max(1, limits::kBatchRunsPerRoundMax / sharers),
               std::max(1, limits::kBatchLooksPerRoundMax / sharers), now);
    // The store cannot be read: going on would lose what it holds.
    AB_CHECK_MSG(worked.ok(), std::string(worked.message()));
  }
}

absl::Status Shard::WorkOn(OpenBatch& batch, int actions_max, int looks_max,
                           Times now) {
  BatchRecord& record = batch.record;
  ASSIGN_OR_RETURN(auto page, store_.ListRuns(record.namespace_(),
                                              record.cursor(), looks_max));
  int actions = 0;
  size_t looks = 0;
  while (looks < page.uids.size() && actions < actions_max) {
    if (MustWait(record, page.uids[looks])) break;
    ASSIGN_OR_RETURN(auto run, CurrentRun(page.uids[looks++]));
    if (!run.has_value() ||
        FromProto(run->create_time()) > FromProto(record.create_time())) {
      continue;
    }
    record.set_looked_at(record.looked_at() + 1);
    if (!batch.Means(*run)) continue;
    ++actions;
    const RunName name{run->namespace_(), run->run_id()};
    CountOutcome(record, name.run_id, Act(record, name, now));
    RunFollowUps(now);
  }
  if (looks == page.uids.size() && page.next_cursor.empty()) {
    CloseBatch(batch, now);
    return absl::OkStatus();
  }
  if (looks == 0) return absl::OkStatus();
  if (looks < page.uids.size()) {
    ASSIGN_OR_RETURN(page, store_.ListRuns(record.namespace_(), record.cursor(),
                                           static_cast<int>(looks)));
  }
  record.set_cursor(page.next_cursor);
  batch_.PutBatch(record);
  return absl::OkStatus();
}

// The batch is a client like any other: its answer is taken out of the outbox,
// because what rests on it is part of the same batch of changes.
template <typename Input>
absl::Status Shard::Ask(Input input, Times now) {
  auto answer = std::make_shared<absl::Status>(
      absl::InternalError("the shard gave no answer"));
  input.reply = [answer](const auto& given) {
    if constexpr (requires { given.status(); }) {
      *answer = given.status();
    } else {
      *answer = given;
    }
  };
  const size_t before = replies_.size();
  On(std::move(input), now);
  if (replies_.size() == before + 1) {
    auto reply = std::move(replies_.back());
    replies_.pop_back();
    reply();
  }
  return *answer;
}

bool Shard::MustWait(const BatchRecord& record, Uid uid) const {
  const auto action = static_cast<BatchAction>(record.action());
  return (action == BatchAction::kRetry || action == BatchAction::kDelete) &&
         changed_.contains(uid);
}

absl::Status Shard::Act(const BatchRecord& record, const RunName& name,
                        Times now) {
  // No request_id: the cursor says what is done already.
  switch (static_cast<BatchAction>(record.action())) {
    case BatchAction::kCancel:
      return Ask(CancelRun{name, record.reason(), "", nullptr}, now);
    case BatchAction::kTerminate:
      return Ask(TerminateRun{name, record.reason(), "", nullptr}, now);
    case BatchAction::kSignal:
      return Ask(SignalRun{name, record.signal(), record.input(), "", nullptr},
                 now);
    case BatchAction::kPause:
      return Ask(PauseRun{name, record.reason(), "", nullptr}, now);
    case BatchAction::kResume:
      return Ask(ResumeRun{name, record.reason(), "", nullptr}, now);
    case BatchAction::kRetry:
      return Ask(RetryRun{name, "", nullptr}, now);
    case BatchAction::kDelete:
      return Ask(DeleteRun{name, false, nullptr}, now);
  }
  return absl::InternalError(
      absl::StrCat("an action that is not known: ", record.action()));
}

absl::StatusOr<std::optional<api::Run>> Shard::CurrentRun(Uid uid) {
  storage::v1::StatusRecord status;
  const LiveRun* run = runs_.Find(uid);
  if (run != nullptr) {
    DescribeLive(*run, status);
  } else {
    ASSIGN_OR_RETURN(auto stored, runs_.ReadStatus(uid));
    if (!stored.has_value()) return std::optional<api::Run>();
    status = *std::move(stored);
  }
  // Activities come and go without their run being in memory.
  api::Run& shown = *status.mutable_run();
  auto first = activities_.lower_bound({uid, 0});
  shown.set_retrying(false);
  for (auto it = first; it != activities_.end() && it->first.uid == uid; ++it) {
    if (it->second.info().state() == api::ACTIVITY_STATE_BACKING_OFF) {
      shown.set_retrying(true);
    }
  }
  return std::optional<api::Run>(std::move(shown));
}

void Shard::ForgetClosedBatches() {
  std::erase_if(batches_, [](const auto& one) { return one.second.closed(); });
  for (auto& [key, batch] : batches_) batch.fresh = false;
}

}  // namespace anabranch::shard
