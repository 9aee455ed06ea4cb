// Activities for trying things out.
//
//   echo   returns its input
//   sleep  {"seconds": x}: takes that long, returns {"slept_seconds": x}
//   fail   {"type","message","retryable","times","next_delay_seconds"}, all
//          optional: fails, with `times` only in the first so many attempts;
//          later ones return {"attempt": n}
#pragma once

#include "activity_worker/executor/activity_registry.h"

namespace anabranch::activity_worker {

void RegisterBasicActivities(ActivityRegistry& registry);

}  // namespace anabranch::activity_worker
