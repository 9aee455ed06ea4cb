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

// Threads: one. A task's input says what it does: {"do": …, "value": v, "ms":
// how long it takes, "beat_ms": between heartbeats, "stop_ms": to stop}:
//
//   ok      comes to 2 v + 1
//   big     the same, above the inline size
//   flaky   the same, after "fails" failures
//   slow    the same, after "fails" attempts that do not end for long and are
//           silent
//   deadly  the same, after "fails" attempts that take down their worker
//   bad     fails, not retryable
//   always  fails, retryable
class Ledger {
 public:
  explicit Ledger(World& world) : world_(world) {}

  // A worker begins a task. What it will come to, and when.
  struct Plan {
    absl::Duration duration;
    activity_worker::Outcome outcome;
    // Heartbeats tell how far it is this often; never when zero.
    absl::Duration beat_every;
    // How long it takes to stop once it is told to.
    absl::Duration stop_time;
    // It ends with the worker's process.
    bool deadly = false;
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
  // How often a flaky task has failed, and a slow one has begun.
  std::map<ActivityId, int64_t> failures_;
  // How often one that an operator mends has failed, by its key.
  std::map<std::string, int64_t> mended_;
  int64_t executions_ = 0;
};

}  // namespace anabranch::sim
