// FlowCrashes: where flows took the server down, and what must not run again.
//
// A place is an event of a generation, all queries of it (event 0), or its
// evictions (FlowPlace::kEviction). The first event has no generation yet when
// its batch is lost with the process: its place is the hash of (flow, input).
//
// Destructors of a flow's locals are its author's code as well. Those that run
// because an event ended the flow (it closed the run, or the flow broke down
// over it) run at that event: nothing of it is durable before they are through,
// and so it comes again after a death. A flow that is evicted stands after an
// event that is durable: what is counted there is its evictions as a whole.
//
//   deaths of one build at one place
//     0 ─► 1          counted by the next start, before any flow runs
//     1 ─► forgotten  the flow came back from that event: somebody killed the
//                     process while it happened to run
//     1 ─► 2          this build is not let near it again: the run is
//                     BLOCKED(FLOW_CRASHED), or its queries are refused
//     n ─► 1          another build died there
//     n ─► forgotten  another build came back; the run is closed
//
// Deaths by a query are not forgotten when another query is answered: it may
// have asked for something else. Nor are those by an eviction when another one
// passes: the flow stood elsewhere then, and one that dies now and then would
// take the server down for ever. All are counted for one build.
//
// When the process ends in order, destructors run unguarded: nobody runs them
// again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "base/ids.h"
#include "orchestrator/log/event_log.h"
#include "orchestrator/log/store.h"
#include "orchestrator/replay/flow_guard.h"
#include "orchestrator/shard/flow_slot.h"

namespace anabranch::shard {

// What counts the death that `slot` tells of, or nothing. It must be durable,
// and the slot cleared, before a flow runs.
absl::StatusOr<std::optional<storage::v1::FlowCrashRecord>> CountFlowDeath(
    log::StoreReader& store, FlowSlot& slot);

// Under its shard's role.
class FlowCrashes : public replay::FlowGuard {
 public:
  // `slot` may be null: nothing is marked. It outlives this object.
  FlowCrashes(FlowSlot* slot, std::string build_id)
      : slot_(slot), build_id_(std::move(build_id)) {}

  // Once, first.
  absl::Status Recover(log::StoreReader& store);

  // Whose flow it is that Enter and EnterQuery speak of.
  void Switch(Uid uid, const log::RunName& name, const std::string& flow);
  void Enter(const anabranch::v1::HistoryEvent& event) override;
  void EnterQuery();
  void EnterEviction();
  void Leave() override;

  // Where this build must not run the flow of `uid`; `started` is its first
  // event when it is known.
  const storage::v1::FlowCrashRecord* FindDeadly(
      Uid uid, const anabranch::v1::HistoryEvent* started) const;
  // The same for its queries.
  const storage::v1::FlowCrashRecord* FindDeadlyQuery(Uid uid) const;
  // Generations of which FindDeadly knows something.
  std::vector<Uid> DeadlyRuns() const;

  // The run goes on as `next`: deaths in evictions are the run's, or else a
  // flow that is evicted once a generation would never be caught. The record to
  // write, if there is one.
  std::optional<storage::v1::FlowCrashRecord> HandOn(Uid uid, Uid next);
  // The generation is closed: no code of it runs any more.
  void Forget(Uid uid);
  // Places forgotten since the last call.
  std::vector<FlowPlace> TakeForgotten();

 private:
  using Records = std::map<FlowPlace, storage::v1::FlowCrashRecord>;

  bool IsDeadly(const storage::v1::FlowCrashRecord& record) const;
  void EnterPlace(FlowPlace place);

  FlowSlot* const slot_;
  const std::string build_id_;
  Records records_;
  std::vector<FlowPlace> forgotten_;
  Uid current_;
  FlowPlace place_;
};

// Guards one query for as long as it lives.
class InQuery {
 public:
  explicit InQuery(FlowCrashes& crashes) : crashes_(crashes) {
    crashes_.EnterQuery();
  }
  ~InQuery() { crashes_.Leave(); }
  InQuery(const InQuery&) = delete;
  InQuery& operator=(const InQuery&) = delete;

 private:
  FlowCrashes& crashes_;
};

// The same for one eviction.
class InEviction {
 public:
  explicit InEviction(FlowCrashes& crashes) : crashes_(crashes) {
    crashes_.EnterEviction();
  }
  ~InEviction() { crashes_.Leave(); }
  InEviction(const InEviction&) = delete;
  InEviction& operator=(const InEviction&) = delete;

 private:
  FlowCrashes& crashes_;
};

// What is said of a run that is BLOCKED(FLOW_CRASHED).
std::string CrashReport(const storage::v1::FlowCrashRecord& record);

}  // namespace anabranch::shard
