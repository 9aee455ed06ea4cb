// Grammar: what every history must be a word of, event by event, whatever the
// flow was. Knows nothing of the engine but its alphabet.
//
//   thing       opened by          closed at most once, after that, by
//   activity    ActivityScheduled  ActivityCompleted | Failed | TimedOut |
//                                  Cancelled
//   timer       TimerStarted       TimerFired | TimerCancelled
//   child       ChildScheduled     ChildClosed; ChildStarted once before
//   generation  RunStarted, or     RunCompleted | Failed | Cancelled |
//               Forked             Terminated | TimedOut | ContinuedAsNew
//               (alone, when it was ended before it began:
//               Terminated | TimedOut)
//   pause       RunPaused          RunResumed
//
//   history     activation…, numbered from 1 without gaps
//   activation  one stimulus or administrative event, then only command
//               events, all of one time and of the activation's number
//   command     one number, higher than all before it; a refused command opens
//               nothing
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"

namespace anabranch::sim {

// Threads: one. A value: a copy goes on from the same place.
class Grammar {
 public:
  // Which rule the next activation breaks; empty when it breaks none.
  std::string Take(const storage::v1::ActivationRecord& activation);

 private:
  enum class Thing { kActivity, kTimer, kChild };
  struct State {
    Thing thing;
    bool open = true;
    bool started = false;
    bool cancel_requested = false;
  };

  std::string TakeEvent(const anabranch::v1::HistoryEvent& event);
  std::string TakeStimulus(const anabranch::v1::HistoryEvent& event);
  std::string TakeCommand(const anabranch::v1::HistoryEvent& event);
  std::string Open(int64_t seq, Thing thing);
  std::string Close(int64_t seq, Thing thing);
  std::string Number(int64_t seq);

  int64_t last_event_ = 0;
  int64_t last_command_ = 0;
  std::map<int64_t, State> things_;
  bool paused_ = false;
  bool closed_ = false;
};

}  // namespace anabranch::sim
