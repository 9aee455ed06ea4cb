// Player: carries out a scenario's commands over a shard with a virtual clock.
//
//   flow NAME [build=BUILD]       the program below is flow NAME of that build
//                                 (build-1 when none is named)
//   start RUN [FLOW] [input=JSON] [request=ID] [timeout=D] [labels={…}]
//         [signals=[[NAME, JSON],…]] [conflict=use_existing]
//                                 without FLOW it carries out the program below
//   signal RUN NAME [JSON] [bytes=N] [request=ID]
//                                 bytes: a string of that many
//   cancel | terminate | pause | resume | retry RUN [request=ID]
//   delete RUN [force]
//   query RUN NAME [JSON]
//   batch ID ACTION filter="…" [signal=NAME] [input=JSON]
//                                 cancel, terminate, signal, pause, resume,
//                                 retry or delete what the filter means; goes
//                                 on as time passes
//   batch ID stop                 what it has not reached stays as it is
//   batch ID                      how far it has come
//   queue NAME [rate=N] [burst=N] [key_limit=N]
//                                 sets the limits of a task queue
//   show RUN                      how GetRun shows it
//   history RUN                   every event of it, of all generations
//   workers                       how ListWorkers shows them
//
//   worker W [types=A,B] [queues=A,B] [slots=N] [answers]
//                                 connects; `answers` returns each task's input
//   disconnect W                  its stream breaks
//   reconnect W [forgets=R/S,…] [holds=R/S,…]
//                                 same session; it names what it carries out,
//                                 but for what it forgets, and what it holds
//   silent W                      the stream stays, nothing comes any more
//   accept RUN/SEQ                the task has reached its worker
//   complete RUN/SEQ [JSON] [attempt=N]
//   fail RUN/SEQ TYPE [MESSAGE] [final] [delay=D] [attempt=N]
//   heartbeat RUN/SEQ [JSON]
//   advance D                     time passes, and what is due happens
//   restart [after=D] [build=B]   the orchestrator is killed and starts again
//
// A task is named RUN/SEQ: the newest attempt, but for attempt=N. A command
// that is carried out without anything to tell prints nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/ids.h"
#include "orchestrator/shard/input.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_registry.h"
#include "tests/program/interpret.h"
#include "tests/scenarios/render.h"
#include "tests/scenarios/scenario.h"

namespace anabranch::scenarios {

// Threads: one. One for each scenario.
class Player {
 public:
  explicit Player(size_t live_flows_max);

  // What came of it, line by line. kInvalidArgument says what is wrong with
  // the command itself.
  absl::StatusOr<std::vector<std::string>> Play(const Command& command);

 private:
  struct Task {
    std::string token;
    int32_t attempt = 0;
    std::string input;
  };
  struct Worker {
    shard::StreamId stream;
    bool connected = false;
    bool silent = false;
    bool answers = false;
    v1::Hello hello;
    // What it has of each activity, "r1/1": every attempt, the newest last.
    std::map<std::string, std::vector<Task>> tasks;
    // Tokens that it carries out.
    std::map<std::string, std::string> running;
  };

  // --- runs (player_runs.cc) ---
  absl::Status Flow(const Command& command);
  absl::Status Start(const Command& command);
  absl::Status Signal(const Command& command);
  // cancel, terminate, pause, resume.
  template <typename Input>
  absl::Status Ask(const Command& command);
  absl::Status Retry(const Command& command);
  absl::Status Delete(const Command& command);
  absl::Status Query(const Command& command);
  absl::Status Queue(const Command& command);
  absl::Status Show(const Command& command);
  absl::Status History(const Command& command);
  // One generation's events, those that it shares with others included.
  absl::StatusOr<std::vector<v1::HistoryEvent>> EventsOf(
      Uid uid, const storage::v1::StatusRecord& status);
  // The answer first, then what else comes of the input.
  void RoundAndAnswer(shard::Input input, const std::function<void()>& print);

  // --- batches (player_batches.cc) ---
  absl::Status Batch(const Command& command);
  absl::Status StopBatch(const std::string& id);
  // Posts what a batch is asked, and prints why not when it is refused.
  template <typename Request>
  void AskOfBatch(Request request);
  absl::Status ShowBatch(const std::string& id);

  // --- workers (player_workers.cc) ---
  absl::Status Connect(const Command& command);
  absl::Status Disconnect(const Command& command);
  absl::Status Reconnect(const Command& command);
  absl::Status Silent(const Command& command);
  absl::Status Accept(const Command& command);
  absl::Status Heartbeat(const Command& command);
  absl::Status Workers(const Command& command);
  absl::Status Complete(const Command& command);
  absl::Status Fail(const Command& command);
  absl::StatusOr<Worker*> FindWorker(const Command& command);
  // The worker that got that attempt last, and its task.
  absl::StatusOr<std::pair<Worker*, Task*>> FindTask(const Command& command);
  void SayHello(Worker& worker);
  void Send(const Worker& worker, v1::WorkerMessage message);
  void Collect();
  void TakeMessage(const std::string& name, Worker& worker,
                   const v1::ServerMessage& message);

  // --- time (player.cc) ---
  absl::Status Advance(const Command& command);
  absl::Status Restart(const Command& command);

  void Round(std::vector<shard::Input> inputs);
  void Print(const std::string& line);
  void PrintError(const absl::Status& status);
  sdk::FlowRegistry& Build(const std::string& build);

  program::Environment environment_;
  shard::testing::Harness harness_;
  std::map<std::string, std::unique_ptr<sdk::FlowRegistry>> builds_;
  Renderer renderer_;
  std::map<std::string, Worker> workers_;
  uint64_t last_stream_ = 0;
  // While time passes each line tells when.
  bool advancing_ = false;
  std::vector<std::string> outputs_;
  // Replies that have not come yet.
  int awaited_ = 0;
};

}  // namespace anabranch::scenarios
