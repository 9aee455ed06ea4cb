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
  // The store was restored: asks again for what is lost, as its user would.
  void OnRestored();

 private:
  struct Call {
    std::string request_id;
    // Nothing for the start.
    const Step* step = nullptr;
    // Set once, when the client gives up and starts anew.
    bool abandoned = false;
    bool asked = false;
    bool answered = false;
  };

  // What came back, and to which of the call's request ids.
  struct Answer {
    std::string request_id;
    absl::Status status;
    shard::StartedRun started;
  };

  void Ask(size_t call);
  void Send(size_t call);
  shard::Input MakeInput(size_t call);
  // When a reply leaves the server.
  void OnReply(size_t call, Answer answer);
  void OnAnswer(size_t call, const Answer& answer);
  bool StartsOther(size_t call) const;
  // Whether this answer ends the call; a wrong one fails the seed.
  bool Settles(size_t call, const Answer& answer);
  absl::Duration Delay();

  World& world_;
  Server& server_;
  OutwardChecks& checks_;
  const Program program_;
  log::RunName run_;
  std::vector<Call> calls_;
};

}  // namespace anabranch::sim
