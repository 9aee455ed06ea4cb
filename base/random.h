// Randomness as an input: everything random comes through this interface, so
// that a simulation can replay it from a seed.
#pragma once

#include <cstdint>
#include <string>

namespace anabranch {

class Random {
 public:
  virtual ~Random() = default;

  // Uniform over all 64-bit values.
  virtual uint64_t Next() = 0;

  // Uniform in [0, 1).
  double NextUnit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // Uniform in [0, bound); bound > 0. Bias below 2^-32 for small bounds.
  uint64_t NextBelow(uint64_t bound) { return Next() % bound; }
};

// Deterministic: SplitMix64 from a seed. Threads: one.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override;

 private:
  uint64_t state_;
};

// The kernel's random source. Threads: any.
class SystemRandom : public Random {
 public:
  uint64_t Next() override;
};

// 16 random bytes as 32 lower-case hex digits.
std::string RandomHexId(Random& random);

}  // namespace anabranch
