#include "tests/sim/server.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace anabranch::sim {
namespace {

constexpr int64_t kAllEffects = INT64_MAX;
// Longest sleep, as in production.
constexpr absl::Duration kLongestSleep = absl::Milliseconds(500);
// How often free space is looked at, as in production.
constexpr absl::Duration kSpaceCheck = absl::Seconds(1);
// More rounds in a row at one time, without input, are a loop that spins.
constexpr int kIdleRoundsMax = 20;

std::string_view PointName(KillPoint point) {
  static constexpr std::string_view kNames[] = {
      "kill_before_take",   "kill_before_tick",   "kill_before_take_batch",
      "kill_before_append", "kill_before_sync",   "kill_after_sync",
      "kill_in_release",    "kill_after_release", "kill_in_recovery",
  };
  static_assert(std::size(kNames) == static_cast<size_t>(KillPoint::kCount));
  return kNames[static_cast<int>(point)];
}

}  // namespace

Server::Server(Parts parts)
    : world_(parts.world),
      network_(parts.network),
      log_(parts.log),
      sessions_(parts.sessions),
      checks_(parts.checks),
      watcher_(parts.watcher),
      queues_(parts.queues),
      heartbeats_(parts.heartbeats),
      flows_(parts.flows),
      bad_flows_(parts.bad_flows),
      live_flows_max_(parts.live_flows_max),
      random_(parts.world.random.Next()) {}

void Server::After(absl::Duration delay, std::function<void()> action) {
  world_.After(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) action();
  });
}

void Server::Boot() {
  world_.Trace("server starts", std::to_string(life_));
  const auto& flows = build_ == Build::kGood ? flows_ : bad_flows_;
  shard::ShardOptions options;
  options.live_flows_max = live_flows_max_;
  options.on_activity_row = [this](core::ActivityRow row) {
    world_.Count(core::NameOf(row));
  };
  shard_ = std::make_unique<shard::Shard>(
      log_, flows, random_, static_cast<shard::Effects&>(*this), options);
  space_checked_ = -kSpaceCheck;
  sessions_.Recovered(world_.clock.Steady());
  log_.Booted();
  absl::Status status = shard_->Recover(world_.Now());
  if (!status.ok()) {
    return world_.Fail("it does not recover: " + status.ToString());
  }
  if (KilledAt(KillPoint::kInRecovery)) return;
  Round();
}

void Server::Freeze(absl::Duration time) {
  frozen_until_ = world_.clock.Steady() + time;
}

void Server::Stop(absl::Duration grace) {
  if (!up() || stopping_) return;
  stopping_ = true;
  world_.Trace("stop", std::to_string(life_));
  Post(shard::DrainWorkers{"the orchestrator is going down"});
  After(grace, [this] {
    ends_ = true;
    if (!busy_) End();
  });
}

void Server::End() {
  world_.Count("ended_well");
  world_.Trace("server ends", std::to_string(life_));
  Kill(/*keep=*/false);
}

void Server::Post(shard::Input input) {
  if (!up()) return;
  inbox_.push_back(std::move(input));
  if (!busy_) Schedule();
}

void Server::Emit(const std::function<void()>& what) {
  if (!releasing_) {
    world_.Fail("a reply left before its batch was durable");
    return;
  }
  if (effects_left_ <= 0) return;
  --effects_left_;
  what();
}

void Server::OnFrame(StreamId stream, v1::ConnectRequest frame) {
  shard::WorkerFrame rest;
  rest.stream = stream;
  for (auto& message : *frame.mutable_messages()) {
    if (message.has_hello()) {
      Post(shard::WorkerConnected{stream, message.hello()});
    } else if (!message.has_progress()) {
      rest.messages.push_back(std::move(message));
    }
  }
  Post(std::move(rest));
}

void Server::OnDisconnected(StreamId stream) {
  Post(shard::WorkerDisconnected{stream});
}

void Server::Schedule() {
  absl::Duration now = world_.clock.Steady();
  absl::Duration at = now + absl::Microseconds(20);
  if (inbox_.empty()) {
    absl::Duration due = shard_->NextDue().value_or(now + kLongestSleep);
    at = std::max(at, std::min(due, now + kLongestSleep));
  }
  at = std::max(at, frozen_until_);
  After(at - now, [this, wake = ++wake_] {
    if (wake == wake_) Round();
  });
}

void Server::Round() {
  const absl::Duration now = world_.clock.Steady();
  const bool spins =
      inbox_.empty() && now - last_round_ < absl::Milliseconds(1);
  idle_rounds_ = spins ? idle_rounds_ + 1 : 0;
  last_round_ = now;
  if (idle_rounds_ > kIdleRoundsMax) {
    return world_.Fail("the loop spins with nothing to do");
  }
  sessions_.Round(now);
  CheckSpace();
  for (int64_t n = 0; n < world_.config.inputs_per_round; ++n) {
    if (inbox_.empty()) break;
    if (KilledAt(KillPoint::kBeforeTake)) return;
    shard::Input input = std::move(inbox_.front());
    inbox_.pop_front();
    Take(std::move(input));
  }
  if (KilledAt(KillPoint::kBeforeTick)) return;
  shard_->Tick(world_.Now());
  Commit();
}

void Server::CheckSpace() {
  const absl::Duration now = world_.clock.Steady();
  if (now - space_checked_ < kSpaceCheck) return;
  space_checked_ = now;
  world_.disk_full = log_.FreeBytes() < limits::kSpaceReserveBytes;
  shard_->SetDiskFull(world_.disk_full);
}

void Server::Take(shard::Input input) {
  const absl::Duration now = world_.clock.Steady();
  if (auto* hello = std::get_if<shard::WorkerConnected>(&input)) {
    sessions_.Connected(hello->hello.session(), now);
    for (auto& [stream, session] : sessions_by_stream_) {
      if (session == hello->hello.session()) session.clear();
    }
    sessions_by_stream_[hello->stream] = hello->hello.session();
  } else if (auto* frame = std::get_if<shard::WorkerFrame>(&input)) {
    TakeFrame(*frame, now);
  } else if (auto* gone = std::get_if<shard::WorkerDisconnected>(&input)) {
    sessions_.Disconnected(sessions_by_stream_[gone->stream], now);
  } else if (std::holds_alternative<shard::DrainWorkers>(input)) {
    drained_ = true;
  }
  shard_->Take(std::move(input), world_.Now());
}

void Server::TakeFrame(const shard::WorkerFrame& frame, absl::Duration now) {
  const std::string& session = sessions_by_stream_[frame.stream];
  // The session's next stream has overtaken this one. What still comes over it
  // says nothing: the worker gave it up, as it would a broken connection.
  if (session.empty()) return;
  sessions_.Heard(session, now);
  for (const auto& message : frame.messages) {
    if (message.has_heartbeat()) heartbeats_.OnHeard(message.heartbeat());
  }
}

void Server::Commit() {
  if (KilledAt(KillPoint::kBeforeTakeBatch)) return;
  log::WriteBatch batch = shard_->TakeBatch();
  if (batch.changes.empty()) return Release();
  if (KilledAt(KillPoint::kBeforeAppend)) return;
  busy_ = true;
  if (log_.Hold(std::move(batch), world_.Now()) !=
      log::AppendResult::kDurable) {
    // Memory must never be ahead of a disk that refuses.
    return Kill(/*keep=*/false);
  }
  absl::Duration latency =
      world_.Happens(Fault::kSlowSync)
          ? world_.Between(absl::Milliseconds(50), absl::Milliseconds(1500))
          : world_.Between(absl::Microseconds(50),
                           absl::Microseconds(world_.config.sync_us_max));
  After(latency, [this] {
    if (KilledAt(KillPoint::kBeforeSync)) return;
    log_.Sync();
    if (world_.failed() || KilledAt(KillPoint::kAfterSync)) return;
    busy_ = false;
    Release();
  });
}

void Server::Release() {
  const bool dies = kill_at_ == KillPoint::kInRelease && !world_.healed();
  effects_left_ = dies ? world_.Between(0, 3) : kAllEffects;
  releasing_ = true;
  shard_->Release();
  releasing_ = false;
  shard_->TakeFlowLog();
  // They leave whatever becomes of replies: within one process nothing else
  // can lose them.
  for (auto& message : shard_->TakeMessages()) Carry(std::move(message));
  if (KilledAt(KillPoint::kInRelease)) return;
  if (KilledAt(KillPoint::kAfterRelease)) return;
  if (ends_) return End();
  Schedule();
}

void Server::Carry(shard::ShardMessage message) {
  const absl::Duration now = world_.clock.Steady();
  if (world_.Happens(Fault::kMessageLate)) {
    carried_until_ =
        std::max(carried_until_,
                 now + world_.Between(absl::Milliseconds(1), absl::Seconds(2)));
  }
  const int times = world_.Happens(Fault::kMessageTwice) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    if (now >= carried_until_) {
      inbox_.push_back(message);
    } else {
      // Behind what is late already: within one process they keep their order.
      After(carried_until_ - now, [this, message] { Post(message); });
    }
  }
}

bool Server::KilledAt(KillPoint point) {
  if (kill_at_ != point || world_.healed()) return false;
  kill_at_.reset();
  world_.Fired(Fault::kKill);
  world_.Count(PointName(point));
  world_.Trace("server dies", PointName(point));
  Kill(log_.holding() && world_.Happens(Fault::kTornTail));
  return true;
}

void Server::Deploy(Build build) {
  world_.Trace("deploy",
               build == Build::kGood ? "the good build" : "a bad one");
  build_ = build;
  // A process that is down comes up with it.
  if (up()) Kill(/*keep=*/false);
}

void Server::Restore(const DurableLog::Backup& backup) {
  world_.Trace("restore", "an older copy of the store");
  build_ = Build::kGood;
  if (up()) Kill(/*keep=*/false);
  log_.Restore(backup);
}

void Server::Clear() {
  ++life_;
  ++wake_;
  busy_ = false;
  idle_rounds_ = 0;
  stopping_ = drained_ = ends_ = false;
  frozen_until_ = absl::ZeroDuration();
  carried_until_ = absl::ZeroDuration();
  shard_.reset();
  inbox_.clear();
  sessions_by_stream_.clear();
}

void Server::Kill(bool keep) {
  Clear();
  if (log_.Crash(keep)) world_.Count("batch_survives_unanswered");
  network_.ServerDied();
  // Mostly back at once; sometimes later than every grace.
  absl::Duration down =
      world_.Chance(0.8)
          ? world_.Between(absl::Milliseconds(20), absl::Milliseconds(800))
          : world_.Between(absl::Seconds(1), absl::Seconds(15));
  if (world_.on(Fault::kKill) && world_.Chance(0.2)) {
    kill_at_ = KillPoint::kInRecovery;
  }
  After(down, [this] { Boot(); });
}

void Server::SendToWorker(StreamId stream,
                          std::vector<v1::ServerMessage> messages) {
  Emit([&] {
    for (const auto& message : messages) {
      checks_.OnMessage(message);
      if (drained_ && message.has_task()) {
        world_.Fail("a task was granted after the drain");
      }
    }
    network_.ToWorker(stream, std::move(messages));
  });
}

void Server::CloseStream(StreamId stream, absl::Status) {
  Emit([&] { network_.CloseByServer(stream); });
}

void Server::RunChanged(Uid uid, bool closed) {
  Emit([&] {
    checks_.OnRunChanged(uid, closed);
    watcher_.Look(uid);
  });
}

void Server::WorkersChanged(const std::vector<v1::Worker>&) {
  Emit([] {});
}

void Server::TaskQueuesChanged(const std::vector<v1::TaskQueue>& queues) {
  Emit([&] { queues_.OnTold(queues); });
}

}  // namespace anabranch::sim
