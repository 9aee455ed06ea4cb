#include "flows/map_runs.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "anabranch/v1/payload.pb.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "flows/definition.h"
#include "flows/input_object.h"
#include "flows/map_runs_schema.h"
#include "flows/payload_json.h"
#include "sdk/failure.h"
#include "sdk/flow_context.h"
#include "sdk/future.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;

constexpr size_t kItemsMax = 10'000;
constexpr int64_t kConcurrencyDefault = 10;

struct MapRunsInput {
  std::string flow;
  std::vector<std::string> items;
  int64_t concurrency = kConcurrencyDefault;
};

absl::StatusOr<MapRunsInput> Parse(std::string_view json) {
  InputProblems problems;
  const InputObject input(json, "", {"flow", "items", "concurrency"}, problems);
  MapRunsInput parsed;
  parsed.flow =
      claude::Unescape(claude::StringBody(input.RequiredText("flow")));
  if (parsed.flow.size() > limits::kIdBytesMax) {
    input.Problem("flow", absl::StrCat("must be at most ", limits::kIdBytesMax,
                                       " bytes"));
  }
  if (input.Require("items")) {
    const auto items = claude::JsonElements(input.Raw("items"));
    if (!items.ok()) {
      input.Problem("items", "must be an array");
    } else if (items->size() > kItemsMax) {
      input.Problem("items",
                    absl::StrCat("must have at most ", kItemsMax, " items"));
    } else {
      parsed.items.assign(items->begin(), items->end());
    }
  }
  parsed.concurrency =
      input.Integer("concurrency", 1, limits::kOpenChildrenPerRunMax)
          .value_or(kConcurrencyDefault);
  RETURN_IF_ERROR(problems.status());
  return parsed;
}

// What the lanes share.
struct Board {
  MapRunsInput input;
  size_t next = 0;
  size_t ended = 0;
  size_t failed = 0;
  // JSON texts, by item.
  std::vector<std::string> results;
};

std::string Failed(const anabranch::v1::Failure& failure) {
  return claude::JsonWriter()
      .BeginObject()
      .Key("failure")
      .BeginObject()
      .Key("type")
      .String(failure.type())
      .Key("message")
      .String(failure.message())
      .EndObject()
      .EndObject()
      .Take();
}

// What the query `progress` is answered.
absl::StatusOr<Payload> Progress(const Board& board) {
  return JsonPayload(claude::JsonWriter()
                         .BeginObject()
                         .Key("items")
                         .Int(static_cast<int64_t>(board.results.size()))
                         .Key("started")
                         .Int(static_cast<int64_t>(board.next))
                         .Key("ended")
                         .Int(static_cast<int64_t>(board.ended))
                         .Key("failed")
                         .Int(static_cast<int64_t>(board.failed))
                         .EndObject()
                         .Take());
}

// Takes one item after the other until none is left.
Future<Payload> Lane(FlowContext& ctx, std::shared_ptr<Board> board) {
  while (board->next < board->input.items.size() && !ctx.cancel_requested()) {
    const size_t item = board->next++;
    const auto ended = co_await ctx.StartChild(
        {.flow = board->input.flow,
         .input = JsonPayload(board->input.items[item])});
    ++board->ended;
    const auto result = ended.ok()
                            ? PayloadJson(ctx, *ended)
                            : absl::StatusOr<std::string>(ended.status());
    if (result.ok()) {
      board->results[item] = absl::StrCat(R"({"result":)", *result, "}");
    } else {
      ++board->failed;
      board->results[item] = Failed(sdk::FailureOf(result.status()));
    }
  }
  co_return Payload();
}

Future<Payload> RunMapRuns(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  auto parsed = Parse(*json);
  if (!parsed.ok()) co_return parsed.status();
  auto board = std::make_shared<Board>();
  board->input = *std::move(parsed);
  board->results.resize(board->input.items.size());
  const auto progress = ctx.Answer(
      "progress", [board](const Payload&) { return Progress(*board); });
  const auto lanes = std::min(static_cast<size_t>(board->input.concurrency),
                              board->input.items.size());
  std::vector<Future<Payload>> running;
  for (size_t i = 0; i < lanes; ++i) running.push_back(Lane(ctx, board));
  (void)co_await sdk::Settled(std::move(running));
  if (ctx.cancel_requested()) {
    co_return absl::CancelledError("cancelled before all runs had ended");
  }
  claude::JsonWriter result;
  result.BeginObject().Key("results").BeginArray();
  for (const std::string& one : board->results) result.Raw(one);
  result.EndArray();
  result.Key("failed").Int(static_cast<int64_t>(board->failed)).EndObject();
  co_return JsonPayload(result.Take());
}

}  // namespace

sdk::FlowDefinition MapRuns() {
  return {
      .name = "map_runs",
      .description = kMapRunsDescription,
      .input_schema = kMapRunsInputSchema,
      .output_schema = kMapRunsOutputSchema,
      .example = kMapRunsExample,
      .prepare = PrepareBy<Parse>,
      .create = Create<RunMapRuns>,
  };
}

}  // namespace anabranch::flows
