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

void Caller::OnRestored() {
  for (size_t i = 0; i < calls_.size(); ++i) {
    // The id may be free now: nobody takes it a second time.
    const bool was = std::exchange(calls_[i].answered, StartsOther(i));
    // The steps follow when the start is answered again.
    if (i == 0 && was) Ask(0);
  }
}

bool Caller::StartsOther(size_t call) const {
  const Step* step = calls_[call].step;
  return step != nullptr && step->kind == Step::Kind::kStartOther;
}

void Caller::Ask(size_t call) {
  if (calls_[call].answered) return;
  Send(call);
  if (world_.Happens(Fault::kDoubleCall)) Send(call);
  world_.After(absl::Milliseconds(world_.config.client_retry_ms),
               [this, call] { Ask(call); });
  // Only a caller that named its run finds it again under another request.
  if (call == 0 && !calls_[0].abandoned && !run_.run_id.empty() &&
      world_.Happens(Fault::kAbandon)) {
    calls_[0].abandoned = true;
    calls_[0].request_id += "-again";
  }
}

absl::Duration Caller::Delay() {
  return world_.Happens(Fault::kCallReordered)
             ? world_.Between(absl::Milliseconds(20), absl::Seconds(3))
             : world_.Between(absl::Microseconds(50), absl::Milliseconds(20));
}

void Caller::Send(size_t call) {
  if (world_.Happens(Fault::kCallLost)) return;
  world_.After(Delay(), [this, call, input = MakeInput(call),
                         restores = world_.restores] {
    if (StartsOther(call) && restores != world_.restores) return;
    server_.Post(input);
  });
}

shard::Input Caller::MakeInput(size_t call) {
  const std::string& request_id = calls_[call].request_id;
  const Step* step = calls_[call].step;
  if (step == nullptr || StartsOther(call)) {
    shard::StartRun start;
    start.name = run_;
    start.flow = program_.flow;
    start.input.set_json_text(step == nullptr ? program_.input_json
                                              : "{\"program\":-2}");
    start.request_id = request_id;
    if (step == nullptr) start.run_timeout = program_.run_timeout;
    start.reply = [this, call,
                   request_id](absl::StatusOr<shard::StartedRun> answer) {
      OnReply(call, {request_id, answer.status(),
                     answer.ok() ? *answer : shard::StartedRun()});
    };
    return start;
  }
  auto reply = [this, call, request_id](const absl::Status& status) {
    OnReply(call, {request_id, status, {run_, Uid{}, false}});
  };
  switch (step->kind) {
    case Step::Kind::kSignal: {
      shard::SignalRun signal{run_, step->name, {}, request_id, reply};
      signal.input.set_json_text(step->json);
      return signal;
    }
    case Step::Kind::kCancel:
      return shard::CancelRun{run_, "asked", request_id, reply};
    default:
      return shard::TerminateRun{run_, "asked", request_id, reply};
  }
}

void Caller::OnReply(size_t call, Answer answer) {
  server_.Emit([&] {
    if (answer.started.name.run_id.empty()) answer.started.name = run_;
    checks_.OnAnswer({answer.started.name, answer.request_id, answer.status,
                      answer.started.uid, answer.started.created});
    if (world_.Happens(Fault::kCallLost)) return;
    world_.After(Delay(), [this, call, answer, restores = world_.restores] {
      // What it promised is void.
      if (restores == world_.restores) OnAnswer(call, answer);
    });
  });
}

bool Caller::Settles(size_t call, const Answer& answer) {
  const std::string reason = ErrorReason(answer.status);
  if (reason == "DISK_FULL") return false;
  // Its start is not repeated yet.
  if (reason == "RUN_NOT_FOUND" && world_.restores > 0) return false;
  const Step* step = calls_[call].step;
  bool right = answer.status.ok();
  if (StartsOther(call)) {
    right = reason == "RUN_ALREADY_EXISTS";
  } else if (step != nullptr && reason == "RUN_CLOSED") {
    // A run may be over before all is said.
    right = true;
  }
  if (!right) {
    world_.Fail(absl::StrCat("answered without reason: ", answer.request_id,
                             ": ", answer.status.ToString()));
  }
  return right;
}

void Caller::OnAnswer(size_t call, const Answer& answer) {
  if (calls_[call].answered || !Settles(call, answer)) return;
  calls_[call].answered = true;
  if (call == 0) run_ = answer.started.name;
  for (size_t i = call + 1; i < calls_.size(); ++i) {
    // Who speaks in turn waits for the one before.
    const bool next = calls_[i].step->in_turn ? i == call + 1 : call == 0;
    if (next) world_.After(calls_[i].step->at, [this, i] { Ask(i); });
  }
}

}  // namespace anabranch::sim
