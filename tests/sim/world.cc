#include "tests/sim/world.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

World::World(uint64_t seed, const std::set<std::string>& without)
    : random(seed * 0x9e3779b97f4a7c15ULL + seed),
      config(DrawConfig(random)),
      faults_(random, without) {
  for (int i = 0; i < kFaultCount; ++i) streams_.emplace_back(random.Next());
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

bool World::Happens(Fault fault) {
  if (healed_ || !on(fault)) return false;
  if (RandomOf(fault).NextUnit() >= faults_.rate(fault)) return false;
  Fired(fault);
  return true;
}

int64_t World::TimesOf(Fault fault) const {
  return static_cast<int64_t>(std::lround(faults_.rate(fault)));
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
