// Caller: a client of one run. Asks, and asks again with the same request_id
// until it is answered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/outward_checks.h"
#include "tests/sim/programs.h"
#include "tests/sim/server.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one. Outlives the world's actions.
class Caller {
 public:
  struct Parts {
    World& world;
    Server& server;
    OutwardChecks& checks;
  };
  Caller(Parts parts, Program program, int number);

  // Starts the run, after `delay`.
  void Begin(absl::Duration delay);
  // All that it asked was answered.
  bool done() const;
  const log::RunName& run() const { return run_; }
  const Program& program() const { return program_; }

 private:
  struct Call {
    std::string request_id;
    // Nothing for the start.
    const Step* step = nullptr;
    bool asked = false;
    bool answered = false;
  };

  void Ask(size_t call);
  void Send(size_t call);
  // When a reply leaves the server.
  void OnReply(size_t call, const absl::Status& status,
               const shard::StartedRun& started);
  void OnAnswer(size_t call, const absl::Status& status,
                const shard::StartedRun& started);

  World& world_;
  Server& server_;
  OutwardChecks& checks_;
  const Program program_;
  log::RunName run_;
  std::vector<Call> calls_;
};

}  // namespace anabranch::sim
