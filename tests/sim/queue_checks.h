// QueueCheck: the limits of task queues, counted from durable records alone.
//
//   key     an attempt is granted only where its key has a free unit
//   rate    in each window of w seconds at most burst + rate × w grants
//   told    what watchers of queues hear is what is durable
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/worker.pb.h"
#include "tests/sim/step.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one.
class QueueCheck : public StepCheck {
 public:
  QueueCheck(World& world, const Records& records)
      : world_(world), records_(records) {}

  void OnStep(const DurableStep& step) override;
  // A new process begins with a full bucket.
  void OnBoot() override { windows_.clear(); }
  void OnRestored() override { windows_.clear(); }
  // Queues as the server tells of them.
  void OnTold(const std::vector<v1::TaskQueue>& queues);

 private:
  // Grants of one queue under one setting in one process.
  struct Window {
    std::vector<absl::Duration> times;
    // Units that came back for grants of an earlier window.
    int64_t given_back = 0;
  };

  void OnGrant(const storage::v1::ActivityRecord& record);
  void CheckKey(const storage::v1::ActivityRecord& record);
  void CheckRate(const std::string& queue);
  const storage::v1::TaskQueueRecord* Settings(const std::string& queue) const;

  World& world_;
  const Records& records_;
  std::map<std::string, Window> windows_;
  absl::Duration now_;
};

}  // namespace anabranch::sim
