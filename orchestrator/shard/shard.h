// Shard: one role that owns its runs. The loop of the engine, without threads,
// clocks or sockets: production and simulation differ only in who calls it.
//
//   shard.Take(input, times)…      decide, apply, drain the flow
//   shard.Tick(times)              what is due; grants
//   batch = shard.TakeBatch()      one atomic batch
//   log.Append(batch)              durable, or the process ends
//   shard.Release()                replies, tasks, notices: never before
//
// Everything that leaves waits in the outbox until Release, refusals included.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/random.h"
#include "orchestrator/core/activity_machine.h"
#include "orchestrator/core/fork_plan.h"
#include "orchestrator/log/event_log.h"
#include "orchestrator/log/store.h"
#include "orchestrator/shard/batches.h"
#include "orchestrator/shard/children.h"
#include "orchestrator/shard/effects.h"
#include "orchestrator/shard/flow_crashes.h"
#include "orchestrator/shard/input.h"
#include "orchestrator/shard/matcher.h"
#include "orchestrator/shard/observer.h"
#include "orchestrator/shard/run_table.h"
#include "orchestrator/shard/sessions.h"
#include "orchestrator/shard/timer_queue.h"
#include "orchestrator/shard/times.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard {

struct ShardOptions {
  // Live flows kept in memory; 0 replays for every stimulus.
  size_t live_flows_max = 1000;
  // Where it is marked which flow runs; cleared, and not null but for tests.
  FlowSlot* flow_slot = nullptr;
  // Hears of each row of the activity machine's table that is taken.
  std::function<void(core::ActivityRow)> on_activity_row = {};
  // Hears what happens; may be null, outlives the shard.
  Observer* observer = nullptr;
};

// A line that a flow logged.
struct FlowLogLine {
  RunName run;
  std::string line;
};

// Under its role: one thread at a time. All references outlive it.
class Shard : private sdk::PayloadReader {
 public:
  Shard(log::EventLog& log, const sdk::FlowRegistry& flows, Random& random,
        Effects& effects, ShardOptions options);

  // Once, first: reads what is open and due.
  absl::Status Recover(Times now);

  void Take(Input input, Times now);
  void Tick(Times now);

  // What must be durable before Release; may be empty.
  log::WriteBatch TakeBatch();
  // Lets out everything that waited for the last batch.
  void Release();

  // Steady time at which Tick has something to do.
  std::optional<absl::Duration> NextDue() const;

  // Below the space reserve mutating calls are refused and nothing is granted.
  void SetDiskFull(bool full) { disk_full_ = full; }

  // Messages to shards that have been released since the last call: inputs of
  // the shards of the runs that they name.
  std::vector<ShardMessage> TakeMessages();

  // Lines logged since the last call.
  std::vector<FlowLogLine> TakeFlowLog();

 private:
  using ActivityRecord = storage::v1::ActivityRecord;

  // --- starts (shard_start.cc) ---
  void On(StartRun input, Times now);
  absl::StatusOr<StartedRun> Start(StartRun& input, Times now);
  absl::StatusOr<StartedRun> UseExisting(StartRun& input, Uid uid,
                                         const std::string& digest, Times now);
  Uid BeginRun(const StartRun& input, Times now);
  void ArmDeadline(Uid uid, const google::protobuf::Timestamp& deadline,
                   Times now);
  // For the run's newest generation; kept in its mailbox when it is closed, but
  // for a request to cancel what RetryRun does not take.
  absl::Status StimulateCurrent(const RunName& name, api::HistoryEvent stimulus,
                                Times now);

  // --- generations (shard_generations.cc) ---
  Uid NewUid();
  // The name's generation from now on, without any event.
  LiveRun& NewGeneration(const RunName& name, Uid uid,
                         const std::string& digest);
  // The one after `before`, which is closed: what is known of the run as a
  // whole goes over to it.
  LiveRun& NextGeneration(LiveRun& before, Uid uid);
  // Delivers RunStarted, now or, when the run begins too many generations in
  // one round, in the next.
  void BeginGeneration(LiveRun& run, api::RunStarted started, Times now);
  void BeginPostponed(Times now);
  // How the run's generation was started.
  absl::StatusOr<api::RunStarted> StartOf(const LiveRun& run);
  void ContinueAsNew(LiveRun& before, const api::RunContinuedAsNew& continued,
                     bool paused, Times now);
  // Counts late usage for that generation and for the newest one.
  void CountFor(Uid uid, const std::string& usage_json);

  // --- runs (shard_runs.cc) ---
  void On(SignalRun input, Times now);
  void On(CancelRun input, Times now);
  void On(TerminateRun input, Times now);
  void On(ImportConversation input, Times now);
  // --- queries (shard_queries.cc) ---
  void On(QueryRun input, Times now);
  absl::StatusOr<QueryAnswer> Query(const QueryRun& input);
  // The live flow's answer; kNotFound names what it answers.
  absl::StatusOr<api::Payload> AskFlow(LiveRun& run, const std::string& query,
                                       const api::Payload& input);
  // --- operators (shard_operators.cc) ---
  void On(PauseRun input, Times now);
  void On(ResumeRun input, Times now);
  // Records an event that wakes nothing and needs no flow. Not before the
  // event's own time, if it has one.
  void AppendAdministrative(LiveRun& run, api::HistoryEvent event, Times now);
  // Nothing of the run is granted and none of its timers fires until it is
  // let go.
  void HoldRun(Uid uid);
  void LetRunGo(Uid uid, Times now);
  void TimeOutRun(const TimerKey& key, Times now);
  // --- retry and deletion (shard_retry.cc, shard_delete.cc) ---
  void On(RetryRun input, Times now);
  absl::StatusOr<RetriedRun> Retry(const RetryRun& input, Times now);
  // The new generation's number.
  absl::StatusOr<int32_t> BeginRetry(LiveRun& before,
                                     const std::string& request_id, Times now);
  void BeginAgain(LiveRun& run, const LiveRun& before, api::RunStarted started,
                  Times now);
  // `history` is what is kept.
  void ForkFrom(LiveRun& run, const LiveRun& before, const core::ForkPlan& plan,
                const std::vector<storage::v1::ActivationRecord>& history,
                const std::string& request_id, Times now);
  void Reopen(LiveRun& run, const core::ForkPlan& plan, Times now);
  void On(DeleteRun input, Times now);
  // --- batches (shard_batches.cc) ---
  void On(StartBatch input, Times now);
  void On(CancelBatch input, Times now);
  absl::StatusOr<storage::v1::BatchRecord> BeginBatch(
      storage::v1::BatchRecord record, Times now);
  absl::StatusOr<storage::v1::BatchRecord> StopBatch(const BatchKey& key,
                                                     Times now);
  absl::StatusOr<std::optional<storage::v1::BatchRecord>> FindBatch(
      const BatchKey& key);
  absl::Status RecoverBatches();
  bool HasBatchWork() const;
  void WorkOnBatches(Times now);
  absl::Status WorkOn(OpenBatch& batch, int actions_max, int looks_max,
                      Times now);
  template <typename Input>
  absl::Status Ask(Input input, Times now);
  // What the action reads of the run is of the batch in hand: next round.
  bool MustWait(const storage::v1::BatchRecord& record, Uid uid) const;
  // What the batch does to one run.
  absl::Status Act(const storage::v1::BatchRecord& record, const RunName& name,
                   Times now);
  void CloseBatch(OpenBatch& batch, Times now);
  void ForgetClosedBatches();
  // A run as it stands after all that this round has done to it; nothing when
  // there is none.
  absl::StatusOr<std::optional<api::Run>> CurrentRun(Uid uid);
  // False: the next round goes on with it.
  absl::StatusOr<bool> Delete(const DeleteRun& input, Times now);
  bool IsBeingDeleted(const RunName& name) const;
  absl::Status RecoverDeletions();
  void ContinueDeletions();
  // Deletes up to `budget` keys; returns how many there were.
  absl::StatusOr<int> DeletePart(Uid uid, const RunName& name, int budget);
  void FinishDeletion(Uid uid, const RunName& name);
  // `owner` refers to that content: it stays as long as anybody does.
  void Own(Uid owner, const std::string& sha256);
  absl::Status Disown(Uid owner, const std::string& sha256);
  bool WasStoredWithoutOwner(const std::string& sha256);
  absl::StatusOr<bool> HasContent(const std::string& sha256);
  // All references in it lead somewhere.
  absl::Status CheckReferences(google::protobuf::Message& message);
  static Uid ConversationOwner(const std::string& ns, const std::string& id);
  // --- task queues (shard_queues.cc) ---
  void On(SetTaskQueue input, Times now);
  absl::Status RecoverTaskQueues(Times now);
  void TellTaskQueues();
  // Refuses a mutating call of a client, or answers it from the dedup record.
  // True when it is dealt with.
  bool Deduplicated(const RunName& name, const std::string& request_id,
                    const std::string& digest, const DoneReply& reply);
  void Remember(const RunName& name, const std::string& request_id,
                const std::string& method, const std::string& digest,
                Times now);
  absl::StatusOr<std::optional<storage::v1::DedupRecord>> FindDedup(
      const RunName& name, const std::string& request_id);
  // The open run of that name, or a refusal.
  absl::StatusOr<LiveRun*> OpenRun(const RunName& name);
  // That many more can wait for it.
  absl::Status CheckRoomForSignals(const LiveRun& run, size_t count);

  // --- activations (shard_activations.cc) ---
  // Takes a stimulus into the run, or puts it into its mailbox.
  void Stimulate(Uid uid, api::HistoryEvent stimulus, Times now);
  void TakeMail(LiveRun& run, Times now);
  void Activate(LiveRun& run, api::HistoryEvent stimulus, Times now);
  void Deliver(LiveRun& run, const api::HistoryEvent& event);
  // Why it is BLOCKED: what its live flow has done at that event.
  std::string BreakdownReport(const LiveRun& run, int64_t event_id) const;
  bool DrainCommands(LiveRun& run, storage::v1::ActivationRecord& record);
  void AppendEvent(LiveRun& run, api::HistoryEvent event,
                   storage::v1::ActivationRecord& record);
  void Record(LiveRun& run, storage::v1::ActivationRecord record, Times now);
  void FollowEvent(LiveRun& run, const api::HistoryEvent& event, Times now);
  // The generation was closed before it took that in: what was sent to its run
  // is for the next one, or for the mailbox.
  void PassOn(const LiveRun& run, api::HistoryEvent stimulus, Times now);
  void PutMail(LiveRun& run, api::HistoryEvent stimulus);
  // The same, for TakeMail to take in.
  void PutTakeableMail(LiveRun& run, api::HistoryEvent stimulus);
  void CloseRun(LiveRun& run);
  void RunFollowUps(Times now);
  // Stores a large payload under its hash and leaves a reference; the run owns
  // what it refers to.
  void Keep(Uid owner, api::Payload& payload);

  // --- children (shard_children.cc) ---
  void On(const ShardMessage& message, Times now);
  void On(const ChildDemanded& demand, Times now);
  void On(const ChildAnswered& answer, Times now);
  void On(const NoticeTaken& taken, Times now);
  absl::Status RecoverChildren();
  // Writes the record and asks for what it says.
  void Demand(const storage::v1::ChildRecord& record);
  // Of a batch's demands for one child only the last leaves.
  void TellDemands();
  void ScheduleChild(const LiveRun& run, const api::ChildScheduled& scheduled);
  void CancelChild(Uid parent, int64_t seq);
  // The parent is closed: its children are dealt with by their policies.
  void CloseChildren(Uid parent);
  void ForgetChild(ChildId id);
  std::optional<api::Run> FindChild(const RunName& name);
  // Its end when it cannot be started.
  std::optional<api::ChildClosed> StartChild(
      const storage::v1::ChildRecord& record, Times now);
  absl::Status PrepareChild(StartRun& start);
  void DoAsDemanded(const storage::v1::ChildRecord& record,
                    const api::Run& child, Times now);
  void NotifyParent(const api::Run& child);
  void TakeAnswer(storage::v1::ChildRecord& record,
                  const ChildAnswered& answer);
  void Disown(const ChildAnswered& answer);
  bool IsOpen(Uid uid);
  // Leaves with the batch in hand.
  void Tell(ShardMessage message) { messages_.push_back(std::move(message)); }

  // --- time (shard_deadlines.cc) ---
  void OnDue(const TimerKey& key, Times now);
  void OnFlowTimerDue(const TimerKey& key);
  void OnActivityDue(const TimerKey& key, ActivityRecord& record, Times now);
  // The limit of an attempt's or of the activity's time has run out.
  void OnTimeUp(const TimerKey& key, ActivityRecord& record, Times now);
  void OnHeartbeat(const api::Heartbeat& heartbeat, Times now);
  // The whole heartbeat_timeout, if there is one, begins.
  void ArmHeartbeat(const ActivityRecord& record, Times now);
  // The grace is over.
  void ArmHeldBack(Times now);
  void ArmRecovered(const ActivityRecord& record, Times now);

  // --- activities (shard_activities.cc) ---
  void Grant(const Matcher::Match& match, Times now);
  // The record's state decides where the activity waits.
  void Offer(const ActivityRecord& record, Times now);
  void Save(const ActivityRecord& record);
  void ScheduleActivity(const LiveRun& run, const api::HistoryEvent& event,
                        Times now);
  void CancelActivity(ActivityId id, Times now);
  // Everything of that run that waits for its next attempt, or for somebody to
  // release it, is READY again; returns how many activities that are.
  int ReleaseParked(Uid uid, Times now);
  void CloseActivity(ActivityId id, api::HistoryEvent closing, Times now);
  void Forget(ActivityId id);
  void Settle(ActivityId id, core::Transition transition, Times now);
  // The same for one that no longer runs: closed if it was to be cancelled.
  void SettleAsReady(ActivityId id, core::Transition transition, Times now);
  void LoseAttempt(ActivityId id, Times now);
  void TellCancelled(const ActivityRecord& record, const std::string& reason);
  ActivityRecord* FindActivity(ActivityId id);
  void Took(core::ActivityRow row) const;
  bool HasAttemptInFlight(Uid uid) const;
  void SendTask(const Session& session, const ActivityRecord& record);

  // --- workers (shard_workers.cc) ---
  void On(const WorkerConnected& input, Times now);
  void On(const WorkerFrame& input, Times now);
  void On(const WorkerDisconnected& input, Times now);
  void On(const DrainWorkers& input, Times now);
  void OnMessage(Session& session, const api::WorkerMessage& message,
                 Times now);
  void OnCompleted(Session& session, const api::Completed& completed,
                   Times now);
  void OnFailed(Session& session, const api::Failed& failed, Times now);
  // The record whose current token this is; else the worker is told.
  ActivityRecord* Claim(Session& session, const std::string& token,
                        const std::string& usage_json);
  void CountUsage(const ActivityRecord& record, const std::string& usage_json);
  // The attempt ends before its worker has told how: what it used may still
  // come. An empty UsageRecord says that there was such an attempt.
  void ExpectUsage(const ActivityRecord& record);
  // Whether that attempt was granted once, so that what it used counts.
  bool WasGranted(const TaskToken& token);
  bool RunExists(Uid uid);
  // Whether a worker has told how that attempt ended, and, if so, whether it
  // was accepted.
  std::optional<bool> WasTold(const TaskToken& token);
  api::Verdict VerdictOn(Session& session, const std::string& token, bool held,
                         Times now);
  void ReissueUndelivered(Session& session, const api::Hello& hello, Times now);
  void LoseExpired(Times now);
  // The number of workers of its queues has changed.
  void MarkQueues(const Session& session);
  void UpdateGrace(Times now);
  void Send(const Session& session, api::ServerMessage message);

  // --- the outbox (shard.cc) ---
  struct Outgoing {
    StreamId stream;
    api::ServerMessage message;
  };
  void Later(std::function<void()> reply) {
    replies_.push_back(std::move(reply));
  }
  void Touch(Uid uid) { changed_.try_emplace(uid, false); }
  void WriteStatuses();
  // For a run in memory from its state; else the stored status, in which only
  // activities and usage can have changed: no flow is rebuilt for a grant.
  // Tells whether the run is closed.
  absl::StatusOr<bool> WriteStatus(Uid uid);
  void DescribeLive(const LiveRun& run, storage::v1::StatusRecord& status);
  void SendOutgoing();
  void FillPayload(api::Payload& payload);
  absl::StatusOr<std::string> Read(const v1::PayloadRef& ref) override;

  log::EventLog& log_;
  log::StoreReader store_;
  const sdk::FlowRegistry& flows_;
  Random& random_;
  Effects& effects_;
  ShardOptions options_;

  FlowCrashes crashes_;
  RunTable runs_;
  std::map<ActivityId, ActivityRecord> activities_;
  Children children_;
  TimerQueue timers_;
  Matcher matcher_;
  Sessions sessions_;

  // Those that are open, and those of the round in hand.
  Batches batches_;

  log::BatchBuilder batch_;
  // Content, dedup records and attempts told of in the batch in hand: not yet
  // in the store.
  std::map<std::string, std::string> new_payloads_;
  std::map<std::pair<RunName, std::string>, storage::v1::DedupRecord>
      new_dedups_;
  std::map<std::pair<std::string, std::string>, storage::v1::ConversationRecord>
      new_conversations_;
  std::map<TaskToken, bool> new_told_;
  std::set<TaskToken> new_untold_;
  std::deque<std::pair<Uid, api::HistoryEvent>> follow_ups_;
  // Runs with news, and whether they are closed, once that is written.
  std::map<Uid, bool> changed_;
  // Usage that came in, by run, for its next status.
  std::map<Uid, std::vector<std::string>> new_usage_;
  std::vector<std::function<void()>> replies_;
  std::vector<Outgoing> outgoing_;
  // Streams to end.
  std::vector<std::pair<StreamId, absl::Status>> closing_;
  std::set<ChildId> demands_;
  std::vector<ShardMessage> messages_;
  std::vector<ShardMessage> released_messages_;
  std::vector<FlowLogLine> flow_log_;

  bool workers_changed_ = false;
  bool draining_ = false;
  bool disk_full_ = false;
  // Recovery grace: nothing in flight is dispatched again, no timeout decided.
  std::optional<absl::Duration> grace_until_;
  // Whose heartbeats have left something that is not recorded yet.
  std::set<ActivityId> unrecorded_heartbeats_;
  // Due in the grace: armed again when it ends.
  std::vector<TimerKey> held_back_;
  // Inputs that the next round takes in: what they read must be stored first.
  std::vector<Input> deferred_;
  // Generations begun in this round, by run; those that wait for the next.
  std::map<RunName, int> generations_begun_;
  std::vector<Uid> postponed_;
  // Generations of runs that are being deleted.
  std::map<Uid, RunName> deleting_;
  // Changes of the batch in hand to who owns which content.
  std::set<std::pair<std::string, Uid>> new_owners_;
  std::set<std::pair<std::string, Uid>> gone_owners_;
  std::set<std::string> gone_payloads_;
  // Paused runs, and their timers that came due meanwhile, in order.
  std::map<Uid, std::vector<TimerKey>> paused_;
  std::optional<Times> last_tick_;
};

}  // namespace anabranch::shard
