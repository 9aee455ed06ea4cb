// DeleteRun: nothing of a run is left.
#include <utility>

#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

void Shard::On(DeleteRun input, Times /*now*/) {
  Later([reply = std::move(input.reply)] {
    reply(absl::UnimplementedError("DeleteRun"));
  });
}

}  // namespace anabranch::shard
