// What operators ask for: pause, resume; and the end of a run's time.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/proto_time.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/request_digest.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

void Shard::AppendAdministrative(LiveRun& run, api::HistoryEvent event,
                                 Times now) {
  absl::Time time = std::max(now.wall, run.state.last_time);
  if (event.has_event_time()) {
    time = std::max(time, FromProto(event.event_time()));
  }
  event.set_event_id(run.state.last_event_id + 1);
  event.set_activation(event.event_id());
  *event.mutable_event_time() = ToProto(time);
  storage::v1::ActivationRecord record;
  AppendEvent(run, std::move(event), record);
  Record(run, std::move(record), now);
}

void Shard::On(PauseRun input, Times now) {
  auto answer = [this, &input](absl::Status status) {
    Later([reply = input.reply, status = std::move(status)] { reply(status); });
  };
  const std::string digest = Digest({"PauseRun", input.reason});
  if (Deduplicated(input.name, input.request_id, digest, input.reply)) return;
  auto run = OpenRun(input.name);
  if (!run.ok()) return answer(run.status());
  // Event 1 is RunStarted: nothing comes before it.
  if ((*run)->state.last_event_id == 0) return answer(RunNotBegun(input.name));
  Remember(input.name, input.request_id, "PauseRun", digest, now);
  if (!(*run)->state.run.has_pause()) {
    api::HistoryEvent event;
    event.mutable_run_paused()->set_reason(input.reason);
    event.mutable_run_paused()->set_request_id(input.request_id);
    AppendAdministrative(**run, std::move(event), now);
  }
  answer(absl::OkStatus());
}

void Shard::On(ResumeRun input, Times now) {
  auto answer = [this, &input](absl::Status status) {
    Later([reply = input.reply, status = std::move(status)] { reply(status); });
  };
  const std::string digest = Digest({"ResumeRun", input.reason});
  if (Deduplicated(input.name, input.request_id, digest, input.reply)) return;
  auto run = OpenRun(input.name);
  if (!run.ok()) return answer(run.status());
  Remember(input.name, input.request_id, "ResumeRun", digest, now);
  if ((*run)->state.run.has_pause()) {
    api::HistoryEvent event;
    event.mutable_run_resumed()->set_reason(input.reason);
    event.mutable_run_resumed()->set_request_id(input.request_id);
    AppendAdministrative(**run, std::move(event), now);
  }
  answer(absl::OkStatus());
}

void Shard::HoldRun(Uid uid) {
  batch_.PutPaused(uid);
  paused_.try_emplace(uid);
  matcher_.Hold(uid);
}

void Shard::LetRunGo(Uid uid, Times now) {
  auto paused = paused_.find(uid);
  if (paused == paused_.end()) return;
  std::vector<TimerKey> due = std::move(paused->second);
  paused_.erase(paused);
  batch_.DeletePaused(uid);
  matcher_.Unhold(uid);
  // In the order in which they came due.
  for (const TimerKey& key : due) OnDue(key, now);
}

void Shard::TimeOutRun(const TimerKey& key, Times now) {
  if (grace_until_.has_value() && HasAttemptInFlight(key.id.uid)) {
    held_back_.push_back(key);
    return;
  }
  auto loaded = runs_.Load(key.id.uid);
  AB_CHECK_MSG(loaded.ok(), std::string(loaded.status().message()));
  if (*loaded == nullptr || (*loaded)->state.closed()) return;
  LiveRun& run = **loaded;
  api::HistoryEvent event;
  *event.mutable_event_time() = run.state.run.deadline();
  *event.mutable_run_timed_out()->mutable_deadline() = run.state.run.deadline();
  AppendAdministrative(run, std::move(event), now);
}

}  // namespace anabranch::shard
