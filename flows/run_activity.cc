#include "flows/run_activity.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "flows/definition.h"
#include "flows/input_object.h"
#include "flows/run_activity_schema.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;

constexpr int64_t kAttemptsMax = 1000;
constexpr int64_t kAttemptsDefault = 10;
constexpr double kSecondsMin = 0.001;
constexpr double kSecondsMax = 7 * 86400;
constexpr double kTimeoutDefault = 600;

// A name of at most limits::kIdBytesMax bytes; empty when absent.
std::string Name(const InputObject& input, std::string_view field) {
  std::string name = claude::Unescape(claude::StringBody(input.Text(field)));
  if (name.size() > limits::kIdBytesMax) {
    input.Problem(
        field, absl::StrCat("must be at most ", limits::kIdBytesMax, " bytes"));
  }
  return name;
}

absl::StatusOr<sdk::Activity> Parse(std::string_view json) {
  InputProblems problems;
  const InputObject input(
      json, "",
      {"type", "input", "task_queue", "priority", "concurrency_key", "attempts",
       "timeout_seconds", "heartbeat_seconds"},
      problems);
  sdk::Activity activity;
  input.Require("type");
  activity.type = Name(input, "type");
  activity.name = activity.type;
  activity.input = JsonPayload(
      std::string(input.Has("input") ? input.Raw("input") : "null"));
  sdk::ActivityOptions& options = activity.options;
  options.set_task_queue(Name(input, "task_queue"));
  options.set_concurrency_key(Name(input, "concurrency_key"));
  options.set_priority(
      static_cast<int32_t>(input.Integer("priority", 1, 5).value_or(0)));
  options.mutable_retry()->set_maximum_attempts(static_cast<int32_t>(
      input.Integer("attempts", 1, kAttemptsMax).value_or(kAttemptsDefault)));
  *options.mutable_start_to_close_timeout() = ToProto(
      absl::Seconds(input.Number("timeout_seconds", kSecondsMin, kSecondsMax)
                        .value_or(kTimeoutDefault)));
  if (const auto beat =
          input.Number("heartbeat_seconds", kSecondsMin, kSecondsMax)) {
    *options.mutable_heartbeat_timeout() = ToProto(absl::Seconds(*beat));
  }
  RETURN_IF_ERROR(problems.status());
  return activity;
}

Future<Payload> RunRunActivity(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  auto activity = Parse(*json);
  if (!activity.ok()) co_return activity.status();
  co_return co_await ctx.Start(*std::move(activity));
}

}  // namespace

sdk::FlowDefinition RunActivity() {
  return {
      .name = "run_activity",
      .description = kRunActivityDescription,
      .input_schema = kRunActivityInputSchema,
      .output_schema = kRunActivityOutputSchema,
      .example = kRunActivityExample,
      .prepare = PrepareBy<Parse>,
      .create = Create<RunRunActivity>,
  };
}

}  // namespace anabranch::flows
