// OutwardChecks: the rules for what leaves the orchestrator, held against what
// is durable at that moment.
#pragma once

#include <map>
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
  // To a client: OK promises that the request is recorded, a refusal that it
  // never will be. `uid` is 0 when the answer names no run.
  void OnAnswer(const log::RunName& name, const std::string& request_id,
                const absl::Status& status, Uid uid);

 private:
  void OnTask(const v1::Task& task);
  void OnRecorded(const std::string& token);

  World& world_;
  const Records& records_;
  const Ledger& ledger_;
  // The first answer to each start.
  std::map<std::string, Uid> started_;
};

}  // namespace anabranch::sim
