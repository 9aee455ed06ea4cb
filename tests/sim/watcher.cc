#include "tests/sim/watcher.h"

#include <iterator>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

void Watcher::LookAtAny() {
  const auto& runs = records_.runs();
  if (runs.empty()) return;
  auto run = std::next(
      runs.begin(), world_.Between(0, static_cast<int64_t>(runs.size()) - 1));
  Look(run->first);
}

void Watcher::Look(Uid uid) {
  Seen& seen = seen_[uid];
  auto fail = [&](const std::string& what) {
    world_.Fail(absl::StrCat("a reader of run ", uid.ToHex(), ": ", what));
  };
  auto status = store_.ReadStatus(uid);
  if (seen.last_event == 0 && status.ok() && status->has_value()) {
    // What it has of others is read there.
    for (const auto& segment : (*status)->segments()) {
      seen.last_event = segment.last_event_id();
    }
  }
  auto news =
      store_.ReadActivations(uid, seen.last_event + 1, int64_t{1} << 40);
  if (!status.ok() || !news.ok()) return fail("the store cannot be read");
  if (!status->has_value()) return fail("a run of which there was a notice");
  for (const auto& activation : *news) {
    for (const auto& event : activation.events()) {
      if (event.event_id() != seen.last_event + 1) {
        return fail(absl::StrCat("event ", event.event_id(), " follows ",
                                 seen.last_event));
      }
      seen.last_event = event.event_id();
    }
  }
  const v1::Run& run = (*status)->run();
  if (run.history_events() != seen.last_event) {
    return fail(absl::StrCat("the status counts ", run.history_events(),
                             " events, the history ", seen.last_event));
  }
  const bool closed = core::IsClosed(run.state());
  if (seen.closed && !closed) return fail("a closed run is open again");
  seen.closed = closed;
}

}  // namespace anabranch::sim
