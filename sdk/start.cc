#include "sdk/start.h"

#include <algorithm>
#include <utility>

#include "anabranch/v1/command.pb.h"
#include "base/proto_time.h"

namespace anabranch::sdk {

using anabranch::v1::Command;

Future<Payload> StartIn(Runtime& runtime, const Runtime::ScopePtr& scope,
                        Activity activity) {
  Command command;
  auto* schedule = command.mutable_schedule_activity();
  schedule->set_activity_type(std::move(activity.type));
  schedule->set_name(std::move(activity.name));
  *schedule->mutable_input() = std::move(activity.input);
  for (auto& [name, payload] : activity.attachments) {
    (*schedule->mutable_attachments())[name] = std::move(payload);
  }
  *schedule->mutable_options() = std::move(activity.options);
  return Future<Payload>(runtime.Start(std::move(command), scope));
}

Future<Payload> StartTimerIn(Runtime& runtime, const Runtime::ScopePtr& scope,
                             absl::Duration duration) {
  Command command;
  *command.mutable_start_timer()->mutable_duration() =
      ToProto(std::max(duration, absl::ZeroDuration()));
  return Future<Payload>(runtime.Start(std::move(command), scope));
}

Future<Payload> StartChildIn(Runtime& runtime, const Runtime::ScopePtr& scope,
                             Child child) {
  Command command;
  auto* start = command.mutable_start_child();
  start->set_flow(std::move(child.flow));
  start->set_run_id(std::move(child.run_id));
  *start->mutable_input() = std::move(child.input);
  start->set_parent_close_policy(child.parent_close_policy);
  if (child.run_timeout != absl::ZeroDuration() &&
      child.run_timeout != absl::InfiniteDuration()) {
    *start->mutable_run_timeout() = ToProto(child.run_timeout);
  }
  return Future<Payload>(runtime.Start(std::move(command), scope));
}

}  // namespace anabranch::sdk
