// World: virtual time, randomness and faults of one simulated seed. Everything
// that happens is an action in one order; the same seed gives the same order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/random.h"
#include "orchestrator/shard/times.h"
#include "tests/sim/config.h"
#include "tests/sim/faults.h"

namespace anabranch::sim {

// Threads: one. Outlives everything else of its seed.
class World {
 public:
  // `without`: names of faults that do not happen, whatever the seed says.
  World(uint64_t seed, const std::set<std::string>& without);

  shard::Times Now() { return {clock.Now(), clock.Steady()}; }

  // Calls `action` when `delay` has passed; at equal times in order of calls.
  void After(absl::Duration delay, std::function<void()> action);
  // Goes on to the next action; false when there is none.
  bool Step();

  bool Chance(double p) { return random.NextUnit() < p; }
  absl::Duration Between(absl::Duration low, absl::Duration high);
  int64_t Between(int64_t low, int64_t high);

  // Whether this kind happens at this occasion. Never once the faults have
  // stopped.
  bool Happens(Fault fault);
  bool on(Fault fault) const { return faults_.on(fault); }
  // How often a planned fault is to happen in this seed.
  int64_t TimesOf(Fault fault) const;
  // The randomness of one kind: leaving out a kind does not change the others.
  SeededRandom& RandomOf(Fault fault) {
    return streams_[static_cast<size_t>(fault)];
  }
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
  const SimConfig config;
  // How often the store has become an older copy of itself.
  int restores = 0;
  // What the orchestrator was told of the disk last.
  bool disk_full = false;

 private:
  using When = std::pair<absl::Duration, uint64_t>;
  std::map<When, std::function<void()>> actions_;
  uint64_t next_ = 0;
  const Faults faults_;
  std::vector<SeededRandom> streams_;
  bool healed_ = false;
  std::map<std::string, int64_t> counts_;
  uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::string failure_;
};

}  // namespace anabranch::sim
