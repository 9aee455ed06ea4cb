#include "flows/basics.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "flows/basics_schema.h"
#include "flows/definition.h"
#include "flows/input_object.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;

constexpr double kSleepSecondsMax = 365 * 86400;
constexpr int64_t kSequenceStepsMax = 100'000;

// --- echo ---

Future<Payload> RunEcho(FlowContext& ctx, FlowInput input) {
  co_return co_await ctx.Start(
      {.type = "echo", .name = "echo", .input = std::move(input.payload)});
}

// --- sleep ---

absl::StatusOr<absl::Duration> ParseSleep(std::string_view json) {
  InputProblems problems;
  const InputObject input(json, "", {"seconds"}, problems);
  input.Require("seconds");
  const auto seconds = input.Number("seconds", 0, kSleepSecondsMax);
  RETURN_IF_ERROR(problems.status());
  return absl::Seconds(seconds.value_or(0));
}

Future<Payload> RunSleep(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  const auto duration = ParseSleep(*json);
  if (!duration.ok()) co_return duration.status();
  const absl::Time start = ctx.Now();
  const auto fired = co_await ctx.StartTimer(*duration);
  if (!fired.ok()) co_return fired.status();
  co_return JsonPayload(absl::StrCat(
      R"({"slept_ms":)", absl::ToInt64Milliseconds(ctx.Now() - start), "}"));
}

// --- sequence ---

struct SequenceInput {
  int64_t steps = 0;
  std::string activity = "echo";
};

absl::StatusOr<SequenceInput> ParseSequence(std::string_view json) {
  InputProblems problems;
  const InputObject input(json, "", {"steps", "activity"}, problems);
  SequenceInput sequence;
  input.Require("steps");
  sequence.steps = input.Integer("steps", 1, kSequenceStepsMax).value_or(0);
  const std::string_view activity = input.Text("activity");
  if (!activity.empty()) {
    sequence.activity = claude::Unescape(claude::StringBody(activity));
    if (sequence.activity.size() > limits::kIdBytesMax) {
      input.Problem("activity", absl::StrCat("must be at most ",
                                             limits::kIdBytesMax, " bytes"));
    }
  }
  RETURN_IF_ERROR(problems.status());
  return sequence;
}

Future<Payload> RunSequence(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  const auto sequence = ParseSequence(*json);
  if (!sequence.ok()) co_return sequence.status();
  for (int64_t step = 1; step <= sequence->steps; ++step) {
    const auto done = co_await ctx.Start(
        {.type = sequence->activity,
         .name = absl::StrCat("step-", step),
         .input = JsonPayload(absl::StrCat(R"({"step":)", step, "}"))});
    if (!done.ok()) co_return done.status();
  }
  co_return JsonPayload(absl::StrCat(R"({"count":)", sequence->steps, "}"));
}

// --- wait_for_signal ---

absl::StatusOr<std::string> ParseWaitForSignal(std::string_view json) {
  InputProblems problems;
  const InputObject input(json, "", {"signal"}, problems);
  std::string signal =
      claude::Unescape(claude::StringBody(input.RequiredText("signal")));
  if (signal.size() > limits::kIdBytesMax) {
    input.Problem("signal", absl::StrCat("must be at most ",
                                         limits::kIdBytesMax, " bytes"));
  }
  RETURN_IF_ERROR(problems.status());
  return signal;
}

Future<Payload> RunWaitForSignal(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  const auto signal = ParseWaitForSignal(*json);
  if (!signal.ok()) co_return signal.status();
  auto value = co_await ctx.ReceiveSignal(*signal);
  if (!value.ok()) co_return value.status();
  if (value->kind_case() == Payload::KIND_NOT_SET) {
    co_return JsonPayload("null");
  }
  co_return *std::move(value);
}

}  // namespace

sdk::FlowDefinition Echo() {
  return {
      .name = "echo",
      .description = kEchoDescription,
      .input_schema = kEchoInputSchema,
      .output_schema = kEchoOutputSchema,
      .example = kEchoExample,
      .prepare = nullptr,
      .create = Create<RunEcho>,
  };
}

sdk::FlowDefinition Sleep() {
  return {
      .name = "sleep",
      .description = kSleepDescription,
      .input_schema = kSleepInputSchema,
      .output_schema = kSleepOutputSchema,
      .example = kSleepExample,
      .prepare = PrepareBy<ParseSleep>,
      .create = Create<RunSleep>,
  };
}

sdk::FlowDefinition Sequence() {
  return {
      .name = "sequence",
      .description = kSequenceDescription,
      .input_schema = kSequenceInputSchema,
      .output_schema = kSequenceOutputSchema,
      .example = kSequenceExample,
      .prepare = PrepareBy<ParseSequence>,
      .create = Create<RunSequence>,
  };
}

sdk::FlowDefinition WaitForSignal() {
  return {
      .name = "wait_for_signal",
      .description = kWaitForSignalDescription,
      .input_schema = kWaitForSignalInputSchema,
      .output_schema = kWaitForSignalOutputSchema,
      .example = kWaitForSignalExample,
      .prepare = PrepareBy<ParseWaitForSignal>,
      .create = Create<RunWaitForSignal>,
  };
}

}  // namespace anabranch::flows
