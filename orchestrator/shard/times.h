// One reading of both clocks: an input of the shard like any other.
#pragma once

#include "absl/time/time.h"

namespace anabranch::shard {

struct Times {
  // For what people read and for deadlines that survive a restart.
  absl::Time wall;
  // For timers of this process's life.
  absl::Duration steady;
};

}  // namespace anabranch::shard
