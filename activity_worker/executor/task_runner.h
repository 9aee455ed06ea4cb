// What lies between the stream and whoever carries tasks out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "activity_worker/core/outcome.h"
#include "activity_worker/core/worker_core.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::activity_worker {

// Something happened in a task: streamed output, a heartbeat, or its end.
struct TaskEvent {
  TaskId id = 0;
  std::string progress;  // whole UTF-8 characters; empty for none
  std::optional<Outcome> outcome;
  // Details for the next attempt; not set in it: those before stay.
  std::optional<v1::Payload> heartbeat = std::nullopt;
};

// Hears of tasks. Called on the runner's thread; must not block.
class TaskListener {
 public:
  virtual ~TaskListener() = default;
  // In the order in which they happened.
  virtual void OnTaskEvents(std::vector<TaskEvent> events) = 0;
};

// Carries tasks out. Threads: any; never blocks. Each task that was begun gets
// exactly one outcome, also when it is stopped. Unknown ids are ignored.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  virtual void Submit(std::vector<BegunTask> begun,
                      std::vector<StoppedTask> stopped) = 0;
};

}  // namespace anabranch::activity_worker
