#include "orchestrator/flow_watchdog.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::orchestrator {

bool StuckDetector::Look(uint64_t beat) {
  const bool running = beat % 2 == 1;
  if (!running || beat != beat_) {
    beat_ = beat;
    looks_ = 0;
    return false;
  }
  return ++looks_ >= kLooks;
}

FlowWatchdog::FlowWatchdog(const shard::FlowSlot& slot, absl::Duration limit,
                           OnStuck on_stuck)
    : slot_(slot), limit_(limit), on_stuck_(std::move(on_stuck)) {
  thread_ = std::thread([this] { Watch(); });
}

FlowWatchdog::~FlowWatchdog() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

void FlowWatchdog::Watch() {
  const auto pause = absl::ToChronoNanoseconds(limit_ / StuckDetector::kLooks);
  StuckDetector detector;
  MutexLock lock(mutex_);
  while (!wake_.wait_for(lock, pause, [this] { return stopping_; })) {
    if (!detector.Look(slot_.beat())) continue;
    on_stuck_(Report());
    return;
  }
}

std::string FlowWatchdog::Report() const {
  const shard::FlowPlace place = slot_.place();
  return absl::StrCat(
      slot_.description(), " did not come back from ", shard::WorkAt(place),
      " within ", absl::FormatDuration(limit_), " (generation ",
      place.uid.ToHex(), ", build ", slot_.build_id(),
      "). It holds up every other run: this process ends. Started again, it "
      "goes on where it was; a flow that does this twice at one place is "
      "BLOCKED");
}

}  // namespace anabranch::orchestrator
