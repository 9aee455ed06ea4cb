// World: virtual time, randomness and faults of one simulated seed. Everything
// that happens is an action in one order; the same seed gives the same order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/random.h"
#include "orchestrator/shard/times.h"

namespace anabranch::sim {

// Kinds of faults. Half of them are off in each seed, so that rare ones are
// not drowned by common ones.
enum class Fault {
  // The orchestrator is killed between two steps of its loop; see KillPoint.
  kKill,
  // The orchestrator stands still for some seconds.
  kFreeze,
  // A write takes long.
  kSlowSync,
  // The wall clock jumps.
  kWallJump,
  // A worker process dies; a new one takes its place.
  kWorkerDeath,
  // A worker's stream breaks, and the same session comes back at once.
  kStreamBreak,
  // The same, but it comes back late.
  kLongBreak,
  // The server does not notice that a stream is gone.
  kHalfOpen,
  // Nothing passes for a while, in either direction.
  kStall,
  // A worker says a result twice.
  kDoubleAnswer,
  // It says a result once more, long after.
  kLateAnswer,
  // A client's request or its answer is lost.
  kCallLost,
  // A client sends the same request twice at once.
  kDoubleCall,
  kCount,
};
std::string_view FaultName(Fault fault);

// Threads: one. Outlives everything else of its seed.
class World {
 public:
  explicit World(uint64_t seed);

  shard::Times Now() { return {clock.Now(), clock.Steady()}; }

  // Calls `action` when `delay` has passed; at equal times in order of calls.
  void After(absl::Duration delay, std::function<void()> action);
  // Goes on to the next action; false when there is none.
  bool Step();

  bool Chance(double p) { return random.NextUnit() < p; }
  absl::Duration Between(absl::Duration low, absl::Duration high);
  int64_t Between(int64_t low, int64_t high);

  // Whether this kind happens now, given that it would with probability p.
  // Never once the faults have stopped.
  bool Happens(Fault fault, double p);
  bool on(Fault fault) const { return on_[static_cast<int>(fault)]; }
  // Counts a fault and puts it into the trace.
  void Fired(Fault fault);
  void StopFaults() { healed_ = true; }
  bool healed() const { return healed_; }
  // How often each name fired: faults and whatever else is counted.
  void Count(std::string_view what) { ++counts_[std::string(what)]; }
  const std::map<std::string, int64_t>& counts() const { return counts_; }

  // Puts a happening into the trace; with `print`, onto stderr too.
  void Trace(std::string_view what, std::string_view detail);
  uint64_t trace_hash() const { return hash_; }
  bool print = false;

  // A rule was broken; the first one counts and ends the seed.
  void Fail(std::string message);
  const std::string& failure() const { return failure_; }
  bool failed() const { return !failure_.empty(); }

  FakeClock clock;
  SeededRandom random;

 private:
  using When = std::pair<absl::Duration, uint64_t>;
  std::map<When, std::function<void()>> actions_;
  uint64_t next_ = 0;
  bool on_[static_cast<int>(Fault::kCount)] = {};
  bool healed_ = false;
  std::map<std::string, int64_t> counts_;
  uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::string failure_;
};

}  // namespace anabranch::sim
