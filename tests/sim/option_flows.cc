#include "tests/sim/option_flows.h"

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/check.h"
#include "base/proto_time.h"
#include "sdk/failure.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;
using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

json Read(FlowContext& ctx, const Payload& payload) {
  auto content = ctx.Content(payload);
  AB_CHECK(content.ok());
  return json::parse(*content);
}

google::protobuf::Duration Millis(const json& act, const char* name,
                                  int64_t otherwise) {
  return ToProto(absl::Milliseconds(act.value(name, otherwise)));
}

sdk::ActivityOptions OptionsOf(const json& act) {
  sdk::ActivityOptions options;
  options.mutable_retry()->set_maximum_attempts(act.value("attempts", 50));
  *options.mutable_retry()->mutable_initial_interval() =
      ToProto(absl::Milliseconds(100));
  *options.mutable_retry()->mutable_maximum_interval() =
      ToProto(absl::Seconds(1));
  *options.mutable_start_to_close_timeout() = Millis(act, "close_ms", 8000);
  if (act.contains("total_ms")) {
    *options.mutable_schedule_to_close_timeout() = Millis(act, "total_ms", 0);
  }
  if (act.contains("start_ms")) {
    *options.mutable_schedule_to_start_timeout() = Millis(act, "start_ms", 0);
  }
  if (act.contains("silent_ms")) {
    *options.mutable_heartbeat_timeout() = Millis(act, "silent_ms", 0);
  }
  if (act.value("park", false)) {
    options.set_on_exhausted(v1::EXHAUSTED_ACTION_PARK);
  }
  const std::string cancel = act.value("cancel", "try");
  if (cancel == "wait") {
    options.set_cancellation(v1::CANCELLATION_TYPE_WAIT_COMPLETED);
  } else if (cancel == "abandon") {
    options.set_cancellation(v1::CANCELLATION_TYPE_ABANDON);
  }
  options.set_task_queue(act.value("queue", ""));
  options.set_priority(act.value("priority", 0));
  options.set_concurrency_key(act.value("key", ""));
  return options;
}

Future<Payload> GiveUp(FlowContext& ctx, std::vector<Future<Payload>> acts,
                       int64_t ms) {
  auto slept = co_await ctx.StartTimer(absl::Milliseconds(ms));
  if (!slept.ok()) co_return slept.status();
  for (const auto& act : acts) ctx.Cancel(act);
  co_return Payload();
}

// Numbers of waiters as they went on. Shared: a waiter may outlive the flow's
// own frame.
using Order = std::shared_ptr<std::vector<int64_t>>;

// Frames of many sizes: where the allocator puts them is in no order.
template <size_t kBytes>
Future<Payload> Waiter(FlowContext& ctx, Future<Payload> shared, Order order,
                       int64_t number) {
  std::array<char, kBytes> padding{};
  auto got = co_await shared;
  order->push_back(number);
  if (!got.ok()) co_return got.status();
  padding[kBytes - 1] = static_cast<char>(number);
  json act = {{"do", "ok"}, {"value", padding[kBytes - 1]}};
  auto work = co_await ctx.Start({.type = "work",
                                  .name = std::to_string(number),
                                  .input = sdk::JsonPayload(act.dump()),
                                  .options = OptionsOf(act)});
  co_return work;
}

}  // namespace

Future<Payload> Acts(FlowContext& ctx, FlowInput input) {
  const json wish = Read(ctx, input.payload);
  std::vector<Future<Payload>> acts;
  for (const json& act : wish["acts"]) {
    acts.push_back(ctx.Start({.type = "work",
                              .input = sdk::JsonPayload(act.dump()),
                              .options = OptionsOf(act)}));
  }
  const int64_t ms = wish.value("give_up_ms", int64_t{0});
  Future<Payload> given_up;
  if (ms > 0) given_up = GiveUp(ctx, acts, ms);
  auto results = co_await sdk::Settled(acts);
  json ended = json::array();
  for (const auto& result : *results) {
    ended.push_back(result.ok() ? "value"
                                : sdk::FailureOf(result.status()).type());
  }
  co_return sdk::JsonPayload(json{{"ended", ended}}.dump());
}

Future<Payload> Shared(FlowContext& ctx, FlowInput input) {
  const json wish = Read(ctx, input.payload);
  const json act = {{"do", "ok"}, {"value", 0}};
  auto shared = ctx.Start({.type = "work",
                           .input = sdk::JsonPayload(act.dump()),
                           .options = OptionsOf(act)});
  auto order = std::make_shared<std::vector<int64_t>>();
  std::vector<Future<Payload>> waiters;
  const auto count = wish.value("waiters", int64_t{2});
  for (int64_t i = 0; i < count; ++i) {
    // Large ones come from elsewhere than small ones.
    switch ((i * 7 + wish.value("program", int64_t{0})) % 4) {
      case 0:
        waiters.push_back(Waiter<3000>(ctx, shared, order, i));
        break;
      case 1:
        waiters.push_back(Waiter<64>(ctx, shared, order, i));
        break;
      case 2:
        waiters.push_back(Waiter<200'000>(ctx, shared, order, i));
        break;
      default:
        waiters.push_back(Waiter<700>(ctx, shared, order, i));
    }
  }
  auto results = co_await sdk::AllOf(waiters);
  if (!results.ok()) co_return results.status();
  co_return sdk::JsonPayload(json{{"order", *order}}.dump());
}

Future<Payload> Grouped(FlowContext& ctx, FlowInput /*input*/) {
  auto go = ctx.ReceiveSignal("go");
  auto timer = ctx.StartTimer(absl::Hours(1));
  auto cancelled = ctx.CancelRequested();
  auto first = co_await sdk::AnyOf(go, timer, cancelled);
  if (!first.ok()) co_return first.status();
  if (*first == 0) co_return go.value();
  co_return sdk::StatusFromFailure(
      sdk::MakeFailure(sdk::kFailureCancelled, "as asked"));
}

}  // namespace anabranch::sim
