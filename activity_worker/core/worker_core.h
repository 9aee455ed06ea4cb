// The worker's side of the worker stream, as a pure state machine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "activity_worker/core/outcome.h"
#include "activity_worker/core/output_queue.h"
#include "activity_worker/core/progress_buffer.h"
#include "activity_worker/core/reassembler.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/limits.h"

namespace anabranch::activity_worker {

// One carrying-out of a task, unique in this process. Not the token: a token
// that was dropped may come back while its first carrying-out still winds up.
using TaskId = int64_t;

struct BegunTask {
  TaskId id = 0;
  v1::Task task;
};

// The owner ends it and reports a failure of this type and message, unless it
// has ended already.
struct StoppedTask {
  TaskId id = 0;
  std::string type;  // kCancelled, or kWorkerLeaving, which is retryable
  std::string reason;
};

// What a worker must remember so that no finished call is repeated:
//
//   task arrives ─► begun ─► finished, held ─► Recorded | Refused: forgotten
//
// A held result keeps its slot, survives broken streams, and is sent again
// after each Welcome until the server says Recorded or Refused. Credit is given
// once per free slot and stream. Whatever is begun ends with exactly one
// Finished(), also after a stop; only then its slot is free again.
//
// Deterministic: no thread, clock or I/O. The owner feeds inputs and then
// takes what they caused: TakeBegun(), TakeStopped(), TakeFrame().
class WorkerCore {
 public:
  struct Options {
    std::string session;  // random, one life of this worker
    std::string label;
    std::vector<std::string> activity_types;
    // Queues to take tasks from; the server's default one when there is none.
    std::vector<std::string> task_queues = {};
    int32_t slots = 1;  // 1 to limits::kSlotsPerWorkerMax
    // Until Welcome says another.
    absl::Duration beat_interval = limits::kBeatInterval;
  };

  explicit WorkerCore(Options options);

  // --- inputs. `now` is a steady time that never goes back.

  // A new stream: its first message is Hello.
  void StreamOpened(absl::Duration now);
  // The stream is gone. Tasks not taken yet are forgotten: the next Hello does
  // not name them, so the server issues them again.
  void StreamClosed();
  // An error means that the server breaks the protocol: close the stream.
  absl::Status Receive(v1::ServerMessage message);
  // A begun task has ended; ids that were dropped count too.
  void Finished(TaskId id, Outcome outcome);
  // Streamed output, whole UTF-8 characters.
  void AddProgress(TaskId id, std::string_view text);
  // Details for the next attempt, at most 64 KiB.
  void AddHeartbeat(TaskId id, v1::Payload details);
  // Take no more tasks; finish those that run.
  void Leave();
  // Stops whatever runs, as retryable failures: the end of a drain.
  void StopAll(std::string_view reason);
  // Lets time pass: a beat may be due.
  void Advance(absl::Duration now);

  // --- outputs

  std::vector<BegunTask> TakeBegun();
  std::vector<StoppedTask> TakeStopped();
  bool HasFrame() const;
  // The next frame for the stream; take it only when it can be written at once.
  v1::ConnectRequest TakeFrame(absl::Duration now);
  // When Advance() is next needed; infinite without a stream.
  absl::Duration NextAdvance() const;

  // --- state

  // Welcome has come on this stream.
  bool ready() const { return phase_ == Phase::kReady; }
  bool leaving() const { return leaving_; }
  // No task runs, is held or winds up.
  bool Idle() const { return tasks_.empty() && dropped_.empty(); }
  // The server asked to close the stream, and nothing is left to do on it.
  bool WantsClose() const { return draining_ && Idle() && !HasFrame(); }
  size_t running() const { return running_; }
  size_t held() const { return tasks_.size() - running_; }
  const std::string& server_epoch() const { return server_epoch_; }

 private:
  enum class Phase { kClosed, kGreeting, kReady };

  struct TaskState {
    TaskId id = 0;
    bool begun = false;  // the owner has taken it
    std::optional<Outcome> outcome;
    ProgressBuffer progress;
  };
  using Tasks = std::map<std::string, TaskState, std::less<>>;

  absl::Status OnWelcome(const v1::Welcome& welcome);
  void OnVerdict(const v1::Verdict& verdict);
  absl::Status OnTask(v1::Task task);
  void OnCancel(const v1::Cancel& cancel);
  absl::Status OnFragment(const v1::Fragment& piece);
  // Recorded, Refused and DROP: nobody wants to hear of the task again.
  void Forget(const std::string& token, const std::string& reason);
  void StopTask(Tasks::iterator it, std::string_view type,
                const std::string& reason);
  void Settle(Tasks::iterator it, Outcome outcome);
  void SendOutcome(const std::string& token, const TaskState& state);
  void SendProgress(const std::string& token, TaskState& state);
  void AcceptTask(const std::string& token);
  // Slots that the server may still fill but has no credit for.
  int32_t NewCredit() const;

  Options options_;
  Phase phase_ = Phase::kClosed;
  bool leaving_ = false;
  bool draining_ = false;
  std::string server_epoch_;
  absl::Duration beat_interval_;
  absl::Duration last_sent_ = absl::ZeroDuration();

  TaskId next_id_ = 1;
  Tasks tasks_;
  std::map<TaskId, std::string> tokens_;  // of tasks_ not yet finished
  std::set<TaskId> dropped_;              // forgotten, but not yet finished
  size_t running_ = 0;                    // of tasks_, without an outcome
  int32_t credit_ = 0;                    // what the server has of ours

  OutputQueue output_;
  std::set<TaskId> with_progress_;
  Reassembler input_;
  // Cancels that overtook the pieces of their task.
  std::map<std::string, std::string> early_cancels_;
  std::vector<BegunTask> begun_;
  std::vector<StoppedTask> stopped_;
};

}  // namespace anabranch::activity_worker
