// What a run waits for, in a sentence. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/run.pb.h"
#include "anabranch/v1/worker.pb.h"

namespace anabranch::rpc {

// Sets no_worker of the run's waiting activities: those that are ready while
// no connected worker offers their type.
void MarkNoWorker(anabranch::v1::Run& run,
                  const std::vector<anabranch::v1::Worker>& workers);

// One sentence on what an open run waits for, by its waiting activities and
// timers; names the most telling one and how many others there are. Empty for
// a closed run.
std::string WaitingFor(const anabranch::v1::Run& run, absl::Time now);

bool IsClosed(anabranch::v1::RunState state);

}  // namespace anabranch::rpc
