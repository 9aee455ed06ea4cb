#include "tests/sim/worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

using activity_worker::BegunTask;
using activity_worker::FailureOf;
using activity_worker::Outcome;
using activity_worker::TaskId;
using activity_worker::WorkerCore;

Worker::Worker(World& world, Network& network, Ledger& ledger,
               std::string label, int slots, std::vector<std::string> queues)
    : world_(world),
      network_(network),
      ledger_(ledger),
      label_(std::move(label)),
      slots_(slots),
      queues_(std::move(queues)) {}

void Worker::After(absl::Duration delay, std::function<void()> action) {
  world_.After(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_ && !Frozen(action)) action();
  });
}

bool Worker::Frozen(const std::function<void()>& action) {
  if (world_.clock.Steady() >= frozen_until_ && deferred_.empty()) return false;
  deferred_.push_back(action);
  if (deferred_.size() == 1) AwaitThaw();
  return true;
}

void Worker::AwaitThaw() {
  const absl::Duration left = frozen_until_ - world_.clock.Steady();
  world_.After(std::max(left, absl::ZeroDuration()), [this, life = life_] {
    if (life != life_) return;
    // It may have been told to stand still for longer meanwhile.
    if (world_.clock.Steady() < frozen_until_) return AwaitThaw();
    for (const auto& action : std::exchange(deferred_, {})) action();
  });
}

void Worker::Start() {
  ++life_;
  session_ = absl::StrCat(label_, "-", life_);
  world_.Trace("worker starts", session_);
  WorkerCore::Options options;
  options.session = session_;
  options.label = label_;
  options.activity_types = {"work"};
  options.slots = slots_;
  options.task_queues = queues_;
  core_ = std::make_unique<WorkerCore>(options);
  ConnectAfter(absl::Milliseconds(5));
}

void Worker::Die(bool unnoticed) {
  if (!alive()) return;
  world_.Trace("worker dies", session_);
  ++life_;
  ++connection_;
  core_.reset();
  running_.clear();
  frozen_until_ = absl::ZeroDuration();
  deferred_.clear();
  network_.Abandon(std::exchange(stream_, {}), unnoticed);
  advance_at_ = absl::InfiniteDuration();
}

void Worker::Break(absl::Duration reconnect) {
  if (!alive() || stream_.value == 0) return;
  world_.Trace("stream breaks", session_);
  network_.Abandon(std::exchange(stream_, {}));
  core_->StreamClosed();
  Pump();
  ConnectAfter(reconnect);
}

void Worker::ConnectAfter(absl::Duration delay) {
  After(delay, [this, connection = ++connection_] {
    if (connection == connection_) Connect();
  });
}

void Worker::Connect() {
  stream_ = network_.Open(*this);
  if (stream_.value == 0) {
    ConnectAfter(
        world_.Between(absl::Milliseconds(50), absl::Milliseconds(200)));
    return;
  }
  core_->StreamOpened(world_.clock.Steady());
  Pump();
}

void Worker::OnMessages(StreamId stream,
                        std::vector<v1::ServerMessage> messages) {
  if (!alive() || stream != stream_) return;
  if (Frozen([this, stream, messages] { OnMessages(stream, messages); })) {
    return;
  }
  for (auto& message : messages) {
    absl::Status status = core_->Receive(std::move(message));
    if (!status.ok()) {
      world_.Fail(
          absl::StrCat("the server breaks the protocol: ", status.ToString()));
    }
  }
  Pump();
}

void Worker::OnStreamClosed(StreamId stream) {
  if (!alive() || stream != stream_) return;
  if (Frozen([this, stream] { OnStreamClosed(stream); })) return;
  stream_ = {};
  core_->StreamClosed();
  Pump();
  ConnectAfter(world_.Between(absl::Milliseconds(10), absl::Milliseconds(100)));
}

void Worker::Pump() {
  core_->Advance(world_.clock.Steady());
  for (BegunTask& task : core_->TakeBegun()) Begin(std::move(task));
  for (const auto& stopped : core_->TakeStopped()) {
    const auto known = running_.find(stopped.id);
    if (known == running_.end()) continue;
    After(known->second.plan.stop_time, [this, stopped] {
      Outcome outcome =
          FailureOf(stopped.type, "stopped",
                    stopped.type == activity_worker::kWorkerLeaving);
      auto it = running_.find(stopped.id);
      if (it == running_.end()) return;
      outcome.failure.set_message(it->second.task.token());
      if (world_.Happens(Fault::kBreakAtStop)) {
        Break(world_.Between(absl::Milliseconds(1), absl::Milliseconds(500)));
      }
      Finish(stopped.id, std::move(outcome));
    });
  }
  while (stream_.value != 0 && core_->HasFrame()) {
    network_.ToServer(stream_, core_->TakeFrame(world_.clock.Steady()));
  }
  if (stream_.value != 0 && core_->WantsClose()) {
    network_.CloseByWorker(std::exchange(stream_, {}));
    core_->StreamClosed();
    ConnectAfter(absl::Milliseconds(100));
  }
  ArmAdvance();
}

void Worker::ArmAdvance() {
  absl::Duration at = core_->NextAdvance();
  if (at == absl::InfiniteDuration() || at == advance_at_) return;
  advance_at_ = at;
  After(std::max(at - world_.clock.Steady(), absl::Milliseconds(1)),
        [this, at] {
          if (at != advance_at_) return;
          advance_at_ = absl::InfiniteDuration();
          Pump();
        });
}

void Worker::Begin(BegunTask task) {
  const TaskId id = task.id;
  Running running{std::move(task.task), {}};
  running.plan = ledger_.Begin(session_, running.task);
  After(running.plan.duration, [this, id] {
    auto it = running_.find(id);
    if (it == running_.end()) return;
    if (!it->second.plan.deadly) return Finish(id, it->second.plan.outcome);
    Die();
    world_.After(world_.Between(absl::Milliseconds(50), absl::Seconds(1)),
                 [this] {
                   if (!alive()) Start();
                 });
  });
  const bool beats = running.plan.beat_every > absl::ZeroDuration();
  running_[id] = std::move(running);
  if (beats) Beat(id, 1);
}

void Worker::Beat(TaskId id, int64_t number) {
  After(running_[id].plan.beat_every, [this, id, number] {
    const auto it = running_.find(id);
    if (it == running_.end()) return;
    v1::Payload details;
    details.set_json_text(absl::StrCat(
        "{\"attempt\":", it->second.task.attempt(), ",\"beat\":", number, "}"));
    core_->AddHeartbeat(id, std::move(details));
    Pump();
    Beat(id, number + 1);
  });
}

void Worker::Finish(TaskId id, Outcome outcome) {
  auto it = running_.find(id);
  ledger_.End(it->second.task.token(), outcome);
  if (world_.Happens(Fault::kLateAnswer)) {
    SayAgain(it->second.task.token(), outcome);
  }
  if (world_.Happens(Fault::kLie)) Lie(it->second.task.token());
  running_.erase(it);
  core_->Finished(id, std::move(outcome));
  Pump();
}

void Worker::SayAgain(const std::string& token, const Outcome& outcome) {
  v1::ConnectRequest frame;
  v1::WorkerMessage& message = *frame.add_messages();
  if (outcome.result.has_value()) {
    message.mutable_completed()->set_token(token);
    *message.mutable_completed()->mutable_result() = *outcome.result;
    message.mutable_completed()->set_usage_json(outcome.usage_json);
  } else {
    message.mutable_failed()->set_token(token);
    *message.mutable_failed()->mutable_failure() = outcome.failure;
    message.mutable_failed()->set_usage_json(outcome.usage_json);
  }
  SendLate(std::move(frame),
           world_.Between(absl::Milliseconds(1), world_.Chance(0.6)
                                                     ? absl::Milliseconds(500)
                                                     : absl::Seconds(5)));
}

void Worker::Lie(const std::string& token) {
  TaskToken claimed = TaskToken::Parse(token).value_or(TaskToken());
  switch (world_.Between(0, 3)) {
    case 0:  // the attempt before
      --claimed.attempt;
      break;
    case 1:  // an opening of the store that there never was
      claimed.epoch.nonce = world_.random.Next();
      break;
    case 2:  // an activity that there is not
      claimed.activity.seq += 1000;
      break;
    default:  // a run that there is not
      claimed.activity.uid = Uid{world_.random.Next()};
      break;
  }
  v1::ConnectRequest frame;
  auto* completed = frame.add_messages()->mutable_completed();
  completed->set_token(claimed.ToString());
  completed->mutable_result()->set_json_text("{\"value\":-1}");
  SendLate(std::move(frame), absl::Milliseconds(1));
}

void Worker::SendLate(v1::ConnectRequest frame, absl::Duration delay) {
  After(delay, [this, frame] {
    if (stream_.value != 0 && core_->ready()) {
      network_.ToServer(stream_, frame);
    } else if (!world_.healed()) {
      SendLate(frame, absl::Milliseconds(50));
    }
  });
}

}  // namespace anabranch::sim
