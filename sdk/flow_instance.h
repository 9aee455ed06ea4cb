// FlowInstance: one live flow as the engine drives it. Events in, commands
// out: the boundary at which a flow could run elsewhere.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

// A flow: a coroutine that returns its result.
using FlowFunction = Future<Payload> (*)(FlowContext&, FlowInput);

// Under its run's role. Destroying it evicts the flow.
class FlowInstance {
 public:
  explicit FlowInstance(FlowFunction function);
  ~FlowInstance();
  FlowInstance(const FlowInstance&) = delete;
  FlowInstance& operator=(const FlowInstance&) = delete;

  // Before the first Deliver. `payloads` outlives the instance; may be null
  // where no references occur.
  void SetPayloadReader(PayloadReader* payloads);

  // While true, Log is silent.
  void SetReplaying(bool replaying) { runtime_.replaying = replaying; }

  // Values that SideEffect must answer in the coming Deliver, by seq: read
  // from the activation's recorded command events.
  void SetRecordedMarkers(std::map<int64_t, Payload> markers) {
    runtime_.recorded_markers = std::move(markers);
  }

  // Takes in one stimulus (or CommandRefused) and runs until nothing is ready.
  // The first one is RunStarted. Events that concern nobody are ignored.
  void Deliver(const anabranch::v1::HistoryEvent& event);

  // The oldest command that was not taken yet.
  std::optional<anabranch::v1::Command> TakeCommand();

  // Signals that the flow has not received.
  std::vector<anabranch::v1::SignalReceived> UnreadSignals() const;

  // Not empty once the flow let an exception out.
  const std::string& exception() const { return runtime_.exception; }
  // More commands or awaits in one activation than limits allow.
  bool stuck() const { return runtime_.stuck; }

  std::vector<std::string> TakeLogLines();

 private:
  void Start(const anabranch::v1::HistoryEvent& event);
  void Resolve(const anabranch::v1::HistoryEvent& event);
  void CloseIfReturned();

  FlowFunction function_;
  Runtime runtime_;
  // Destroyed before the runtime, after all frames: see ~FlowInstance.
  std::optional<FlowContext> context_;
  Future<Payload> main_;
  bool started_ = false;
  bool returned_ = false;
};

}  // namespace anabranch::sdk
