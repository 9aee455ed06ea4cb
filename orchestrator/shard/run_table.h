// RunTable: the runs that are in memory, and how one gets there: by replay.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "orchestrator/core/run_state.h"
#include "orchestrator/log/store.h"
#include "orchestrator/shard/flow_crashes.h"
#include "orchestrator/shard/observer.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard {

using log::RunName;

struct LiveRun {
  RunName name;
  core::RunState state;
  // Null when the run is closed or BLOCKED.
  std::unique_ptr<sdk::FlowInstance> flow;
  std::string start_digest;
  int64_t mailbox_first = 0;
  int64_t mailbox_next = 0;
  // Why it was paused last: goes over to the next generation.
  std::string pause_reason;
  // Histories that come before the generation's own.
  std::vector<storage::v1::Segment> segments;
  // The generation before; 0 for the first.
  Uid previous_uid;
  // Stimuli that wait in the mailbox and could be taken in now.
  std::vector<log::StoreReader::MailboxEntry> takeable_mail;
  // Signals behind the one of them that is being taken in: an end of the run
  // lists them as unread.
  std::deque<v1::SignalReceived> signals_behind;
  // Activations that are not durable yet; cleared when they are.
  std::vector<storage::v1::ActivationRecord> undurable;
  uint64_t last_used = 0;
};

// Under its shard's role. Pointers stay valid until Evict.
class RunTable {
 public:
  // `observer` may be null.
  RunTable(log::StoreReader& store, const sdk::FlowRegistry& flows,
           sdk::PayloadReader& payloads, FlowCrashes& crashes,
           Observer* observer)
      : store_(store),
        flows_(flows),
        payloads_(payloads),
        crashes_(crashes),
        observer_(observer) {}

  // The uid of that name's current generation, in memory or in the store.
  absl::StatusOr<std::optional<Uid>> FindUid(const RunName& name);

  // The run, rebuilt by replay when it is not in memory: with a flow, closed,
  // or BLOCKED. Null when the store has no such run.
  absl::StatusOr<LiveRun*> Load(Uid uid);

  // The run when it is in memory, else null.
  LiveRun* Find(Uid uid);
  // Its status as the store has it; rebuilds nothing.
  absl::StatusOr<std::optional<storage::v1::StatusRecord>> ReadStatus(Uid uid) {
    return store_.ReadStatus(uid);
  }

  // The run is gone: its name has no generation any more, whatever the store
  // still says. Holds until Evict.
  void Remove(const RunName& name, Uid uid);

  // All activations of the run, durable or not, segments included.
  absl::StatusOr<std::vector<storage::v1::ActivationRecord>> History(
      const LiveRun& run);
  // Folds and replays `history`, of which nothing else is known: with a flow
  // or BLOCKED afterwards.
  void Revive(LiveRun& run,
              const std::vector<storage::v1::ActivationRecord>& history);
  // This build has no such flow.
  void BlockUnknownFlow(LiveRun& run, const std::string& flow);

  // A run that does not exist yet.
  LiveRun& Create(const RunName& name, Uid uid);

  // The flow could not take in a stimulus: its state is folded anew from what
  // was recorded, and it becomes BLOCKED.
  absl::Status Block(LiveRun& run, v1::BlockedReason reason,
                     const std::string& report);
  // The flow's end, for which `event` is the reason: its destructors run as
  // part of that event. Nothing when it has none.
  void EndFlow(LiveRun& run, const v1::HistoryEvent& event);
  // The flow of this build is not let near that event: it took the server down
  // there.
  void BlockCrashed(LiveRun& run, const storage::v1::FlowCrashRecord& record);

  // Forgets runs beyond `max`, least recently used first, and closed ones.
  // Everything must be durable.
  void Evict(size_t max);

 private:
  absl::Status Rebuild(LiveRun& run, const storage::v1::StatusRecord& status);
  // Rebuilds the flow from its history; `blocked` says where it last broke
  // down.
  void ReplayFlow(LiveRun& run,
                  const std::vector<storage::v1::ActivationRecord>& history,
                  const v1::Blocked& blocked);
  // Its flow leaves memory: it can be rebuilt.
  void EvictFlow(LiveRun& run);
  // Unless the name has another generation by now.
  void ForgetName(const RunName& name, Uid uid);
  void SetBlocked(LiveRun& run, v1::BlockedReason reason, int64_t event_id,
                  const std::string& report);

  log::StoreReader& store_;
  const sdk::FlowRegistry& flows_;
  sdk::PayloadReader& payloads_;
  FlowCrashes& crashes_;
  Observer* const observer_;
  std::map<Uid, LiveRun> runs_;
  std::map<RunName, Uid> names_;
  std::set<RunName> gone_;
  uint64_t clock_ = 0;
};

}  // namespace anabranch::shard
