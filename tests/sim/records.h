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

  // All that is known; set back when the store is.
  struct Contents {
    std::map<Uid, RunRecords> runs;
    std::map<log::RunName, Uid> names;
    // Requests whose first answer is kept.
    std::set<std::pair<log::RunName, std::string>> dedups;
  };
  const Contents& contents() const { return now_; }
  void SetContents(Contents contents) { now_ = std::move(contents); }

 private:
  void Change(const log::WriteBatch::Change& change);
  // A key of no single run; false when it is of one.
  bool ChangeIndex(std::string_view key,
                   const std::optional<std::string>& content);
  void ChangeMail(RunRecords& run, int64_t n,
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

  World& world_;
  Ledger& ledger_;
  SessionWatch& sessions_;
  Contents now_;
  std::set<Uid> touched_;
  shard::Times decided_;
};

}  // namespace anabranch::sim
