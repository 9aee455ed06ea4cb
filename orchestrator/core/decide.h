// Decide: which event records a command. Pure; mutates nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "orchestrator/core/run_state.h"

namespace anabranch::core {

// What the flow knows that the closing event must list.
struct FlowFacts {
  std::vector<api::SignalReceived> unread_signals;
};

// The one event that records `command`, without id and time. A command that
// breaks a limit yields CommandRefused. `now` is the activation's time.
api::HistoryEvent DecideCommand(const RunState& state,
                                const api::Command& command,
                                const FlowFacts& facts, absl::Time now);

// True for commands that close the generation when they are accepted.
bool IsClosing(const api::Command& command);

// True for command events that the flow must hear of: FlowInstance::Deliver.
bool ConcernsFlow(const api::HistoryEvent& event);

// SCHEDULE_ACTIVITY, START_TIMER, …: what reports call a command, and the
// command that an event records. Empty for events that record none.
std::string CommandKind(const api::Command& command);
std::string CommandKind(const api::HistoryEvent& event);
// Activity type, marker name or child's flow; empty for others.
std::string CommandName(const api::Command& command);
std::string CommandName(const api::HistoryEvent& event);
// The command's number; for closing events, which carry none, 0.
int64_t CommandSeq(const api::Command& command);
int64_t CommandSeq(const api::HistoryEvent& event);

}  // namespace anabranch::core
