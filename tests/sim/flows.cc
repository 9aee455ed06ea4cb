// The flows of the simulation, written as users write theirs.
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "sdk/flow_context.h"
#include "tests/program/interpret.h"
#include "tests/sim/family_flows.h"
#include "tests/sim/flow_words.h"
#include "tests/sim/option_flows.h"
#include "tests/sim/programs.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;
using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

// Each feeds the next: the result shows whether one was left out or repeated.
// Queries see how far it is.
Future<Payload> Sequence(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  int64_t value = 1;
  auto answer = ctx.Answer("value", [&value](const Payload&) {
    return absl::StatusOr<Payload>(Result(value));
  });
  ctx.Publish("value", Result(value));
  for (json step : wish["steps"]) {
    step["value"] = value;
    auto result = co_await Work(ctx, step);
    if (!result.ok()) co_return result.status();
    value = ValueOf(ctx, *result);
    ctx.Publish("value", Result(value));
  }
  co_return Result(value);
}

// Results above the inline size: the next one gets the first as its input.
Future<Payload> Big(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  auto first = co_await Work(ctx, wish);
  if (!first.ok()) co_return first.status();
  json next = Read(ctx, *first);
  next["do"] = "ok";
  auto second = co_await Work(ctx, next);
  if (!second.ok()) co_return second.status();
  co_return Result(ValueOf(ctx, *second));
}

Future<Payload> FanOut(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  std::vector<Future<Payload>> futures;
  for (const json& step : wish["steps"]) futures.push_back(Work(ctx, step));
  auto results = co_await sdk::Settled(futures);
  int64_t sum = 0;
  for (const auto& result : *results) {
    if (!result.ok()) co_return result.status();
    sum += ValueOf(ctx, *result);
  }
  co_return Result(sum);
}

// One activity with few attempts; its failure is the run's.
Future<Payload> Once(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  auto result =
      co_await ctx.Start({.type = "work",
                          .input = sdk::JsonPayload(wish.dump()),
                          .options = Options(wish.value("attempts", 1),
                                             wish.value("seconds", 8))});
  if (!result.ok()) co_return result.status();
  co_return Result(ValueOf(ctx, *result));
}

Future<Payload> Race(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  auto work = Work(ctx, wish);
  auto timer = ctx.StartTimer(absl::Milliseconds(wish.value("limit", 100)));
  auto first = co_await sdk::AnyOf(work, timer);
  if (ctx.cancel_requested())
    co_return sdk::StatusFromFailure(
        sdk::MakeFailure(sdk::kFailureCancelled, "cancelled"));
  if (*first == 0) {
    ctx.Cancel(timer);
    co_return Result(ValueOf(ctx, work.value()));
  }
  ctx.Cancel(work);
  // The flow goes on beside what it gave up.
  auto rest = co_await Work(ctx, {{"do", "ok"}, {"value", 1000}});
  if (!rest.ok()) co_return rest.status();
  co_return Result(ValueOf(ctx, *rest));
}

Future<Payload> Signals(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  int64_t sum = 0;
  for (int i = 0; i < wish.value("count", 1); ++i) {
    auto signal = co_await ctx.ReceiveSignal("add");
    if (!signal.ok()) co_return signal.status();
    sum += Read(ctx, *signal).get<int64_t>();
    auto work = co_await Work(ctx, {{"do", "ok"}, {"value", sum}});
    if (!work.ok()) co_return work.status();
  }
  co_return Result(sum);
}

Future<Payload> Branch(FlowContext& ctx, json wish) {
  auto slept =
      co_await ctx.StartTimer(absl::Milliseconds(wish.value("wait", 0)));
  if (!slept.ok()) co_return slept.status();
  auto first = co_await Work(ctx, wish);
  if (!first.ok()) co_return first.status();
  wish["value"] = ValueOf(ctx, *first);
  auto second = co_await Work(ctx, wish);
  if (!second.ok()) co_return second.status();
  co_return *second;
}

Future<Payload> Nested(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  std::vector<Future<Payload>> branches;
  for (const json& step : wish["steps"]) branches.push_back(Branch(ctx, step));
  auto results = co_await sdk::AllOf(branches);
  if (!results.ok()) co_return results.status();
  int64_t sum = 0;
  for (const Payload& result : *results) sum += ValueOf(ctx, result);
  co_return Result(sum);
}

// Result: how long it slept, in milliseconds.
Future<Payload> Sleeps(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  absl::Time begin = ctx.Now();
  for (const json& ms : wish["sleeps"]) {
    auto slept = co_await ctx.StartTimer(absl::Milliseconds(ms.get<int>()));
    if (!slept.ok()) co_return slept.status();
  }
  co_return Result(absl::ToInt64Milliseconds(ctx.Now() - begin));
}

// Waits until somebody ends it.
Future<Payload> Patient(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  auto work = Work(ctx, wish);
  auto timer = ctx.StartTimer(absl::Hours(1));
  auto go = ctx.ReceiveSignal("never");
  auto cancelled = ctx.CancelRequested();
  auto first = co_await sdk::AnyOf(timer, go, cancelled);
  if (!first.ok()) co_return first.status();
  co_return sdk::StatusFromFailure(
      sdk::MakeFailure(sdk::kFailureCancelled, "as asked"));
}

// Never the same twice in one seed: a replay that draws again shows. Set anew
// for each seed, so that seeds are alike in every process.
thread_local int64_t draws = 0;
thread_local program::Environment environment;

Future<Payload> Draws(FlowContext& ctx, FlowInput) {
  Payload drawn = ctx.SideEffect("draw", [] { return Result(1000 + ++draws); });
  int64_t value = ValueOf(ctx, drawn);
  uint64_t random = ctx.Random();
  auto slept = co_await ctx.StartTimer(absl::Milliseconds(200));
  if (!slept.ok()) co_return slept.status();
  auto work = co_await Work(ctx, {{"do", "ok"}, {"value", value}});
  if (!work.ok()) co_return work.status();
  json result = {{"value", ValueOf(ctx, *work)},
                 {"drawn", value},
                 {"random", random},
                 {"uuid", ctx.Uuid()}};
  co_return sdk::JsonPayload(result.dump());
}

// Breaks down at its first signal, for ever.
Future<Payload> Throws(FlowContext& ctx, FlowInput) {
  auto timer = ctx.StartTimer(absl::Seconds(2));
  auto work = Work(ctx, {{"do", "ok"}, {"ms", 1500}});
  auto go = co_await ctx.ReceiveSignal("go");
  if (go.ok()) throw std::runtime_error("this flow is broken");
  co_return go.status();
}

// Programs that the bad build breaks. Set anew for each seed, too.
thread_local std::set<int64_t> broken;

// Something else than what is recorded: one thing more, under another name, or
// none at all.
template <sdk::FlowFunction kFlow>
Future<Payload> Bad(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  const int64_t number = wish.value("program", int64_t{-1});
  if (broken.contains(number)) {
    if (number % 4 == 0) throw std::runtime_error("a bad build");
    if (number % 4 == 1) co_return Result(-1);
    if (number % 4 == 2) ctx.StartTimer(absl::Seconds(1));
    if (number % 4 == 3) ctx.Start({.type = "renamed"});
  }
  auto result = co_await kFlow(ctx, input);
  co_return result;
}

constexpr NamedFlow kFlows[] = {
    {"sequence", Sequence, Bad<Sequence>},
    {"big", Big, Bad<Big>},
    {"fan_out", FanOut, Bad<FanOut>},
    {"once", Once, Bad<Once>},
    {"race", Race, Bad<Race>},
    {"signals", Signals, Bad<Signals>},
    {"nested", Nested, Bad<Nested>},
    {"sleeps", Sleeps, Bad<Sleeps>},
    {"patient", Patient, Bad<Patient>},
    {"draws", Draws, Bad<Draws>},
    {"throws", Throws, Throws},
    {"acts", Acts, Bad<Acts>},
    {"shared", Shared, Bad<Shared>},
    {"grouped", Grouped, Grouped},
};

}  // namespace

void RegisterFlows(sdk::FlowRegistry& flows) {
  draws = 0;
  environment = {};
  program::RegisterInterpreter(flows, environment);
  for (const auto& flow : kFlows) Register(flows, flow.name, flow.good);
  RegisterFamilyFlows(flows);
}

void RegisterBadFlows(sdk::FlowRegistry& flows) {
  broken.clear();
  // The bad build has no quarrel with programs.
  program::RegisterInterpreter(flows, environment);
  for (const auto& flow : kFlows) Register(flows, flow.name, flow.bad);
  RegisterBadFamilyFlows(flows);
}

void BreakPrograms(std::set<int64_t> numbers) { broken = std::move(numbers); }

bool IsBroken(int64_t number) { return broken.contains(number); }

}  // namespace anabranch::sim
