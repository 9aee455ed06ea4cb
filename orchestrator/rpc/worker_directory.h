// WorkerDirectory: the sessions as the shard last told of them.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "anabranch/v1/worker.pb.h"

namespace anabranch::rpc {

// Threads: any.
class WorkerDirectory {
 public:
  using Snapshot = std::shared_ptr<const std::vector<anabranch::v1::Worker>>;

  void Set(const std::vector<anabranch::v1::Worker>& workers) {
    auto next =
        std::make_shared<const std::vector<anabranch::v1::Worker>>(workers);
    std::lock_guard<std::mutex> lock(mutex_);
    workers_.swap(next);
  }

  // Never null.
  Snapshot Get() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return workers_;
  }

 private:
  mutable std::mutex mutex_;
  Snapshot workers_ =
      std::make_shared<const std::vector<anabranch::v1::Worker>>();
};

}  // namespace anabranch::rpc
