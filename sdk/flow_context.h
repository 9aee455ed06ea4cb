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
#include "sdk/future.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

using anabranch::v1::ActivityOptions;
using anabranch::v1::Failure;
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

  // Asks for an activity; the future closes with its result or failure. After
  // cancellation was requested it fails at once.
  Future<Payload> Start(Activity activity);

  // Closes when `duration` has passed; survives restarts. Negative is 0.
  Future<Payload> StartTimer(absl::Duration duration);

  // The next signal of that name that was not received yet, in order.
  Future<Payload> ReceiveSignal(std::string_view name);

  // Gives up an activity or timer: its future fails with `cancelled` at once,
  // a worker that carries it out is told. Nothing when it is closed.
  void Cancel(const Future<Payload>& future);

  // True once somebody asked the run to cancel: open activities and timers
  // were cancelled with it. A flow that then returns an error ends CANCELLED.
  bool cancel_requested() const { return runtime_.cancel_requested; }
  // Closes when cancellation is requested.
  Future<Payload> CancelRequested();

  // The time of the stimulus that woke the flow: the same in every replay.
  absl::Time Now() const { return runtime_.now; }
  // From the recorded seed.
  uint64_t Random();
  // A version 4 UUID from the recorded seed.
  std::string Uuid();

  // Records what `fn` returns under `name`; a replay gets the recorded value
  // and does not call `fn`.
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
