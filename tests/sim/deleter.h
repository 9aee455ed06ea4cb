// Deleter: an operator who starts runs, deletes them, and takes their names
// again; and what deletion must leave behind: nothing.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/operators.h"
#include "tests/sim/step.h"

namespace anabranch::sim {

// How the names of runs begin that are deleted and started again.
inline constexpr char kDoomed[] = "doomed-";

// No key of a deleted generation is left, and no content without an owner.
class DeletionCheck : public StepCheck {
 public:
  DeletionCheck(World& world, DurableLog& log) : world_(world), log_(log) {}
  void OnStep(const DurableStep& step) override;
  // What is stored belongs to somebody.
  void CheckContent();

 private:
  void CheckGone(Uid uid);

  World& world_;
  DurableLog& log_;
};

class Deleter : public Operator {
 public:
  explicit Deleter(const Parts& parts);

  void Begin() override;
  bool done() const override;
  void OnRestored() override;
  void CheckAtEnd() override;

 private:
  enum class Stage { kIdle, kStarting, kRunning, kDeleting };
  struct Doomed {
    log::RunName name;
    Stage stage = Stage::kIdle;
  };

  void Look();
  void Start(size_t index);
  void Delete(size_t index);
  void Set(size_t index, Stage stage) { doomed_[index].stage = stage; }
  // An answer leaves: what it says is durable.
  void CheckDeleted(const log::RunName& name, const absl::Status& status);

  DeletionCheck check_;
  std::vector<Doomed> doomed_;
  int requests_ = 0;
};

}  // namespace anabranch::sim
