// HeartbeatCheck: what heartbeats leave for the next attempt. It is recorded
// within a second, and with the attempt's end; only a crash can take it away.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "tests/sim/step.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// Threads: one.
class HeartbeatCheck : public StepCheck {
 public:
  HeartbeatCheck(World& world, const Records& records)
      : world_(world), records_(records) {}

  // The server takes it in.
  void OnHeard(const v1::Heartbeat& heartbeat);
  void OnStep(const DurableStep& step) override;
  // A new process has heard nothing.
  void OnBoot() override { heard_.clear(); }
  void OnRestored() override { heard_.clear(); }

 private:
  // When, and which beat of its attempt.
  struct Beat {
    absl::Duration time;
    int64_t number = 0;
  };
  // Beats of running attempts that this process has heard, by token.
  using Heard = std::map<std::string, std::vector<Beat>>;

  void CheckRunning(const std::string& token, const std::vector<Beat>& beats,
                    absl::Duration now);
  void CheckEnded(const DurableStep& step);

  World& world_;
  const Records& records_;
  Heard heard_;
};

}  // namespace anabranch::sim
