// Ledger: what workers have really carried out, the independent witness; and
// the outside world that tasks act on.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "activity_worker/core/outcome.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/ids.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// One carrying-out of one attempt.
struct Execution {
  std::string token;
  std::string session;
  int32_t attempt = 0;
  // What it came to, once it ended.
  std::optional<activity_worker::Outcome> outcome;
};

// Threads: one.
class Ledger {
 public:
  explicit Ledger(World& world) : world_(world) {}

  // A worker begins a task. What it will come to, and when.
  struct Plan {
    absl::Duration duration;
    activity_worker::Outcome outcome;
  };
  Plan Begin(const std::string& session, const anabranch::v1::Task& task);
  void End(const std::string& token, const activity_worker::Outcome& outcome);

  const std::vector<Execution>& Of(ActivityId id) const;
  const Execution* Find(const std::string& token) const;
  int64_t executions() const { return executions_; }

 private:
  Plan MakePlan(const anabranch::v1::Task& task, ActivityId id);

  World& world_;
  std::map<ActivityId, std::vector<Execution>> activities_;
  // How often a flaky task has failed.
  std::map<ActivityId, int64_t> failures_;
  int64_t executions_ = 0;
};

}  // namespace anabranch::sim
