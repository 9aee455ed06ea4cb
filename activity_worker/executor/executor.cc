#include "activity_worker/executor/executor.h"

#include <optional>

#include "base/check.h"

namespace anabranch::activity_worker {

Executor::Executor(const ActivityRegistry& registry, Clock& clock,
                   Options options)
    : registry_(registry), clock_(clock), http_(std::move(options.http)) {}

Executor::~Executor() { Shutdown(); }

template <typename Fill>
void Executor::Put(Fill fill) {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    fill(inbox_);
    wake = !std::exchange(woken_, true);
  }
  if (wake) http_.Wakeup();
}

void Executor::Start(TaskListener& listener) {
  AB_CHECK(listener_ == nullptr);
  listener_ = &listener;
  compute_ =
      std::make_unique<ComputeThread>([this](TaskId id, Continuation next) {
        Put([&](Inbox& inbox) {
          inbox.computed.emplace_back(id, std::move(next));
        });
      });
  services_ = std::make_unique<TaskServices>(TaskServices{
      clock_, timers_, http_, *compute_,
      [this](TaskEvent event) { events_.push_back(std::move(event)); }});
  thread_ = std::thread([this] { Loop(); });
}

void Executor::Shutdown() {
  if (!thread_.joinable()) return;
  Put([](Inbox& inbox) { inbox.shutdown = true; });
  thread_.join();
  tasks_.clear();
  compute_.reset();
}

void Executor::Submit(std::vector<BegunTask> begun,
                      std::vector<StoppedTask> stopped) {
  if (begun.empty() && stopped.empty()) return;
  Put([&](Inbox& inbox) {
    for (BegunTask& task : begun) inbox.begun.push_back(std::move(task));
    for (StoppedTask& task : stopped) inbox.stopped.push_back(std::move(task));
  });
}

void Executor::Loop() {
  while (true) {
    Inbox inbox;
    {
      const std::scoped_lock lock(mutex_);
      inbox = std::exchange(inbox_, {});
      woken_ = false;
    }
    if (inbox.shutdown) return;
    Handle(inbox);
    http_.Perform();
    timers_.RunDue(clock_.Steady());
    Deliver();
    http_.Poll(timers_.Next() - clock_.Steady());
  }
}

void Executor::Handle(Inbox& inbox) {
  for (BegunTask& begun : inbox.begun) {
    const TaskId id = begun.id;
    const ActivityFactory* factory = registry_.Find(begun.task.activity_type());
    auto& task = tasks_[id];
    task = std::make_unique<RunningTask>(*services_, std::move(begun));
    task->Start(factory);
  }
  for (const auto& [id, next] : inbox.computed) {
    const auto it = tasks_.find(id);
    if (it != tasks_.end()) it->second->Continue(next);
  }
  for (const StoppedTask& stopped : inbox.stopped) {
    const auto it = tasks_.find(stopped.id);
    if (it == tasks_.end()) continue;
    it->second->Stop(stopped.type, stopped.reason,
                     /*retryable=*/stopped.type == kWorkerLeaving);
  }
}

void Executor::Deliver() {
  if (events_.empty()) return;
  // Before anybody hears of their end, so that a freed slot is really free.
  for (const TaskEvent& event : events_) {
    if (event.outcome.has_value()) tasks_.erase(event.id);
  }
  listener_->OnTaskEvents(std::exchange(events_, {}));
}

}  // namespace anabranch::activity_worker
