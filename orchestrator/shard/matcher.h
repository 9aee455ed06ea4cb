// Matcher: which ready activity goes to which session, and when.
//
//   offered ──► lane of its (queue, type) ──► granted: units in use
//     │   ▲            │        ▲                  │
//     ▼   │            ▼        │                  ▼
//    held by a     set aside: its key        Ended: units back
//    paused run    is in full use
//
// Of all lanes that may go and for which a session waits, the first in turn
// goes (fair_queue.h). Each grant takes a unit of its key, until the attempt
// ends, and one of its queue's rate.
//
// An activity whose key is in full use is set aside when its turn comes, and
// comes back when a unit does: one of each type, so that none waits for a unit
// that is free. A grant costs O(log n) in ready activities, and a look at the
// lanes and sessions that there are.
//
// No durable state but the queues' settings: it is filled from activity records
// at recovery.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/worker.pb.h"
#include "base/ids.h"
#include "base/limits.h"
#include "orchestrator/shard/fair_queue.h"
#include "orchestrator/shard/rate_limit.h"
#include "orchestrator/shard/sessions.h"

namespace anabranch::shard {

// What an activity needs to be granted.
struct Demand {
  std::string queue;
  std::string type;
  int priority = limits::kPriorityDefault;
  // Empty: no limit by key.
  std::string key;
};

// Defaults where the record was made before there were queues.
Demand DemandOf(const storage::v1::ActivityRecord& record);

// Under its shard's role.
class Matcher {
 public:
  // Offers an activity; no effect when it is offered already.
  void Ready(ActivityId id, const Demand& demand);
  // Takes an offer back; no effect when there is none.
  void Remove(ActivityId id);

  struct Match {
    ActivityId id;
    Session* session = nullptr;
  };
  // The next activity for which a session waits; its offer is taken back and
  // its units are in use.
  std::optional<Match> Next(Sessions& sessions, absl::Duration now);

  // An attempt is running that Next did not grant: it was before a restart, or
  // was taken up again. Its unit is in use, beyond the limit if need be.
  void Running(ActivityId id, const Demand& demand);
  // The attempt has ended: its unit is back. No effect when none runs.
  void Ended(ActivityId id);
  // The same for one that never reached its worker: the rate's unit, too.
  void NeverDelivered(ActivityId id);

  // A held run's activities are not granted, those that run go on.
  void Hold(Uid run);
  void Unhold(Uid run);

  // A queue's limits, in force at once.
  void Configure(const storage::v1::TaskQueueRecord& record,
                 absl::Duration now);
  // How many queues have limits, and whether this one has.
  int configured() const { return configured_; }
  bool IsConfigured(const std::string& queue) const;

  // When the rate of a queue lets the next activity go that waits for it.
  // Nothing for what may go already at `now`.
  std::optional<absl::Duration> NextDue(absl::Duration now) const;

  // Queues that have changed since the last call, as they stand; `workers` is
  // the caller's to fill in. One that has neither limits nor tasks is listed
  // a last time.
  std::vector<v1::TaskQueue> TakeChanged();
  // The queue's workers have changed.
  void MarkChanged(const std::string& queue) { changed_.insert(queue); }

 private:
  enum class Where { kLane, kAside, kHeld };
  struct Place {
    Demand demand;
    FairQueue::Entry entry;
    Where where = Where::kLane;
  };
  struct Key {
    int64_t in_use = 0;
    // Set aside, by type.
    std::map<std::string, FairQueue> aside;
  };
  struct Queue {
    std::map<std::string, FairQueue> lanes;  // by type
    std::map<std::string, Key> keys;
    RateLimit rate;
    std::optional<storage::v1::TaskQueueRecord> settings;
    int64_t ready = 0;
    int64_t running = 0;
  };
  using Lane = std::map<std::string, FairQueue>::iterator;

  // Where an offer waits.
  void Put(Place& place);
  void TakeOut(const Place& place);
  // Takes it out; the free unit that it may have waited with is another's.
  void Withdraw(const Place& place);
  // The first in turn of aside's `type` comes back to its lane.
  void BringBack(Queue& queue, Key& key, const std::string& type);
  void BringBackOneOfEach(Queue& queue, Key& key);
  void BringBackAll(Queue& queue);

  // The first of a lane whose key has room; the others are set aside.
  std::optional<FairQueue::Head> FirstOf(Queue& queue, Lane lane);
  void Take(const Match& match, absl::Duration now);

  static int64_t KeyLimit(const Queue& queue, const std::string& key);
  static bool KeyIsFull(const Queue& queue, const std::string& key);
  static void ForgetIfIdle(Queue& queue, const std::string& key);
  void ForgetIfIdle(const std::string& name);

  std::map<std::string, Queue> queues_;
  std::map<ActivityId, Place> places_;
  std::map<ActivityId, Demand> running_;
  std::set<Uid> held_;
  std::set<std::string> changed_;
  uint64_t next_order_ = 0;
  uint64_t next_turn_ = 0;
  int configured_ = 0;
};

}  // namespace anabranch::shard
