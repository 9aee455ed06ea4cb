// Asker: somebody's single requests to the orchestrator. Each is sent until it
// is answered, and lost, doubled and delayed as calls are.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "tests/sim/server.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one. Outlives the world's actions.
class Asker {
 public:
  using Reply = std::function<void(const absl::Status&)>;
  struct Request {
    // The input, made anew for each sending.
    std::function<shard::Input(Reply reply)> make;
    // An answer leaves the server: what it says must be durable. May be null.
    Reply leaves;
    // The one answer that arrives; never DISK_FULL, which is asked again.
    Reply done;
    // A question that nobody repeats: its answer may never come.
    bool once = false;
    // No two of it are in the server's reach in another order.
    bool in_order = false;
  };

  Asker(World& world, Server& server) : world_(world), server_(server) {}

  void Ask(Request request);
  // Requests that wait for their answer.
  int open() const { return open_; }
  // What was promised is void: nobody waits for it any more.
  void OnRestored() { open_ = 0; }

 private:
  struct State {
    Request request;
    int restores = 0;
    bool answered = false;
  };
  using Shared = std::shared_ptr<State>;

  void Try(const Shared& state);
  void Send(const Shared& state);
  void OnReply(const Shared& state, const absl::Status& status);
  absl::Duration Delay(const Request& request);

  World& world_;
  Server& server_;
  int open_ = 0;
};

}  // namespace anabranch::sim
