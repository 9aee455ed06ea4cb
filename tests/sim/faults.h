// Faults: everything that a seed may break, by name.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/random.h"

namespace anabranch::sim {

// What each does is told in the table of faults.cc.
enum class Fault {
  // The orchestrator's process.
  kKill,
  kFreeze,
  kBadBuild,
  kStop,
  // Its log.
  kSlowSync,
  kTornTail,
  kAppendFails,
  kAnswerLost,
  kFenced,
  kDiskFull,
  kRestore,
  // Clocks.
  kWallJump,
  // Workers.
  kWorkerDeath,
  kNewSession,
  kWorkerFreeze,
  kDoubleAnswer,
  kLateAnswer,
  kLie,
  // Streams.
  kStreamBreak,
  kLongBreak,
  kHalfOpen,
  kStall,
  kPartition,
  kDelay,
  kBreakAtStop,
  // Clients and their calls.
  kCallLost,
  kCallReordered,
  kDoubleCall,
  kAbandon,
  kStartTwice,
  // Operators.
  kPause,
  // Messages between parents and children.
  kMessageLate,
  kMessageTwice,
  kSetQueue,
  kDelete,
  kQuery,
  kBatch,
  kCount,
};
inline constexpr int kFaultCount = static_cast<int>(Fault::kCount);

struct FaultSpec {
  Fault fault;
  std::string_view name;
  std::string_view what;
  // Range that a seed's rate is drawn from: times per seed where `planned`,
  // else the chance at each occasion.
  bool planned;
  double least;
  double most;
};
const FaultSpec& SpecOf(Fault fault);
std::string_view FaultName(Fault fault);

// What is on in one seed, and how often. Half of the kinds are off, so that
// rare ones are not drowned by common ones. Threads: one.
class Faults {
 public:
  // Draws the same amount of randomness whatever `without` names: leaving a
  // kind out changes as little else as can be.
  Faults(Random& random, const std::set<std::string>& without);

  bool on(Fault fault) const { return rate(fault) > 0; }
  // 0 when the kind is off.
  double rate(Fault fault) const { return rates_[static_cast<size_t>(fault)]; }

 private:
  std::array<double, kFaultCount> rates_ = {};
};

}  // namespace anabranch::sim
