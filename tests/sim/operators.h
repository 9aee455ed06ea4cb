// Operators: people who look after the server while it runs. Each kind of care
// is a part of its own; all of them have undone what holds runs up some time
// after the faults.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/asker.h"
#include "tests/sim/durable_log.h"
#include "tests/sim/records.h"
#include "tests/sim/server.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// One kind of care. Threads: one. Outlives the world's actions.
class Operator {
 public:
  struct Parts {
    World& world;
    Server& server;
    const Records& records;
    DurableLog& log;
  };
  explicit Operator(Parts parts)
      : parts_(parts), asker_(parts.world, parts.server) {}
  virtual ~Operator() = default;

  // Does something now and then, from now on.
  virtual void Begin() = 0;
  // Has nothing left to do, once the faults are over.
  virtual bool done() const { return asker_.open() == 0; }
  // The store became an older copy of itself.
  virtual void OnRestored() { asker_.OnRestored(); }
  // What must hold when all is over.
  virtual void CheckAtEnd() {}

 protected:
  // Calls `action` again and again, after times drawn up to twice `mean`.
  void Every(absl::Duration mean, const std::function<void()>& action);
  // An open run drawn at random; null when there is none.
  const RunRecords* AnyOpenRun();
  World& world() { return parts_.world; }

  Parts parts_;
  Asker asker_;
};

// All of them.
std::vector<std::unique_ptr<Operator>> AllOperators(
    const Operator::Parts& parts);

}  // namespace anabranch::sim
