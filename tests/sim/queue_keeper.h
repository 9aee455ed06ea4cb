// QueueKeeper: an operator who changes the limits of task queues.
#pragma once

#include <map>
#include <string>

#include "tests/sim/operators.h"
#include "tests/sim/option_programs.h"

namespace anabranch::sim {

// One request per queue at a time, and each until it is answered, so that what
// is in force is what was asked for last.
class QueueKeeper : public Operator {
 public:
  using Operator::Operator;

  void Begin() override;
  void OnRestored() override;

 private:
  void Change(const std::string& queue);
  storage::v1::TaskQueueRecord Draw(const std::string& queue);
  // The limits are durable.
  void CheckAnswer(const storage::v1::TaskQueueRecord& record,
                   const absl::Status& status);

  // What was asked for before the request that is open, and whether one is.
  std::map<std::string, storage::v1::TaskQueueRecord> before_;
  // The last request of each, answered or not.
  std::map<std::string, storage::v1::TaskQueueRecord> newest_;
  std::map<std::string, bool> busy_;
};

}  // namespace anabranch::sim
