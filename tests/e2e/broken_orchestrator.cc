// An orchestrator whose flows take it down, each in its own way. Under the
// build id "mended" they do not.
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "orchestrator/program.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::e2e {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

bool Mended() {
  const char* build = std::getenv("ANABRANCH_BUILD_ID");
  return build != nullptr && std::string(build) == "mended";
}

void Spin() {
  volatile bool forever = true;
  while (forever) {
  }
}

// The frame is large and used after the call: nothing of it can be optimized
// away.
int Recurse(int depth) {  // NOLINT(misc-no-recursion): that is its purpose
  volatile char frame[1024];
  frame[0] = static_cast<char>(depth);
  if (depth < 0) return 0;
  return Recurse(depth + 1) + frame[0];
}

void BreakDown(const std::string& how) {
  if (Mended()) return;
  if (how == "spin") Spin();
  if (how == "recurse") Recurse(0);
  if (how == "abort") std::abort();
}

// Breaks down when it has rested, in the way that its input names.
Future<Payload> BreaksLater(FlowContext& ctx, FlowInput input) {
  (co_await ctx.StartTimer(absl::Milliseconds(50))).IgnoreError();
  BreakDown(input.payload.text());
  co_return sdk::JsonPayload("\"mended\"");
}

// Breaks down at once: the run's first event is lost with the process.
Future<Payload> BreaksAtOnce(FlowContext&, FlowInput input) {
  BreakDown(input.payload.text());
  co_return sdk::JsonPayload("\"mended\"");
}

// Breaks down when it is asked, and not otherwise.
Future<Payload> BreaksWhenAsked(FlowContext& ctx, FlowInput input) {
  const auto answer = ctx.Answer(
      "how",
      [how = input.payload.text()](const Payload&) -> absl::StatusOr<Payload> {
        BreakDown(how);
        return sdk::JsonPayload("\"mended\"");
      });
  auto word = co_await ctx.ReceiveSignal("word");
  if (!word.ok()) co_return word.status();
  co_return *word;
}

// Breaks down when it is destroyed.
struct Grenade {
  explicit Grenade(std::string name) : how(std::move(name)) {}
  ~Grenade() { BreakDown(how); }
  Grenade(const Grenade&) = delete;
  Grenade& operator=(const Grenade&) = delete;

  const std::string how;
};

// Waits for something that never comes, and holds one meanwhile.
Future<Payload> Holds(FlowContext& ctx, std::string how) {
  const Grenade grenade(std::move(how));
  (co_await ctx.ReceiveSignal("never")).IgnoreError();
  co_return Payload();
}

// Breaks down when it leaves memory, before its end or at it.
Future<Payload> BreaksWhenDestroyed(FlowContext& ctx, FlowInput input) {
  auto held = Holds(ctx, input.payload.text());
  (co_await ctx.StartTimer(absl::Milliseconds(50))).IgnoreError();
  co_return sdk::JsonPayload("\"mended\"");
}

Future<Payload> WaitsForWord(FlowContext& ctx, FlowInput) {
  auto word = co_await ctx.ReceiveSignal("word");
  if (!word.ok()) co_return word.status();
  co_return *word;
}

void Register(sdk::FlowRegistry& flows, const std::string& name,
              sdk::FlowFunction function) {
  sdk::FlowDefinition flow;
  flow.name = name;
  flow.create = [function] {
    return std::make_unique<sdk::FlowInstance>(function);
  };
  flows.Register(std::move(flow));
}

void RegisterFlows(sdk::FlowRegistry& flows) {
  Register(flows, "breaks_later", BreaksLater);
  Register(flows, "breaks_at_once", BreaksAtOnce);
  Register(flows, "breaks_when_asked", BreaksWhenAsked);
  Register(flows, "breaks_when_destroyed", BreaksWhenDestroyed);
  Register(flows, "waits_for_word", WaitsForWord);
}

}  // namespace
}  // namespace anabranch::e2e

int main(int argc, char** argv) {
  return anabranch::orchestrator::RunProgram(argc, argv,
                                             anabranch::e2e::RegisterFlows);
}
