// Runs single activities in a real executor.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "activity_worker/executor/activity_registry.h"
#include "activity_worker/executor/executor.h"
#include "activity_worker/testing/outcomes.h"
#include "base/clock.h"

namespace anabranch::activity_worker::testing {

class ActivityRunner {
 public:
  explicit ActivityRunner(void (*add)(ActivityRegistry&))
      : executor_(Filled(registry_, add), clock_, Executor::Options{}) {
    executor_.Start(outcomes_);
  }
  ~ActivityRunner() { executor_.Shutdown(); }

  TaskId Begin(v1::Task task) {
    const TaskId id = ++last_id_;
    executor_.Submit({{id, std::move(task)}}, {});
    return id;
  }
  void Stop(TaskId id, std::string_view type) {
    executor_.Submit({}, {{id, std::string(type), "stopped"}});
  }
  v1::Payload WaitForHeartbeat(TaskId id) {
    return outcomes_.WaitForHeartbeat(id);
  }
  Outcome Wait(TaskId id) { return outcomes_.Wait(id); }
  Outcome Run(v1::Task task) { return Wait(Begin(std::move(task))); }

 private:
  static const ActivityRegistry& Filled(ActivityRegistry& registry,
                                        void (*add)(ActivityRegistry&)) {
    add(registry);
    return registry;
  }

  RealClock clock_;
  ActivityRegistry registry_;
  Outcomes outcomes_;
  Executor executor_;
  TaskId last_id_ = 0;
};

}  // namespace anabranch::activity_worker::testing
