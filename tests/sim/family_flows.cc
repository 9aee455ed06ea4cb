#include "tests/sim/family_flows.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sdk/failure.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/future.h"
#include "sdk/scope.h"
#include "tests/sim/flow_words.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;
using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

absl::Status Failed(const char* type) {
  return sdk::StatusFromFailure(sdk::MakeFailure(type, "as its program says"));
}

// Receives `count` signals "add", `per` of them in each generation, with work
// for each, and returns them in order. `late`: milliseconds of an activity
// that the next generation begins without; what it comes to is of no use.
// `deaf`: a request to cancel does not stop it.
Future<Payload> Rounds(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  const sdk::Scope scope =
      wish.value("deaf", false) ? sdk::Scope::Shielded(ctx) : sdk::Scope(ctx);
  json got = wish.value("got", json::array());
  const size_t count = wish.value("count", size_t{1});
  Future<Payload> late = ctx.StartTimer(absl::Hours(1));
  if (wish.contains("late")) {
    late = Work(ctx, {{"do", "ok"}, {"ms", wish["late"]}});
  }
  for (int i = 0; i < wish.value("per", 1) && got.size() < count; ++i) {
    auto signal = co_await scope.ReceiveSignal("add");
    if (!signal.ok()) co_return signal.status();
    got.push_back(Read(ctx, *signal));
    const json wanted = {{"do", "ok"}, {"value", got.size()}};
    auto work = co_await scope.Start({.type = "work",
                                      .input = sdk::JsonPayload(wanted.dump()),
                                      .options = Options(50, 8)});
    if (!work.ok()) co_return work.status();
  }
  ctx.Publish("got", sdk::JsonPayload(got.dump()));
  if (got.size() >= count) {
    co_return sdk::JsonPayload(
        json{{"value", got.size()}, {"got", got}}.dump());
  }
  // A timer may stay open.
  if (wish.contains("late")) ctx.Cancel(late);
  wish["got"] = got;
  auto never = co_await ctx.ContinueAsNew(sdk::JsonPayload(wish.dump()));
  co_return never.status();
}

// Continues as new `left` times at once, then receives `count` signals "add".
Future<Payload> Spins(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  const int64_t left = wish.value("left", int64_t{0});
  if (left > 0) {
    wish["left"] = left - 1;
    wish["value"] = wish.value("value", int64_t{0}) + 1;
    auto never = co_await ctx.ContinueAsNew(sdk::JsonPayload(wish.dump()));
    co_return never.status();
  }
  json got = json::array();
  for (int i = 0; i < wish.value("count", 0); ++i) {
    auto signal = co_await ctx.ReceiveSignal("add");
    if (!signal.ok()) co_return signal.status();
    got.push_back(Read(ctx, *signal));
  }
  co_return sdk::JsonPayload(
      json{{"value", wish.value("value", int64_t{0})}, {"got", got}}.dump());
}

// Each of `steps` feeds the next; where one fails, so does the run. `beside`:
// work that is open meanwhile, and is awaited at the end.
Future<Payload> Stages(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  std::vector<Future<Payload>> beside;
  for (const json& work : wish.value("beside", json::array())) {
    beside.push_back(Work(ctx, work));
  }
  int64_t value = 1;
  for (json step : wish["steps"]) {
    step["value"] = value;
    auto result = co_await Work(ctx, step);
    if (!result.ok()) co_return result.status();
    value = ValueOf(ctx, *result);
  }
  for (const auto& work : beside) {
    auto result = co_await work;
    if (!result.ok()) co_return result.status();
    value += ValueOf(ctx, *result);
  }
  co_return Result(value);
}

// Fails however often it is retried, once it has what it waits for: nothing, a
// "timer", "work", a "signal" or a "child".
Future<Payload> Stubborn(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  const std::string what = wish.value("after", "nothing");
  auto beside = Work(ctx, {{"do", "ok"}, {"ms", wish.value("ms", 10)}});
  absl::Status status;
  if (what == "timer") {
    status =
        (co_await ctx.StartTimer(absl::Milliseconds(wish.value("wait", 100))))
            .status();
  } else if (what == "work") {
    status = (co_await Work(ctx, {{"do", "ok"}, {"ms", 50}})).status();
  } else if (what == "signal") {
    status = (co_await ctx.ReceiveSignal("add")).status();
  } else if (what == "child") {
    json child = {{"do", "ok"}, {"value", 1}, {"attempts", 50}};
    status = (co_await ctx.StartChild(
                  {.flow = "once", .input = sdk::JsonPayload(child.dump())}))
                 .status();
  }
  // What it waited for was cancelled.
  if (ctx.cancel_requested()) co_return Failed(sdk::kFailureCancelled);
  status.IgnoreError();  // it fails whatever that came to
  co_return Failed("stubborn");
}

v1::ParentClosePolicy PolicyNamed(const std::string& name) {
  if (name == "abandon") return v1::PARENT_CLOSE_POLICY_ABANDON;
  if (name == "request_cancel") return v1::PARENT_CLOSE_POLICY_REQUEST_CANCEL;
  return v1::PARENT_CLOSE_POLICY_TERMINATE;
}

// One child, given up after `cancel_after` milliseconds where there are such:
// what it came to.
Future<Payload> Kid(FlowContext& ctx, json kid) {
  auto child = ctx.StartChild(
      {.flow = kid.value("flow", ""),
       .run_id = kid.value("id", ""),
       .input = sdk::JsonPayload(kid["input"].dump()),
       .parent_close_policy = PolicyNamed(kid.value("policy", "")),
       .run_timeout = absl::Milliseconds(kid.value("timeout", 0))});
  if (kid.contains("cancel_after")) {
    (co_await ctx.StartTimer(absl::Milliseconds(kid.value("cancel_after", 0))))
        .IgnoreError();  // it is cancelled all the same
    ctx.Cancel(child);
  }
  auto result = co_await child;
  if (result.ok()) {
    co_return sdk::JsonPayload(json{{"value", ValueOf(ctx, *result)}}.dump());
  }
  co_return sdk::JsonPayload(
      json{{"failed", sdk::FailureOf(result.status()).type()}}.dump());
}

// Starts `kids`. `end`: "wait" for all of them; or, after `wait` milliseconds,
// "leave" them, "fail", or continue as new "again" where nothing is open.
Future<Payload> Parent(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  std::vector<Future<Payload>> kids;
  for (const json& kid : wish["kids"]) kids.push_back(Kid(ctx, kid));
  const std::string end = wish.value("end", "wait");
  if (end == "leave" || end == "fail") {
    auto slept =
        co_await ctx.StartTimer(absl::Milliseconds(wish.value("wait", 0)));
    if (!slept.ok()) co_return slept.status();
    if (end == "fail") co_return Failed("left");
    co_return Result(0);
  }
  auto results = co_await sdk::Settled(kids);
  json told = wish.value("told", json::array());
  int64_t sum = 0;
  for (const auto& result : *results) {
    if (!result.ok()) co_return result.status();
    json one = Read(ctx, *result);
    sum += one.value("value", int64_t{0});
    told.push_back(std::move(one));
  }
  if (wish.value("again", 0) > 0) {
    wish["again"] = wish.value("again", 0) - 1;
    wish["told"] = told;
    auto never = co_await ctx.ContinueAsNew(sdk::JsonPayload(wish.dump()));
    co_return never.status();
  }
  if (ctx.cancel_requested()) co_return Failed(sdk::kFailureCancelled);
  co_return sdk::JsonPayload(json{{"value", sum}, {"kids", told}}.dump());
}

template <sdk::FlowFunction kFlow>
Future<Payload> Throwing(FlowContext& ctx, FlowInput input) {
  json wish = Read(ctx, input.payload);
  if (IsBroken(wish.value("program", int64_t{-1}))) {
    throw std::runtime_error("a bad build");
  }
  auto result = co_await kFlow(ctx, input);
  co_return result;
}

constexpr NamedFlow kFlows[] = {
    {"rounds", Rounds, Throwing<Rounds>},
    {"spins", Spins, Throwing<Spins>},
    {"stages", Stages, Throwing<Stages>},
    {"stubborn", Stubborn, Throwing<Stubborn>},
    {"parent", Parent, Throwing<Parent>},
};

}  // namespace

void RegisterFamilyFlows(sdk::FlowRegistry& flows) {
  for (const auto& flow : kFlows) Register(flows, flow.name, flow.good);
}

void RegisterBadFamilyFlows(sdk::FlowRegistry& flows) {
  for (const auto& flow : kFlows) Register(flows, flow.name, flow.bad);
}

}  // namespace anabranch::sim
