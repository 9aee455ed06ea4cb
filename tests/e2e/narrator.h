// What a demonstration says while it goes on: lines with the time since its
// start. Threads: safe to call from any.
#pragma once

#include <ostream>
#include <string_view>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace anabranch::e2e {

class Narrator {
 public:
  explicit Narrator(std::ostream& out) : out_(out), start_(absl::Now()) {}

  // "  3.2 s  text".
  void Say(std::string_view text);
  // Text as it stands, with a line end.
  void Print(std::string_view text);

 private:
  absl::Mutex mutex_;
  std::ostream& out_ ABSL_GUARDED_BY(mutex_);
  const absl::Time start_;
};

}  // namespace anabranch::e2e
