// Replay: rebuilds a live flow from its history, strictly.
//
// The command queue is empty at every stimulus and at the end of history;
// commands are matched to events by kind, number and name, never by argument.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/run.pb.h"
#include "orchestrator/replay/flow_guard.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::replay {

// The flow's code and its history do not agree, or it broke down.
struct Mismatch {
  anabranch::v1::BlockedReason reason =
      anabranch::v1::BLOCKED_REASON_NON_DETERMINISM;
  int64_t event_id = 0;
  // For people: recorded first, current second, what can be done.
  std::string report;
};

struct Replayed {
  // Null when there is a mismatch.
  std::unique_ptr<sdk::FlowInstance> flow;
  std::optional<Mismatch> mismatch;
};

struct ReplayInput {
  // "default/r-1", for the report.
  std::string run;
  const sdk::FlowDefinition* flow = nullptr;
  std::string build_id;
  // Outlives the flow.
  sdk::PayloadReader* payloads = nullptr;
  // Is told of each delivery; may be null.
  FlowGuard* guard = nullptr;
};

// Delivers all of `history` to a new flow. Threads: the run's role.
Replayed Replay(const ReplayInput& input,
                const std::vector<storage::v1::ActivationRecord>& history);

// What is said of a flow that let an exception out at that event.
std::string ExceptionReport(const ReplayInput& input, int64_t event_id,
                            const std::string& what);

// True for events that wake a flow.
bool IsStimulus(const anabranch::v1::HistoryEvent& event);

// "ACTIVITY_COMPLETED": the event's type in capitals.
std::string EventTypeName(const anabranch::v1::HistoryEvent& event);

}  // namespace anabranch::replay
