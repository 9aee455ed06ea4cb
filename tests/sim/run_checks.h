// Checks of single runs from batch to batch: what a pause and the recovery
// grace hold back, and the order of mail.
#pragma once

#include "tests/sim/session_watch.h"
#include "tests/sim/step.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// While a run is paused nothing of it is granted and none of its timers fires;
// a wait for a worker that runs out begins anew.
class PauseCheck : public StepCheck {
 public:
  PauseCheck(World& world, const SessionWatch& sessions, const Records& records)
      : world_(world), sessions_(sessions), records_(records) {}
  void OnStep(const DurableStep& step) override;
  void OnBoot() override;

 private:
  void CheckRun(const RunRecords& run, const RunBefore& before);
  void CheckWaits(const RunRecords& run, absl::Time now);

  World& world_;
  const SessionWatch& sessions_;
  const Records& records_;
  // Attempts were under way when the process started.
  bool leased_ = false;
};

// No timer of a run fires while a session with an attempt of it has not come
// back after a restart: what it brings comes first.
class GraceCheck : public StepCheck {
 public:
  GraceCheck(World& world, const SessionWatch& sessions)
      : world_(world), sessions_(sessions) {}
  void OnStep(const DurableStep& step) override;

 private:
  World& world_;
  const SessionWatch& sessions_;
};

// A cancelled activity that waits for its end (WAIT_COMPLETED) is not closed
// before its attempt has ended.
class CancelCheck : public StepCheck {
 public:
  explicit CancelCheck(World& world) : world_(world) {}
  void OnStep(const DurableStep& step) override;

 private:
  World& world_;
};

// What waited in a mailbox is taken in in its order, and nothing else first.
class MailCheck : public StepCheck {
 public:
  explicit MailCheck(World& world) : world_(world) {}
  void OnStep(const DurableStep& step) override;

 private:
  World& world_;
};

}  // namespace anabranch::sim
