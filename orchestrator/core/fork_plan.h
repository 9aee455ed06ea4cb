// ForkPlan: where a history is cut so that its run can go on from there.
//
// Valid cuts lie between activations. A closed generation is cut strictly
// before what closed it:
//
//   closed by                       the cut lies strictly before
//   ------------------------------  ---------------------------------------
//   RunTerminated, RunTimedOut      that event: all that was decided stands
//   RunFailed                       the activation that holds it
//
// and the stimulus S of the activation that was cut off comes again:
//
//   S                               comes again as
//   ------------------------------  ---------------------------------------
//   RunStarted                      RunStarted: nothing is kept
//   SignalReceived                  itself: it was acknowledged
//   ChildStarted, ChildClosed       itself: the child will not say it twice
//   ActivityCompleted               itself: a recorded call is not made again
//   Activity{Failed, TimedOut, …}   the activity, from attempt 1
//   TimerFired                      the timer, with what remains of it
//   CancelRequested                 nothing: the retry overrules it
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"

namespace anabranch::core {

struct ForkPlan {
  // The last event that is kept; 0 when none is.
  int64_t last_event_id = 0;
  // The first event that is not.
  anabranch::v1::HistoryEvent cut_off;
  // Stimuli that come again, in order, without number and time.
  std::vector<anabranch::v1::HistoryEvent> again;
  // Open at the cut, by seq.
  std::map<int64_t, anabranch::v1::ActivityScheduled> activities;
  // Open at the cut, but asked to cancel: their cancellation is all that is
  // left of them.
  std::vector<int64_t> given_up;
  std::map<int64_t, anabranch::v1::TimerStarted> timers;
  std::map<int64_t, anabranch::v1::ChildScheduled> children;
  // Of those, the ones that were asked to cancel themselves.
  std::set<int64_t> cancelled_children;
};

// `history`: all activations of a closed generation, segments included; the
// last one closes it. `mail`: stimuli that it had been sent and never took in;
// they come again after S, and what they close is not open. Pure.
ForkPlan PlanRetry(const std::vector<storage::v1::ActivationRecord>& history,
                   const std::vector<anabranch::v1::HistoryEvent>& mail = {});

}  // namespace anabranch::core
