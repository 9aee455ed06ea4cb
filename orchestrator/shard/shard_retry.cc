// RetryRun: a fork onto itself.
#include <utility>

#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

void Shard::On(RetryRun input, Times /*now*/) {
  Later([reply = std::move(input.reply)] {
    reply(absl::UnimplementedError("RetryRun"));
  });
}

}  // namespace anabranch::shard
