#include "orchestrator/log/memory_event_log.h"

#include <utility>

#include "base/random.h"

namespace anabranch::log {
namespace {

// Visits [begin, end), backwards if `reverse`.
template <typename Iterator>
void Visit(Iterator begin, Iterator end, bool reverse,
           const EventLog::Visitor& visit) {
  if (!reverse) {
    while (begin != end && visit(begin->first, begin->second)) ++begin;
    return;
  }
  while (begin != end) {
    --end;
    if (!visit(end->first, end->second)) return;
  }
}

}  // namespace

MemoryEventLog::MemoryEventLog(Options options)
    : options_(options),
      contents_(std::make_shared<Contents>()),
      epoch_(options.epoch),
      free_bytes_(options.free_bytes) {}

void MemoryEventLog::Append(AppendRequest request, AppendDone done) {
  std::optional<AppendResult> result;
  {
    std::lock_guard lock(mutex_);
    result = Decide(request);
    if (!result.has_value()) {
      waiting_.push_back({std::move(request.batch), std::move(done)});
      return;
    }
  }
  done(*result);
}

std::optional<AppendResult> MemoryEventLog::Decide(AppendRequest& request) {
  if (next_failure_.has_value()) {
    Failure failure = *std::exchange(next_failure_, std::nullopt);
    if (failure.durable) Apply(std::move(request.batch));
    return failure.result;
  }
  if (!leases_.Admit(request)) return AppendResult::kFenced;
  if (options_.hold_until_sync) return std::nullopt;
  Apply(std::move(request.batch));
  return AppendResult::kDurable;
}

void MemoryEventLog::Apply(WriteBatch batch) {
  // A scan drops its hold under mutex_ too, so the count is exact.
  if (contents_.use_count() > 1) {
    contents_ = std::make_shared<Contents>(*contents_);
  }
  for (WriteBatch::Change& change : batch.changes) {
    if (change.value.has_value()) {
      (*contents_)[std::move(change.key)] = *std::move(change.value);
    } else {
      contents_->erase(change.key);
    }
  }
  ++durable_batches_;
}

absl::StatusOr<std::optional<std::string>> MemoryEventLog::Read(
    std::string_view key) {
  std::lock_guard lock(mutex_);
  auto it = contents_->find(key);
  if (it == contents_->end()) return std::nullopt;
  return std::optional<std::string>(it->second);
}

absl::Status MemoryEventLog::Scan(const ScanOptions& options,
                                  const Visitor& visit) {
  std::shared_ptr<Contents> snapshot;
  {
    std::lock_guard lock(mutex_);
    snapshot = contents_;
  }
  const Contents& contents = *snapshot;
  auto begin = contents.lower_bound(options.begin);
  auto end =
      options.end.empty() ? contents.end() : contents.lower_bound(options.end);
  bool empty = !options.end.empty() && options.end <= options.begin;
  if (!empty) Visit(begin, end, options.reverse, visit);
  std::lock_guard lock(mutex_);
  snapshot.reset();
  return absl::OkStatus();
}

Epoch MemoryEventLog::epoch() const {
  std::lock_guard lock(mutex_);
  return epoch_;
}

int64_t MemoryEventLog::FreeBytes() const {
  std::lock_guard lock(mutex_);
  return free_bytes_;
}

int MemoryEventLog::Sync(int batches_max) {
  std::deque<AppendDone> synced;
  {
    std::lock_guard lock(mutex_);
    while (!waiting_.empty() && std::cmp_less(synced.size(), batches_max)) {
      Apply(std::move(waiting_.front().batch));
      synced.push_back(std::move(waiting_.front().done));
      waiting_.pop_front();
    }
  }
  for (AppendDone& done : synced) done(AppendResult::kDurable);
  return static_cast<int>(synced.size());
}

int MemoryEventLog::waiting() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(waiting_.size());
}

void MemoryEventLog::CrashAndReopen(int survivors) {
  // Destroyed without the lock: what a `done` holds may call the log.
  std::deque<Waiting> lost;
  std::lock_guard lock(mutex_);
  for (; survivors > 0 && !waiting_.empty(); --survivors) {
    Apply(std::move(waiting_.front().batch));
    lost.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  for (Waiting& entry : waiting_) lost.push_back(std::move(entry));
  waiting_.clear();
  next_failure_.reset();
  leases_ = LeaseTable();
  ++epoch_.counter;
  epoch_.nonce = SeededRandom(epoch_.nonce).Next();
}

void MemoryEventLog::RestoreBackup(Contents contents, uint64_t epoch_counter) {
  CrashAndReopen();
  std::lock_guard lock(mutex_);
  contents_ = std::make_shared<Contents>(std::move(contents));
  epoch_.counter = epoch_counter + 1;
}

void MemoryEventLog::FailNextAppend(AppendResult result, bool durable) {
  std::lock_guard lock(mutex_);
  next_failure_ = Failure{.result = result, .durable = durable};
}

void MemoryEventLog::SetFreeBytes(int64_t bytes) {
  std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

MemoryEventLog::Contents MemoryEventLog::Durable() const {
  std::lock_guard lock(mutex_);
  return *contents_;
}

int64_t MemoryEventLog::durable_batches() const {
  std::lock_guard lock(mutex_);
  return durable_batches_;
}

}  // namespace anabranch::log
