// FlowInstance: one live flow as the engine drives it. Events in, commands
// out: the boundary at which a flow could run elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"
#include "sdk/runtime.h"

namespace anabranch::sdk {

// A flow: a coroutine that returns its result.
using FlowFunction = Future<Payload> (*)(FlowContext&, FlowInput);

// What calls one: it may hold what the coroutine then gets by value. Lives as
// long as its instance.
using FlowStarter = std::function<Future<Payload>(FlowContext&, FlowInput)>;

// Under its run's role. Destroying it evicts the flow.
class FlowInstance {
 public:
  explicit FlowInstance(FlowStarter starter);
  ~FlowInstance();
  FlowInstance(const FlowInstance&) = delete;
  FlowInstance& operator=(const FlowInstance&) = delete;

  // Before the first Deliver. `payloads` outlives the instance; may be null
  // where no references occur.
  void SetPayloadReader(PayloadReader* payloads);

  // While true, Log is silent.
  void SetReplaying(bool replaying) { runtime_.replaying = replaying; }

  // What SideEffect and Patched go by in the coming activation, by seq: its
  // recorded command events.
  void SetRecordedMarkers(
      std::map<int64_t, anabranch::v1::MarkerRecorded> markers) {
    runtime_.recorded_markers = std::move(markers);
  }

  // Takes in one stimulus and runs until nothing is ready. The first one is
  // RunStarted. Events that concern nobody are ignored. Two command events are
  // delivered too: CommandRefused resolves the command's future, and
  // RunContinuedAsNew voids the commands that were not taken.
  void Deliver(const anabranch::v1::HistoryEvent& event);

  // The oldest command that was not taken yet.
  std::optional<anabranch::v1::Command> TakeCommand();

  // The flow's answer to a query; changes nothing. kNotFound names the queries
  // that it answers; kUnknown when the handler threw.
  absl::StatusOr<Payload> Query(std::string_view name, const Payload& input);

  // Signals that the flow has not received.
  std::vector<anabranch::v1::SignalReceived> UnreadSignals() const;
  size_t unread_signal_count() const {
    return runtime_.unread_signals().size();
  }

  // Not empty once the flow let an exception out.
  const std::string& exception() const { return runtime_.exception; }
  // More commands or awaits in one activation than limits allow.
  bool stuck() const { return runtime_.stuck; }

  std::vector<std::string> TakeLogLines();

 private:
  void TakeIn(const anabranch::v1::HistoryEvent& event);
  void Start(const anabranch::v1::HistoryEvent& event);
  void Resolve(const anabranch::v1::HistoryEvent& event);
  void ResolveActivity(const anabranch::v1::HistoryEvent& event);
  void ResolveChild(const anabranch::v1::HistoryEvent& event);
  void RequestCancel();
  void CloseIfReturned();

  FlowStarter starter_;
  Runtime runtime_;
  // Destroyed before the runtime, after all frames: see ~FlowInstance.
  std::optional<FlowContext> context_;
  Future<Payload> main_;
  bool started_ = false;
  bool returned_ = false;
};

}  // namespace anabranch::sdk
