// Collects what becomes of tasks.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "activity_worker/executor/task_runner.h"

namespace anabranch::activity_worker::testing {

class Outcomes : public TaskListener {
 public:
  void OnTaskEvents(std::vector<TaskEvent> events) override {
    const std::scoped_lock lock(mutex_);
    for (TaskEvent& event : events) {
      progress_[event.id] += event.progress;
      if (event.heartbeat.has_value()) {
        heartbeats_[event.id].push_back(*event.heartbeat);
      }
      if (event.outcome.has_value()) {
        outcomes_[event.id] = *std::move(event.outcome);
      }
    }
    changed_.notify_all();
  }

  // Blocks until the task has ended.
  Outcome Wait(TaskId id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcomes_.count(id) > 0; });
    return outcomes_[id];
  }

  // Blocks until the task has shown at least so many bytes.
  void WaitForProgress(TaskId id, size_t bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return progress_[id].size() >= bytes; });
  }

  // Blocks until it has sent a heartbeat, and returns the last one.
  v1::Payload WaitForHeartbeat(TaskId id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !heartbeats_[id].empty(); });
    return heartbeats_[id].back();
  }

  std::string Progress(TaskId id) {
    const std::scoped_lock lock(mutex_);
    return progress_[id];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<TaskId, Outcome> outcomes_;
  std::map<TaskId, std::string> progress_;
  std::map<TaskId, std::vector<v1::Payload>> heartbeats_;
};

}  // namespace anabranch::activity_worker::testing
