// FlowContext: all that a flow can do. Deterministic: what it answers is in
// the history, so that a replay gets the same answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/v1/activity.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "anabranch/v1/run.pb.h"
#include "sdk/answers.h"
#include "sdk/future.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

using anabranch::v1::ActivityOptions;
using anabranch::v1::Failure;
using anabranch::v1::ParentClosePolicy;
using anabranch::v1::Payload;

// JSON text as a payload, kept byte for byte.
Payload JsonPayload(std::string json_text);

// An activity to start.
struct Activity {
  // For example "claude.messages"; its kind's defaults are in
  // sdk/activity_defaults.h.
  std::string type;
  // What people see beside the type; may be empty.
  std::string name = {};
  Payload input = {};
  // Content that reaches the worker beside the input; references cost nothing.
  std::map<std::string, Payload> attachments = {};
  // What is set here overrides the kind's defaults.
  ActivityOptions options = {};
};

// A child run to start, in the same namespace.
struct Child {
  // Name of its flow.
  std::string flow;
  // [A-Za-z0-9][A-Za-z0-9._:-]{0,127}; empty: made from the parent's id.
  std::string run_id = {};
  Payload input = {};
  // What happens to it when this run is closed while it is open.
  ParentClosePolicy parent_close_policy =
      anabranch::v1::PARENT_CLOSE_POLICY_TERMINATE;
  // Limit for the child as a whole; 0: none.
  absl::Duration run_timeout = absl::ZeroDuration();
};

// What a run was started with.
struct FlowInput {
  Payload payload;
  std::map<std::string, Payload> attachments;
};

// Reads content that a reference stands for. Content never changes, so reading
// is deterministic.
class PayloadReader {
 public:
  virtual ~PayloadReader() = default;
  virtual absl::StatusOr<std::string> Read(
      const anabranch::v1::PayloadRef& ref) = 0;
};

// Under its flow's role. Owned by the FlowInstance; outlives all frames. While
// the flow is being evicted every call is inert.
class FlowContext {
 public:
  FlowContext(Runtime& runtime, PayloadReader* payloads)
      : runtime_(runtime), payloads_(payloads) {}
  FlowContext(const FlowContext&) = delete;
  FlowContext& operator=(const FlowContext&) = delete;

  // What these four start belongs to the run's own scope, which is cancelled
  // when somebody asks the run to cancel; sdk/scope.h has others. Once a scope
  // is cancelled, what is started in it fails at once with `cancelled`.

  // Asks for an activity; the future closes with its result or failure.
  Future<Payload> Start(Activity activity);

  // Closes when `duration` has passed; survives restarts. Negative is 0.
  Future<Payload> StartTimer(absl::Duration duration);

  // Asks for a child run; the future closes with its result when it is closed.
  // Else it fails: with the child's own failure when it FAILED, with
  // `cancelled`, `terminated` or `timeout`, with `command_refused` when a limit
  // or a bad run_id is in the way, or with the reason why it could not be
  // started. Cancelling asks the child to cancel itself; the future stays open
  // until the child is closed, and closes as it does.
  Future<Payload> StartChild(Child child);

  // The next signal of that name that was not received yet, in order.
  Future<Payload> ReceiveSignal(std::string_view name);

  // Closes with the child's run_id when the child exists, which a flow waits
  // for before it ends and leaves the child on its own; fails as the child does
  // when it never will. `child` came from StartChild.
  Future<std::string> ChildStarted(const Future<Payload>& child);

  // Gives up an activity, timer or child: its future fails with `cancelled` at
  // once and a worker that carries it out is told. A child, or an activity with
  // WAIT_COMPLETED, is asked, and its future closes as it does. Nothing when it
  // is closed, or stands for nothing.
  void Cancel(const Future<Payload>& future);

  // True once somebody asked the run to cancel: what was open in its scope was
  // cancelled with it. A flow that then returns `cancelled` ends CANCELLED.
  bool cancel_requested() const { return runtime_.cancel_requested; }
  // Closes when cancellation is requested.
  Future<Payload> CancelRequested();

  // Ends this generation; the run goes on as its flow's first step with
  // `input`, under the same id, with a new history. Signals that were not read
  // and published values go along. Open timers are dropped; activities and
  // children must be closed or detached (cancelled, or ABANDON), else the
  // future fails with `command_refused`. It never closes otherwise:
  //
  //   co_return (co_await ctx.ContinueAsNew(state)).status();
  Future<Payload> ContinueAsNew(Payload input);
  // True once the history has grown so long that the flow should continue as
  // new at the next good moment.
  bool ContinueAsNewSuggested() const {
    return runtime_.continue_as_new_suggested;
  }

  // Shows `value` under `name` to QueryRun, also when the run is closed or
  // cannot be rebuilt; the newest counts. More than 100 names are refused,
  // which the history tells.
  void Publish(std::string_view name, Payload value);

  // Answers queries of that name until the result is destroyed; of several
  // the newest does. See AnswerFunction for what a handler may do.
  [[nodiscard]] sdk::Answer Answer(std::string_view name,
                                   AnswerFunction function);

  // True when this run goes the new way of the change `id`: a run that comes
  // here for the first time records so; one whose history went by without it
  // goes on the old way. The first answer for an id holds, wherever it is
  // asked again. [Change a flow: docs/determinism.md]
  bool Patched(std::string_view id);
  // Takes Patched's place once no open run goes the old way: accepts histories
  // that have the patch, and records nothing.
  void DeprecatePatch(std::string_view id);

  // The time of the stimulus that woke the flow: the same in every replay.
  absl::Time Now() const { return runtime_.now; }
  // From the recorded seed.
  uint64_t Random();
  // A version 4 UUID from the recorded seed.
  std::string Uuid();

  // Records what `fn` returns under `name`; a replay gets the recorded value
  // and does not call `fn`. Names that begin with `patch:` or `publish:` are
  // taken.
  Payload SideEffect(std::string_view name, const std::function<Payload()>& fn);

  // The content of a payload as text or bytes, references read.
  absl::StatusOr<std::string> Content(const Payload& payload);

  // A line in the server's log with the run's id; silent in replay.
  void Log(std::string_view line);

 private:
  friend Runtime& RuntimeOf(FlowContext& context);
  Runtime& runtime_;
  PayloadReader* payloads_;
};

inline Runtime& RuntimeOf(FlowContext& context) { return context.runtime_; }

}  // namespace anabranch::sdk
