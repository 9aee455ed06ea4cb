// Records: what is durable, folded batch by batch, and the rules that it must
// keep at each of them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anabranch/storage/v1/records.pb.h"
#include "orchestrator/core/run_state.h"
#include "orchestrator/log/store.h"
#include "orchestrator/shard/times.h"
#include "tests/sim/grammar.h"
#include "tests/sim/ledger.h"
#include "tests/sim/session_watch.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

namespace api = anabranch::v1;

// One run as the durable batches tell it.
struct RunRecords {
  std::vector<storage::v1::ActivationRecord> history;
  core::RunState fold;
  bool ended = false;
  std::map<int64_t, storage::v1::ActivityRecord> activities;
  // The last record of each activity, closed ones too.
  std::map<int64_t, storage::v1::ActivityRecord> last_records;
  // Activities whose closing event is in the history, with its type.
  std::map<int64_t, api::HistoryEvent::AttributesCase> closed;
  struct Timer {
    api::TimerStarted started;
    shard::Times decided;
    bool over = false;
  };
  std::map<int64_t, Timer> timers;
  // Keys of timers, mails and usage that exist.
  std::set<int64_t> timer_keys;
  std::map<int64_t, storage::v1::MailboxRecord> mail;
  std::map<TaskToken, bool> usage;
  std::optional<storage::v1::StatusRecord> status;
  bool open = false;
  // Entries in the listing of its namespace.
  int listings = 0;
  Grammar grammar;
  // Requests that a stimulus or the end names, in history or mailbox ever.
  std::set<std::string> requests;

  // --- generations (generations.cc) ---
  // The generations before and after this one; 0 where there is none.
  Uid previous;
  Uid next;
  // Activations at the beginning of `history` that a fork has of its source.
  size_t inherited = 0;
  // The stimulus that a retry cut off and that comes again first, or nothing.
  std::string expected;
  // Requests of the signals that it, or one that it goes on from, was sent;
  // those before its own first event; and those in its mailbox ever.
  std::set<std::string> signals;
  std::set<std::string> base_signals;
  std::set<std::string> mailed_signals;
};

// Threads: one.
class Records {
 public:
  Records(World& world, Ledger& ledger, SessionWatch& sessions)
      : world_(world), ledger_(ledger), sessions_(sessions) {}

  // A batch is durable now; it was decided at `decided`.
  void Apply(const log::WriteBatch& batch, shard::Times decided);

  const RunRecords* Find(Uid uid) const;
  const RunRecords* Find(const log::RunName& name) const;
  const std::map<Uid, RunRecords>& runs() const { return now_.runs; }
  // A name's generations, oldest first.
  const std::vector<Uid>& Chain(const log::RunName& name) const;
  // Whether any generation of that name has taken that request in.
  bool Recorded(const log::RunName& name, const std::string& request_id) const;

  // What a generation has asked for and got, by seq.
  std::map<int64_t, api::ChildScheduled> ChildrenOf(Uid parent) const;
  // Parents and children still have to tell each other something.
  bool owes() const;
  // Every child was dealt with as its parent had it.
  void CheckFamiliesAtEnd();

  // All that is known; set back when the store is.
  struct Contents {
    std::map<Uid, RunRecords> runs;
    // The newest generation of each, and all of them.
    std::map<log::RunName, Uid> names;
    std::map<log::RunName, std::vector<Uid>> chains;
    // What stands between parents and children, by parent and seq; and ends
    // that no parent has taken yet, by child.
    std::map<std::pair<Uid, int64_t>, storage::v1::ChildRecord> children;
    std::set<Uid> notices;
    // The first generation of each child, by parent and seq.
    std::map<std::pair<Uid, int64_t>, Uid> first_of_child;
    // Generations of which nothing is written any more; the second are gone.
    std::set<Uid> deleting;
    std::set<Uid> deleted;
    // Queues with limits.
    std::map<std::string, storage::v1::TaskQueueRecord> queues;
    // Requests whose first answer is kept.
    std::set<std::pair<log::RunName, std::string>> dedups;
  };
  const Contents& contents() const { return now_; }
  void SetContents(Contents contents) { now_ = std::move(contents); }

 private:
  void Change(const log::WriteBatch::Change& change);
  // A run is being deleted, or is gone.
  void ChangeDeletion(Uid uid, bool gone);
  // A key of no single run; false when it is of one.
  bool ChangeIndex(std::string_view key,
                   const std::optional<std::string>& content);
  void ChangeMail(Uid uid, RunRecords& run, int64_t n,
                  const std::optional<std::string>& content);
  void ChangeActivity(RunRecords& run, int64_t seq,
                      const std::optional<std::string>& content);
  void Append(Uid uid, RunRecords& run,
              const storage::v1::ActivationRecord& activation);
  void OnEvent(Uid uid, RunRecords& run, const api::HistoryEvent& event);
  // A stimulus names it; empty ones count for nothing.
  void TakeRequest(RunRecords& run, const std::string& request_id);
  void OnTimerFired(RunRecords& run, int64_t seq);
  void OnClosed(Uid uid, RunRecords& run, int64_t seq,
                const api::HistoryEvent& event, const api::ActivityInfo& info);
  void CheckResult(const RunRecords& run, int64_t seq,
                   const api::HistoryEvent& event);
  // `info` is newer than `before`: attempts that ended must have had a cause.
  void CheckEnded(Uid uid, const api::ActivityInfo& before,
                  const api::ActivityInfo& info,
                  const api::ActivityOptions& options);
  // What must hold between the batches.
  void CheckRun(Uid uid, const RunRecords& run);
  void Fail(Uid uid, const std::string& what);

  // --- generations (generations.cc) ---
  // The name has another generation from now on.
  void ChangeName(const log::RunName& name, Uid uid);
  // It is to take in its first activation.
  void BeginGeneration(Uid uid, RunRecords& run,
                       const storage::v1::ActivationRecord& activation);
  // What is wrong about a generation that begins with RunStarted.
  static std::string Continues(RunRecords& run, const RunRecords& before,
                               const api::RunStarted& started);
  void Fork(Uid uid, RunRecords& run, const RunRecords& source,
            const api::HistoryEvent& forked);
  static void Inherit(RunRecords& run, const RunRecords& source,
                      const storage::v1::ActivationRecord& activation);
  void CheckExpected(Uid uid, RunRecords& run,
                     const api::HistoryEvent& stimulus);
  // Its time was up, and not before.
  void OnTimedOut(Uid uid, const RunRecords& run);
  // An open run's time is not up for long.
  void CheckDeadline(Uid uid, const RunRecords& run);
  // What must hold between a run's generations.
  void CheckChain(Uid uid, const RunRecords& run);
  // An end that is no retry's matter lists what waited behind it.
  void CheckMailIsListed(Uid uid, const RunRecords& run);
  void CheckNothingLost(Uid uid, const RunRecords& run);

  // --- families (families.cc) ---
  void ChangeChild(Uid parent, int64_t seq,
                   const std::optional<storage::v1::ChildRecord>& to);
  void OnChildEvent(Uid uid, RunRecords& run, const api::HistoryEvent& event);
  void OnChildBegins(Uid uid, const api::RunStarted& started);
  void OnChildClosed(Uid uid, const RunRecords& run,
                     const api::ChildClosed& closed);
  void CheckChildren(Uid uid, const RunRecords& run);
  void CheckPolicy(Uid uid, const RunRecords& run,
                   const api::ChildScheduled& scheduled);

  World& world_;
  Ledger& ledger_;
  SessionWatch& sessions_;
  Contents now_;
  std::set<Uid> touched_;
  shard::Times decided_;
};

}  // namespace anabranch::sim
