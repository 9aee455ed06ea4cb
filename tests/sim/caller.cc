#include "tests/sim/caller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"

namespace anabranch::sim {

Caller::Caller(Parts parts, Program program, int number)
    : world_(parts.world),
      server_(parts.server),
      checks_(parts.checks),
      program_(std::move(program)) {
  run_.ns = "default";
  // Some leave it to the server to name the run.
  if (world_.Chance(0.7)) run_.run_id = absl::StrCat("run-", number);
  calls_.push_back({absl::StrCat("start-", number), nullptr});
  for (const Step& step : program_.steps) {
    calls_.push_back(
        {absl::StrCat("step-", number, "-", calls_.size()), &step});
  }
}

void Caller::Begin(absl::Duration delay) {
  world_.After(delay, [this] { Ask(0); });
}

bool Caller::done() const {
  return std::all_of(calls_.begin(), calls_.end(),
                     [](const Call& call) { return call.answered; });
}

void Caller::Ask(size_t call) {
  if (calls_[call].answered) return;
  Send(call);
  if (world_.Happens(Fault::kDoubleCall, 0.2)) Send(call);
  world_.After(absl::Seconds(1), [this, call] { Ask(call); });
}

void Caller::Send(size_t call) {
  if (world_.Happens(Fault::kCallLost, 0.1)) return;
  const std::string& request_id = calls_[call].request_id;
  const Step* step = calls_[call].step;
  shard::Input input;
  if (step == nullptr) {
    shard::StartRun start;
    start.name = run_;
    start.flow = program_.flow;
    start.input.set_json_text(program_.input_json);
    start.request_id = request_id;
    start.reply = [this, call](absl::StatusOr<shard::StartedRun> answer) {
      OnReply(call, answer.status(),
              answer.ok() ? *answer : shard::StartedRun());
    };
    input = std::move(start);
  } else {
    auto reply = [this, call](absl::Status status) {
      OnReply(call, status, {run_, Uid{}, false});
    };
    if (step->kind == Step::Kind::kSignal) {
      shard::SignalRun signal{run_, step->name, {}, request_id, reply};
      signal.input.set_json_text(step->json);
      input = std::move(signal);
    } else if (step->kind == Step::Kind::kCancel) {
      input = shard::CancelRun{run_, "asked", request_id, reply};
    } else {
      input = shard::TerminateRun{run_, "asked", request_id, reply};
    }
  }
  world_.After(world_.Between(absl::Microseconds(50), absl::Milliseconds(20)),
               [this, input = std::move(input)] { server_.Post(input); });
}

void Caller::OnReply(size_t call, const absl::Status& status,
                     const shard::StartedRun& started) {
  server_.Emit([&] {
    const log::RunName& name =
        started.name.run_id.empty() ? run_ : started.name;
    checks_.OnAnswer(name, calls_[call].request_id, status, started.uid);
    if (world_.Happens(Fault::kCallLost, 0.1)) return;
    world_.After(
        world_.Between(absl::Microseconds(50), absl::Milliseconds(20)),
        [this, call, status, started] { OnAnswer(call, status, started); });
  });
}

void Caller::OnAnswer(size_t call, const absl::Status& status,
                      const shard::StartedRun& started) {
  if (calls_[call].answered) return;
  const std::string reason = ErrorReason(status);
  // A run may be over before all is said.
  if (!status.ok() && (call == 0 || reason != "RUN_CLOSED")) {
    return world_.Fail(
        absl::StrCat("refused without reason: ", calls_[call].request_id, ": ",
                     status.ToString()));
  }
  calls_[call].answered = true;
  if (call != 0) return;
  run_ = started.name;
  for (size_t i = 1; i < calls_.size(); ++i) {
    world_.After(calls_[i].step->at, [this, i] { Ask(i); });
  }
}

}  // namespace anabranch::sim
