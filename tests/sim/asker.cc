#include "tests/sim/asker.h"

#include <utility>

#include "base/error_details.h"

namespace anabranch::sim {

void Asker::Ask(Request request) {
  auto state = std::make_shared<State>();
  state->request = std::move(request);
  state->restores = world_.restores;
  if (!state->request.once) ++open_;
  Try(state);
}

void Asker::Try(const Shared& state) {
  if (state->answered || state->restores != world_.restores) return;
  Send(state);
  if (state->request.once) return;
  if (!state->request.in_order && world_.Happens(Fault::kDoubleCall)) {
    Send(state);
  }
  world_.After(absl::Milliseconds(world_.config.client_retry_ms),
               [this, state] { Try(state); });
}

absl::Duration Asker::Delay(const Request& request) {
  if (!request.in_order && world_.Happens(Fault::kCallReordered)) {
    return world_.Between(absl::Milliseconds(20), absl::Seconds(3));
  }
  return world_.Between(absl::Microseconds(50), absl::Milliseconds(20));
}

void Asker::Send(const Shared& state) {
  if (world_.Happens(Fault::kCallLost)) return;
  world_.After(Delay(state->request), [this, state] {
    if (state->restores != world_.restores) return;
    server_.Post(state->request.make(
        [this, state](const absl::Status& status) { OnReply(state, status); }));
  });
}

void Asker::OnReply(const Shared& state, const absl::Status& status) {
  server_.Emit([&] {
    world_.Trace("answer", std::string(status.message()));
    if (state->request.leaves != nullptr) state->request.leaves(status);
    if (world_.Happens(Fault::kCallLost)) return;
    world_.After(Delay(state->request), [this, state, status] {
      if (state->answered || state->restores != world_.restores) return;
      if (ErrorReason(status) == "DISK_FULL") return;
      state->answered = true;
      if (!state->request.once) --open_;
      if (state->request.done != nullptr) state->request.done(status);
    });
  });
}

}  // namespace anabranch::sim
