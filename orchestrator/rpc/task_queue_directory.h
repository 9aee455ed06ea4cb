// TaskQueueDirectory: the queues as the shard last told of them.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "anabranch/v1/worker.pb.h"

namespace anabranch::rpc {

// Threads: any.
class TaskQueueDirectory {
 public:
  using TaskQueue = anabranch::v1::TaskQueue;

  // Those that have changed; one with nothing to tell is forgotten.
  void Update(const std::vector<TaskQueue>& changed) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const TaskQueue& queue : changed) {
      const bool empty = !queue.has_settings() && queue.ready() == 0 &&
                         queue.running() == 0 && queue.workers() == 0;
      if (empty) {
        queues_.erase(queue.name());
      } else {
        queues_[queue.name()] = queue;
      }
    }
  }

  // By name.
  std::vector<TaskQueue> List() const {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<TaskQueue> list;
    list.reserve(queues_.size());
    for (const auto& [name, queue] : queues_) list.push_back(queue);
    return list;
  }

  // Only its name, when nothing is known of it.
  TaskQueue Get(const std::string& name) const {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = queues_.find(name);
    if (it != queues_.end()) return it->second;
    TaskQueue unknown;
    unknown.set_name(name);
    return unknown;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, TaskQueue> queues_;
};

}  // namespace anabranch::rpc
