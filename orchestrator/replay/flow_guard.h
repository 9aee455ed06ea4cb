// FlowGuard: is told when a flow's code runs, and on what.
//
// A flow is its author's code: it can crash the process, or never come back.
// Whoever wants to know where it was at that moment implements this.
#pragma once

#include "anabranch/v1/history.pb.h"

namespace anabranch::replay {

// Threads: the run's role.
class FlowGuard {
 public:
  virtual ~FlowGuard() = default;
  // The flow is about to take in `event`.
  virtual void Enter(const anabranch::v1::HistoryEvent& event) = 0;
  // It came back.
  virtual void Leave() = 0;
};

// Enters for as long as it lives.
class InFlow {
 public:
  // `guard` may be null: nobody wants to know.
  InFlow(FlowGuard* guard, const anabranch::v1::HistoryEvent& event)
      : guard_(guard) {
    if (guard_ != nullptr) guard_->Enter(event);
  }
  ~InFlow() {
    if (guard_ != nullptr) guard_->Leave();
  }
  InFlow(const InFlow&) = delete;
  InFlow& operator=(const InFlow&) = delete;

 private:
  FlowGuard* guard_;
};

}  // namespace anabranch::replay
