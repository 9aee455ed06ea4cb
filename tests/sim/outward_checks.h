// OutwardChecks: the rules for what leaves the orchestrator, held against what
// is durable at that moment.
#pragma once

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "orchestrator/log/store.h"
#include "tests/sim/ledger.h"
#include "tests/sim/records.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one.
class OutwardChecks {
 public:
  OutwardChecks(World& world, const Records& records, const Ledger& ledger)
      : world_(world), records_(records), ledger_(ledger) {}

  // To a worker.
  void OnMessage(const v1::ServerMessage& message);
  // To watchers.
  void OnRunChanged(Uid uid, bool closed);
  // To a client: OK promises that the request is recorded, or, to a start,
  // that its run is there already; a refusal, that it never will be.
  struct Answer {
    const log::RunName& name;
    const std::string& request_id;
    const absl::Status& status;
    // 0 when the answer names no run.
    Uid uid;
    bool created = false;
  };
  void OnAnswer(const Answer& answer);
  // What was promised of the time since the copy is void.
  void OnRestored();

 private:
  void OnTask(const v1::Task& task);
  void OnRecorded(const std::string& token);

  World& world_;
  const Records& records_;
  const Ledger& ledger_;
  // The first answer to a start of each run.
  std::map<log::RunName, Uid> started_;
  // Openings of the store that granted tasks; and those before a restore, of
  // whose tasks the copy may know nothing.
  std::set<Epoch> epochs_;
  std::set<Epoch> void_epochs_;
};

}  // namespace anabranch::sim
