#include "flows/branch.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "flows/branch_record.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::Future;
using sdk::Payload;

// A worker's result that is no reply: a fault of the worker, not of the branch.
constexpr char kFailureBadReply[] = "invalid_result";

// Waits for the turn, or for the end of the branch's time.
Future<sdk::Unit> TurnOrTimeout(FlowContext&, Future<Payload> turn,
                                std::optional<Future<Payload>> timer) {
  if (timer) {
    (co_await sdk::AnyOf(turn, *timer)).IgnoreError();  // never fails
  } else {
    (co_await turn).IgnoreError();  // the caller looks at the future
  }
  co_return sdk::Unit{};
}

// Takes a closed turn into the record.
void TakeTurn(FlowContext& ctx, const Future<Payload>& turn,
              BranchRecord& record) {
  if (turn.IsFailed()) {
    record.Fail(turn.error());
    return;
  }
  const auto reply = ctx.Content(turn.value());
  if (!reply.ok()) {
    record.Fail(sdk::FailureOf(reply.status()));
    return;
  }
  const absl::Status taken = record.TakeReply(*reply);
  if (!taken.ok()) {
    record.Fail(sdk::MakeFailure(kFailureBadReply,
                                 absl::StrCat("the result of claude.messages "
                                              "is no reply: ",
                                              taken.message())));
  }
}

// The turn is still open: the timer has ended, one way or the other.
void GiveUp(FlowContext& ctx, const Future<Payload>& turn,
            const Future<Payload>& timer, BranchRecord& record) {
  ctx.Cancel(turn);
  if (timer.IsFailed()) {
    record.Fail(timer.error());
  } else {
    record.TimeOut();
  }
}

}  // namespace

Future<std::string> RunBranch(FlowContext& ctx, BranchSpec spec,
                              BranchBase base) {
  const absl::Time start = ctx.Now();
  BranchRecord record(spec, base.default_model_json);
  std::optional<Future<Payload>> timer;
  if (spec.timeout_seconds > 0) {
    timer = ctx.StartTimer(absl::Seconds(spec.timeout_seconds));
  }
  while (record.open()) {
    const Future<Payload> turn = ctx.Start(
        {.type = "claude.messages",
         .name = absl::StrCat(spec.name, "/turn-", record.next_turn()),
         .input = sdk::JsonPayload(record.NextTurnInput()),
         .attachments = {{"checkpoint", base.checkpoint}}});
    (co_await TurnOrTimeout(ctx, turn, timer)).IgnoreError();  // never fails
    if (ctx.cancel_requested()) {
      co_return sdk::StatusFromFailure(sdk::MakeFailure(
          sdk::kFailureCancelled, "cancellation of the run was requested"));
    }
    if (turn.IsDone()) {
      TakeTurn(ctx, turn, record);
    } else {
      GiveUp(ctx, turn, *timer, record);
    }
  }
  if (timer && !timer->IsDone()) ctx.Cancel(*timer);
  co_return record.ResultJson(ctx.Now() - start);
}

}  // namespace anabranch::flows
