#include "flows/repeat.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "flows/definition.h"
#include "flows/input_object.h"
#include "flows/payload_json.h"
#include "flows/repeat_schema.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;

constexpr int64_t kTimesMax = 1'000'000;
constexpr int64_t kContinueEveryMax = 1'000;
constexpr int64_t kContinueEveryDefault = 100;

struct RepeatInput {
  std::string flow;
  std::string input = "{}";
  int64_t times = 0;
  int64_t continue_every = kContinueEveryDefault;
  int64_t done = 0;
};

absl::StatusOr<RepeatInput> Parse(std::string_view json) {
  InputProblems problems;
  const InputObject input(
      json, "", {"flow", "input", "times", "continue_every", "done"}, problems);
  RepeatInput parsed;
  parsed.flow =
      claude::Unescape(claude::StringBody(input.RequiredText("flow")));
  if (parsed.flow.size() > limits::kIdBytesMax) {
    input.Problem("flow", absl::StrCat("must be at most ", limits::kIdBytesMax,
                                       " bytes"));
  }
  if (input.Has("input")) parsed.input = std::string(input.Raw("input"));
  input.Require("times");
  parsed.times = input.Integer("times", 1, kTimesMax).value_or(0);
  parsed.continue_every = input.Integer("continue_every", 1, kContinueEveryMax)
                              .value_or(kContinueEveryDefault);
  parsed.done = input.Integer("done", 0, kTimesMax).value_or(0);
  RETURN_IF_ERROR(problems.status());
  return parsed;
}

// The input of the next generation.
std::string Rest(const RepeatInput& input) {
  return claude::JsonWriter()
      .BeginObject()
      .Key("flow")
      .String(input.flow)
      .Key("input")
      .Raw(input.input)
      .Key("times")
      .Int(input.times)
      .Key("continue_every")
      .Int(input.continue_every)
      .Key("done")
      .Int(input.done)
      .EndObject()
      .Take();
}

Future<Payload> RunRepeat(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  auto state = Parse(*json);
  if (!state.ok()) co_return state.status();
  std::string last = "null";
  for (int64_t here = 0; state->done < state->times; ++here) {
    if (here == state->continue_every) {
      const auto refused =
          co_await ctx.ContinueAsNew(JsonPayload(Rest(*state)));
      co_return refused.status();
    }
    const auto ended = co_await ctx.StartChild(
        {.flow = state->flow, .input = JsonPayload(state->input)});
    if (!ended.ok()) co_return ended.status();
    auto result = PayloadJson(ctx, *ended);
    if (!result.ok()) co_return result.status();
    last = *std::move(result);
    ++state->done;
  }
  co_return JsonPayload(
      absl::StrCat(R"({"count":)", state->done, R"(,"last":)", last, "}"));
}

}  // namespace

sdk::FlowDefinition Repeat() {
  return {
      .name = "repeat",
      .description = kRepeatDescription,
      .input_schema = kRepeatInputSchema,
      .output_schema = kRepeatOutputSchema,
      .example = kRepeatExample,
      .prepare = PrepareBy<Parse>,
      .create = Create<RunRepeat>,
  };
}

}  // namespace anabranch::flows
