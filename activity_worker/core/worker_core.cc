#include "activity_worker/core/worker_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/proto_time.h"
#include "base/status_macros.h"

namespace anabranch::activity_worker {
namespace {

constexpr size_t kEarlyCancelsMax = limits::kSlotsPerWorkerMax;

}  // namespace

WorkerCore::WorkerCore(Options options)
    : options_(std::move(options)), beat_interval_(options_.beat_interval) {
  AB_CHECK(options_.slots > 0);
  AB_CHECK(options_.slots <= limits::kSlotsPerWorkerMax);
}

void WorkerCore::StreamOpened(absl::Duration now) {
  AB_CHECK(phase_ == Phase::kClosed);
  phase_ = Phase::kGreeting;
  last_sent_ = now;
  v1::WorkerMessage message;
  v1::Hello* hello = message.mutable_hello();
  hello->set_session(options_.session);
  hello->set_label(options_.label);
  hello->set_slots(options_.slots);
  hello->set_protocol_version(1);
  for (const std::string& type : options_.activity_types) {
    hello->add_activity_types(type);
  }
  for (const std::string& queue : options_.task_queues) {
    hello->add_task_queues(queue);
  }
  for (const auto& [token, state] : tasks_) {
    if (state.outcome.has_value()) {
      hello->add_held_tokens(token);
    } else {
      hello->add_running_tokens(token);
    }
  }
  output_.Push(std::move(message), "");
}

void WorkerCore::StreamClosed() {
  phase_ = Phase::kClosed;
  draining_ = false;
  credit_ = 0;
  output_.Clear();
  input_.Clear();
  early_cancels_.clear();
  with_progress_.clear();
  for (const BegunTask& never : begun_) {
    tasks_.erase(tokens_.at(never.id));
    tokens_.erase(never.id);
    --running_;
  }
  begun_.clear();
}

absl::Status WorkerCore::Receive(v1::ServerMessage message) {
  if (phase_ == Phase::kClosed) return absl::OkStatus();
  if (message.has_fragment()) return OnFragment(message.fragment());
  if (message.has_welcome() != (phase_ == Phase::kGreeting)) {
    return absl::FailedPreconditionError(
        "the server must say Welcome first and once");
  }
  switch (message.kind_case()) {
    case v1::ServerMessage::kWelcome:
      return OnWelcome(message.welcome());
    case v1::ServerMessage::kTask:
      return OnTask(std::move(*message.mutable_task()));
    case v1::ServerMessage::kCancel:
      OnCancel(message.cancel());
      break;
    case v1::ServerMessage::kRecorded:
      Forget(message.recorded().token(), "recorded");
      break;
    case v1::ServerMessage::kRefused:
      Forget(message.refused().token(), message.refused().reason());
      break;
    case v1::ServerMessage::kDrain:
      draining_ = true;
      break;
    default:
      break;  // of a newer server: what matters to us is versioned in Hello
  }
  return absl::OkStatus();
}

absl::Status WorkerCore::OnFragment(const v1::Fragment& piece) {
  ASSIGN_OR_RETURN(std::optional<v1::ServerMessage> whole, input_.Add(piece));
  absl::Status status;
  if (whole.has_value()) status = Receive(std::move(*whole));
  if (!input_.open()) early_cancels_.clear();
  return status;
}

absl::Status WorkerCore::OnWelcome(const v1::Welcome& welcome) {
  phase_ = Phase::kReady;
  server_epoch_ = welcome.epoch();
  if (welcome.has_beat_interval()) {
    const absl::Duration wish = FromProto(welcome.beat_interval());
    // Nonsense would be a busy loop.
    if (wish >= absl::Milliseconds(10)) beat_interval_ = wish;
  }
  for (const v1::Verdict& verdict : welcome.verdicts()) OnVerdict(verdict);
  for (auto& [token, state] : tasks_) {
    state.progress.Rewind();
    SendProgress(token, state);
    if (state.outcome.has_value()) SendOutcome(token, state);
  }
  if (leaving_) {
    v1::WorkerMessage message;
    message.mutable_leaving();
    output_.Push(std::move(message), "");
  }
  return absl::OkStatus();
}

void WorkerCore::OnVerdict(const v1::Verdict& verdict) {
  switch (verdict.kind()) {
    case v1::VERDICT_KIND_RECORDED:
    case v1::VERDICT_KIND_DROP:
      Forget(verdict.token(), verdict.reason());
      break;
    case v1::VERDICT_KIND_CANCEL: {
      const auto it = tasks_.find(verdict.token());
      if (it != tasks_.end() && !it->second.outcome.has_value()) {
        StopTask(it, kCancelled, verdict.reason());
      }
      break;
    }
    default:
      break;  // KEEP; to send a result again is never wrong
  }
}

absl::Status WorkerCore::OnTask(v1::Task task) {
  if (task.token().empty()) {
    return absl::InvalidArgumentError("a task has no token");
  }
  if (--credit_ < 0) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the server sent more tasks than it had credit for: ", task.token()));
  }
  const std::string token = task.token();
  AcceptTask(token);
  const auto known = tasks_.find(token);
  if (known != tasks_.end()) {
    if (known->second.outcome.has_value()) SendOutcome(token, known->second);
    return absl::OkStatus();
  }
  const TaskId id = next_id_++;
  const auto it = tasks_.try_emplace(token).first;
  it->second.id = id;
  tokens_[id] = token;
  ++running_;
  begun_.push_back({id, std::move(task)});
  if (const auto early = early_cancels_.find(token);
      early != early_cancels_.end()) {
    StopTask(it, kCancelled, early->second);
    early_cancels_.erase(early);
  }
  return absl::OkStatus();
}

void WorkerCore::AcceptTask(const std::string& token) {
  v1::WorkerMessage message;
  message.mutable_task_accepted()->set_token(token);
  output_.Push(std::move(message), token);
}

void WorkerCore::OnCancel(const v1::Cancel& cancel) {
  const auto it = tasks_.find(cancel.token());
  if (it == tasks_.end()) {
    if (input_.open() && early_cancels_.size() < kEarlyCancelsMax) {
      early_cancels_[cancel.token()] = cancel.reason();
    }
    return;
  }
  if (!it->second.outcome.has_value())
    StopTask(it, kCancelled, cancel.reason());
}

void WorkerCore::StopTask(Tasks::iterator it, std::string_view type,
                          const std::string& reason) {
  const TaskId id = it->second.id;
  if (it->second.begun) {
    stopped_.push_back({id, std::string(type), reason});
    return;
  }
  begun_.erase(std::find_if(begun_.begin(), begun_.end(),
                            [&](const BegunTask& t) { return t.id == id; }));
  Settle(it, FailureOf(type, reason, type == kWorkerLeaving));
}

void WorkerCore::Forget(const std::string& token, const std::string& reason) {
  const auto it = tasks_.find(token);
  if (it == tasks_.end()) return;
  const TaskId id = it->second.id;
  if (!it->second.outcome.has_value()) {
    if (it->second.begun) {
      stopped_.push_back({id, std::string(kCancelled), reason});
      dropped_.insert(id);
    } else {
      begun_.erase(
          std::find_if(begun_.begin(), begun_.end(),
                       [&](const BegunTask& t) { return t.id == id; }));
    }
    --running_;
    tokens_.erase(id);
    with_progress_.erase(id);
  }
  tasks_.erase(it);
}

void WorkerCore::Finished(TaskId id, Outcome outcome) {
  if (dropped_.erase(id) > 0) return;
  const auto token = tokens_.find(id);
  AB_CHECK_MSG(token != tokens_.end(), "a task finished twice or unbegun");
  Settle(tasks_.find(token->second), std::move(outcome));
}

void WorkerCore::Settle(Tasks::iterator it, Outcome outcome) {
  TaskState& state = it->second;
  if (with_progress_.erase(state.id) > 0) SendProgress(it->first, state);
  state.outcome = std::move(outcome);
  tokens_.erase(state.id);
  --running_;
  if (ready()) SendOutcome(it->first, state);
}

void WorkerCore::SendOutcome(const std::string& token, const TaskState& state) {
  const Outcome& outcome = *state.outcome;
  v1::WorkerMessage message;
  if (outcome.result.has_value()) {
    v1::Completed* completed = message.mutable_completed();
    completed->set_token(token);
    *completed->mutable_result() = *outcome.result;
    completed->set_usage_json(outcome.usage_json);
  } else {
    v1::Failed* failed = message.mutable_failed();
    failed->set_token(token);
    *failed->mutable_failure() = outcome.failure;
    failed->set_usage_json(outcome.usage_json);
    if (outcome.next_delay.has_value()) {
      *failed->mutable_next_delay() = ToProto(*outcome.next_delay);
    }
  }
  output_.Push(std::move(message), token);
}

void WorkerCore::AddProgress(TaskId id, std::string_view text) {
  const auto token = tokens_.find(id);
  if (token == tokens_.end() || text.empty()) return;
  tasks_.find(token->second)->second.progress.Append(text);
  if (ready()) with_progress_.insert(id);
}

void WorkerCore::SendProgress(const std::string& token, TaskState& state) {
  while (state.progress.pending()) {
    v1::WorkerMessage message;
    *message.mutable_progress() = state.progress.TakePiece();
    message.mutable_progress()->set_token(token);
    output_.Push(std::move(message), token);
  }
}

void WorkerCore::AddHeartbeat(TaskId id, v1::Payload details) {
  const auto token = tokens_.find(id);
  if (token == tokens_.end() || !ready()) return;
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_token(token->second);
  *message.mutable_heartbeat()->mutable_details() = std::move(details);
  output_.Push(std::move(message), token->second);
}

void WorkerCore::Leave() {
  if (std::exchange(leaving_, true) || !ready()) return;
  v1::WorkerMessage message;
  message.mutable_leaving();
  output_.Push(std::move(message), "");
}

void WorkerCore::StopAll(std::string_view reason) {
  std::vector<std::string> tokens;
  for (const auto& [id, token] : tokens_) tokens.push_back(token);
  for (const std::string& token : tokens) {
    StopTask(tasks_.find(token), kWorkerLeaving, std::string(reason));
  }
}

void WorkerCore::Advance(absl::Duration now) {
  if (phase_ == Phase::kClosed || now - last_sent_ < beat_interval_ ||
      HasFrame()) {
    return;
  }
  v1::WorkerMessage message;
  message.mutable_beat();
  output_.Push(std::move(message), "");
}

absl::Duration WorkerCore::NextAdvance() const {
  if (phase_ == Phase::kClosed) return absl::InfiniteDuration();
  return last_sent_ + beat_interval_;
}

std::vector<BegunTask> WorkerCore::TakeBegun() {
  for (const BegunTask& task : begun_) {
    tasks_.find(tokens_.at(task.id))->second.begun = true;
  }
  return std::exchange(begun_, {});
}

std::vector<StoppedTask> WorkerCore::TakeStopped() {
  return std::exchange(stopped_, {});
}

int32_t WorkerCore::NewCredit() const {
  if (!ready() || leaving_ || draining_) return 0;
  const auto used = static_cast<int64_t>(tasks_.size() + dropped_.size());
  return static_cast<int32_t>(
      std::max<int64_t>(0, options_.slots - used - credit_));
}

bool WorkerCore::HasFrame() const {
  return phase_ != Phase::kClosed &&
         (!output_.empty() || !with_progress_.empty() || NewCredit() > 0);
}

v1::ConnectRequest WorkerCore::TakeFrame(absl::Duration now) {
  for (const TaskId id : std::exchange(with_progress_, {})) {
    const std::string& token = tokens_.at(id);
    SendProgress(token, tasks_.find(token)->second);
  }
  if (const int32_t credit = NewCredit(); credit > 0) {
    credit_ += credit;
    v1::WorkerMessage message;
    message.mutable_credit()->set_count(credit);
    output_.Push(std::move(message), "");
  }
  v1::ConnectRequest frame;
  output_.TakeInto(frame);
  last_sent_ = now;
  return frame;
}

}  // namespace anabranch::activity_worker
