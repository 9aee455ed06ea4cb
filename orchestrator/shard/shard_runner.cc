#include "orchestrator/shard/shard_runner.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/flow_crashes.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

// Longest sleep: a gap between ticks must mean that the process stood still.
constexpr absl::Duration kLongestSleep = absl::Milliseconds(500);
// How often free space is looked at.
constexpr absl::Duration kSpaceCheck = absl::Seconds(1);

// Answers an input that is not taken in; workers' inputs have no answer.
void Refuse(Input& input, const absl::Status& status) {
  std::visit(
      [&status](auto& value) {
        if constexpr (requires { value.reply; }) value.reply(status);
      },
      input);
}

int64_t BytesOf(const log::WriteBatch& batch) {
  size_t bytes = 0;
  for (const auto& change : batch.changes) {
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  return static_cast<int64_t>(bytes);
}

bool HasReply(const Input& input) {
  return std::visit([](const auto& value) { return requires { value.reply; }; },
                    input);
}

}  // namespace

class ShardRunner::Impl {
 public:
  Impl(log::EventLog& log, const sdk::FlowRegistry& flows, Clock& clock,
       Random& random, Effects& effects, ShardRunnerOptions options)
      : log_(log),
        clock_(clock),
        options_(std::move(options)),
        shard_(log, flows, random, effects,
               {.live_flows_max = static_cast<size_t>(options_.live_flows_max),
                .flow_slot = options_.flow_slot,
                .observer = options_.observer}) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  absl::Status Start() {
    RETURN_IF_ERROR(CountDeath());
    RETURN_IF_ERROR(shard_.Recover(Now()));
    // What recovery found, a run to be blocked, mail taken in, is durable
    // before anybody is answered: reads come from the store.
    Round({});
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  void Post(Input input) {
    absl::Status refusal;
    {
      MutexLock lock(mutex_);
      if (stopping_) {
        refusal = ShuttingDown();
      } else if (inbox_.size() >= limits::kInboxMax && HasReply(input)) {
        refusal = InboxFull();
      } else {
        inbox_.push_back(std::move(input));
        if (inbox_.size() == 1) wake_.notify_one();
        return;
      }
    }
    Refuse(input, refusal);
  }

  void Stop() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
    std::deque<Input> left;
    {
      MutexLock lock(mutex_);
      left.swap(inbox_);
    }
    for (Input& input : left) Refuse(input, ShuttingDown());
  }

 private:
  // A flow that dies again before its death is counted would never be stopped.
  absl::Status CountDeath() {
    if (options_.flow_slot == nullptr) return absl::OkStatus();
    log::StoreReader store(log_);
    ASSIGN_OR_RETURN(auto record, CountFlowDeath(store, *options_.flow_slot));
    if (!record.has_value()) return absl::OkStatus();
    log::BatchBuilder batch;
    batch.PutFlowCrash(*record);
    Append(batch.Take());
    options_.flow_slot->Clear();
    return absl::OkStatus();
  }

  Times Now() { return {clock_.Now(), clock_.Steady()}; }

  void Run() {
    while (auto inputs = Wait()) Round(*std::move(inputs));
  }

  // The next inputs, none when something is due; nothing at the end.
  std::optional<std::deque<Input>> Wait() {
    absl::Duration sleep = kLongestSleep;
    if (auto due = shard_.NextDue(); due.has_value()) {
      sleep = std::clamp(*due - clock_.Steady(), absl::ZeroDuration(), sleep);
    }
    MutexLock lock(mutex_);
    wake_.wait_for(lock, absl::ToChronoNanoseconds(sleep),
                   [this] { return stopping_ || !inbox_.empty(); });
    if (stopping_) return std::nullopt;
    std::deque<Input> inputs;
    if (inbox_.size() <= limits::kInputsPerTickMax) {
      inputs.swap(inbox_);
    } else {
      auto end = inbox_.begin() + limits::kInputsPerTickMax;
      std::move(inbox_.begin(), end, std::back_inserter(inputs));
      inbox_.erase(inbox_.begin(), end);
    }
    return inputs;
  }

  void Round(std::deque<Input> inputs) {
    CheckSpace();
    for (Input& input : inputs) shard_.Take(std::move(input), Now());
    shard_.Tick(Now());
    log::WriteBatch batch = shard_.TakeBatch();
    const bool wrote = !batch.changes.empty();
    if (wrote) Append(std::move(batch));
    shard_.Release();
    PostMessages(shard_.TakeMessages());
    if (wrote && options_.after_effects) options_.after_effects();
    for (const FlowLogLine& line : shard_.TakeFlowLog()) {
      if (options_.flow_log) options_.flow_log(line.run, line.line);
    }
  }

  // Of one shard to another, which is the same one here. They are as many as
  // runs have children: not bounded by what clients may ask for.
  void PostMessages(std::vector<ShardMessage> messages) {
    if (messages.empty()) return;
    MutexLock lock(mutex_);
    for (auto& message : messages) inbox_.push_back(std::move(message));
  }

  void Append(log::WriteBatch batch) {
    const absl::Duration begin = clock_.Steady();
    const int64_t bytes = options_.observer == nullptr ? 0 : BytesOf(batch);
    log::AppendRequest request;
    request.lease_epoch = log_.epoch().counter;
    request.expected_position = position_++;
    request.batch = std::move(batch);
    // One write in flight; the log may answer on another thread.
    Mutex mutex;
    CondVar done;
    std::optional<log::AppendResult> result;
    log_.Append(std::move(request), [&](log::AppendResult answer) {
      MutexLock lock(mutex);
      result = answer;
      done.notify_one();
    });
    MutexLock lock(mutex);
    done.wait(lock, [&result] { return result.has_value(); });
    // Memory must never be ahead of a disk that refuses.
    AB_CHECK_MSG(*result == log::AppendResult::kDurable,
                 "the event log refused a write; its outcome is not known. "
                 "Start again when the disk is well: nothing acknowledged is "
                 "lost");
    if (options_.observer != nullptr) {
      options_.observer->Wrote(bytes, clock_.Steady() - begin);
    }
  }

  void CheckSpace() {
    absl::Duration now = clock_.Steady();
    if (space_checked_ && now - *space_checked_ < kSpaceCheck) return;
    space_checked_ = now;
    shard_.SetDiskFull(log_.FreeBytes() < limits::kSpaceReserveBytes);
  }

  log::EventLog& log_;
  Clock& clock_;
  const ShardRunnerOptions options_;
  Shard shard_;
  int64_t position_ = 0;
  std::optional<absl::Duration> space_checked_;

  Mutex mutex_;
  CondVar wake_;
  std::deque<Input> inbox_;
  bool stopping_ = false;
  std::thread thread_;
};

ShardRunner::ShardRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ShardRunner::~ShardRunner() = default;

absl::StatusOr<std::unique_ptr<ShardRunner>> ShardRunner::Start(
    log::EventLog& log, const sdk::FlowRegistry& flows, Clock& clock,
    Random& random, Effects& effects, ShardRunnerOptions options) {
  auto impl = std::make_unique<Impl>(log, flows, clock, random, effects,
                                     std::move(options));
  absl::Status status = impl->Start();
  if (!status.ok()) return status;
  return std::unique_ptr<ShardRunner>(new ShardRunner(std::move(impl)));
}

void ShardRunner::Post(Input input) { impl_->Post(std::move(input)); }
void ShardRunner::Stop() { impl_->Stop(); }

}  // namespace anabranch::shard
