#include "base/random.h"

#include <sys/random.h>

#include "absl/strings/str_format.h"
#include "base/check.h"

namespace anabranch {

uint64_t SeededRandom::Next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t SystemRandom::Next() {
  uint64_t value = 0;
  AB_CHECK(getrandom(&value, sizeof(value), 0) == sizeof(value));
  return value;
}

std::string RandomHexId(Random& random) {
  return absl::StrFormat("%016x%016x", random.Next(), random.Next());
}

}  // namespace anabranch
