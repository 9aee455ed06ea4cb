// Task queues and their limits.
#include <utility>

#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

void Shard::On(SetTaskQueue input, Times /*now*/) {
  Later([reply = std::move(input.reply)] {
    reply(absl::UnimplementedError("SetTaskQueue"));
  });
}

}  // namespace anabranch::shard
