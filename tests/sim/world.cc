#include "tests/sim/world.h"

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

std::string_view FaultName(Fault fault) {
  static constexpr std::string_view kNames[] = {
      "kill",        "freeze",     "slow_sync",   "wall_jump", "death",
      "break",       "long_break", "half_open",   "stall",     "double_answer",
      "late_answer", "call_lost",  "double_call",
  };
  static_assert(std::size(kNames) == static_cast<size_t>(Fault::kCount));
  return kNames[static_cast<int>(fault)];
}

World::World(uint64_t seed) : random(seed * 0x9e3779b97f4a7c15ULL + seed) {
  for (bool& on : on_) on = Chance(0.5);
  // The one that everything else is about.
  if (Chance(0.7)) on_[static_cast<int>(Fault::kKill)] = true;
}

void World::After(absl::Duration delay, std::function<void()> action) {
  actions_[{clock.Steady() + delay, next_++}] = std::move(action);
}

bool World::Step() {
  if (actions_.empty()) return false;
  auto first = actions_.begin();
  if (first->first.first > clock.Steady()) {
    clock.Advance(first->first.first - clock.Steady());
  }
  std::function<void()> action = std::move(first->second);
  actions_.erase(first);
  action();
  return true;
}

absl::Duration World::Between(absl::Duration low, absl::Duration high) {
  return low + (high - low) * random.NextUnit();
}

int64_t World::Between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(
                   random.NextBelow(static_cast<uint64_t>(high - low) + 1));
}

bool World::Happens(Fault fault, double p) {
  if (healed_ || !on(fault) || !Chance(p)) return false;
  Fired(fault);
  return true;
}

void World::Fired(Fault fault) {
  Count(FaultName(fault));
  Trace("fault", FaultName(fault));
}

void World::Trace(std::string_view what, std::string_view detail) {
  auto mix = [this](std::string_view bytes) {
    for (char c : bytes) {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
  };
  std::string time = std::to_string(absl::ToInt64Nanoseconds(clock.Steady()));
  mix(time);
  mix(what);
  mix(detail);
  if (print) {
    std::fprintf(stderr, "%12.6f %.*s %.*s\n",
                 absl::ToDoubleSeconds(clock.Steady()),
                 static_cast<int>(what.size()), what.data(),
                 static_cast<int>(detail.size()), detail.data());
  }
}

void World::Fail(std::string message) {
  if (failed()) return;
  failure_ = absl::StrCat("at ", absl::ToDoubleSeconds(clock.Steady()),
                          " s: ", message);
  Trace("FAILED", failure_);
}

}  // namespace anabranch::sim
