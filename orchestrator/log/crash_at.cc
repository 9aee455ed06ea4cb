#include "orchestrator/log/crash_at.h"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "orchestrator/log/errors.h"

namespace anabranch::log {

absl::StatusOr<CrashSpec> CrashSpec::Parse(std::string_view text) {
  CrashSpec spec;
  size_t colon = text.find(':');
  if (colon == std::string_view::npos) return BadCrashSpec(text);
  const char* end = text.data() + colon;
  auto [stop, error] = std::from_chars(text.data(), end, spec.append);
  if (error != std::errc() || stop != end || spec.append < 1) {
    return BadCrashSpec(text);
  }
  std::string_view place = text.substr(colon + 1);
  if (place == "before") {
    spec.place = Place::kBefore;
  } else if (place == "after-sync") {
    spec.place = Place::kAfterSync;
  } else if (place == "after-effects") {
    spec.place = Place::kAfterEffects;
  } else {
    return BadCrashSpec(text);
  }
  return spec;
}

void CrashPoint::KillThisProcess() {
  (void)std::raise(SIGKILL);
  std::abort();  // not reached
}

void CrashPoint::BeforeAppend() {
  int64_t append = ++begun_;
  CrashIf(spec_.place == CrashSpec::Place::kBefore && append == spec_.append);
}

void CrashPoint::AfterSync() {
  int64_t append = ++synced_;
  CrashIf(spec_.place == CrashSpec::Place::kAfterSync &&
          append == spec_.append);
}

void CrashPoint::EffectsReleased() {
  CrashIf(spec_.place == CrashSpec::Place::kAfterEffects &&
          synced_ >= spec_.append);
}

void CrashingEventLog::Append(AppendRequest request, AppendDone done) {
  point_.BeforeAppend();
  inner_->Append(std::move(request),
                 [this, done = std::move(done)](AppendResult result) {
                   if (result == AppendResult::kDurable) point_.AfterSync();
                   done(result);
                 });
}

}  // namespace anabranch::log
