// BatchOperator: an operator who does something to many runs at once, and what
// must be true of it: each run that it means is treated once, whatever happens
// to the server meanwhile, and the counts say so.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "tests/sim/operators.h"
#include "tests/sim/step.h"

namespace anabranch::sim {

// Batches as the durable records tell them.
class BatchCheck : public StepCheck {
 public:
  explicit BatchCheck(World& world) : world_(world) {}

  void OnStep(const DurableStep& step) override;
  void OnRestored() override { batches_.clear(); }
  // The newest record; null when none is durable.
  const storage::v1::BatchRecord* Find(const std::string& batch_id) const;

 private:
  // Runs that a batch means, and whether they were open at its start.
  using Meant = std::map<Uid, bool>;

  void Begin(const DurableStep& step, const storage::v1::BatchRecord& record);
  void CheckClosed(const DurableStep& step,
                   const storage::v1::BatchRecord& record);

  World& world_;
  // The newest records, by id.
  std::map<std::string, storage::v1::BatchRecord> batches_;
  // By id and start. An older copy of the store may hold the batch half done:
  // it means whom it meant when it began, which only its beginning shows.
  std::map<std::pair<std::string, absl::Time>, Meant> meant_;
};

class BatchOperator : public Operator {
 public:
  explicit BatchOperator(const Parts& parts);

  void Begin() override;
  bool done() const override;
  void OnRestored() override;

 private:
  void StartRuns();
  void Look();
  void StartBatch();
  void CancelBatch(const std::string& id);
  // The same id for another batch must be refused.
  void StartOther();
  void Send(const storage::v1::BatchRecord& record, const Asker::Reply& leaves,
            const Asker::Reply& done);
  bool AllEnded() const;

  BatchCheck check_;
  std::set<std::string> started_;
  // The newest batch.
  std::optional<storage::v1::BatchRecord> batch_;
  int batches_ = 0;
};

}  // namespace anabranch::sim
