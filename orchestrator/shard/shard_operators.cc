// What operators ask for: query, pause, resume.
#include <utility>

#include "orchestrator/shard/shard.h"

namespace anabranch::shard {

void Shard::On(QueryRun input, Times /*now*/) {
  Later([reply = std::move(input.reply)] {
    reply(absl::UnimplementedError("QueryRun"));
  });
}

void Shard::On(PauseRun input, Times /*now*/) {
  Later([reply = std::move(input.reply)] {
    reply(absl::UnimplementedError("PauseRun"));
  });
}

void Shard::On(ResumeRun input, Times /*now*/) {
  Later([reply = std::move(input.reply)] {
    reply(absl::UnimplementedError("ResumeRun"));
  });
}

}  // namespace anabranch::shard
