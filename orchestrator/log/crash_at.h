// Kills the own process at a chosen place around a chosen append: for tests
// that go through all of them, one process life after another.
//
// How a program wires it, behind a hidden flag --crash-at-append=N:PLACE:
//
//   CrashPoint point(spec);
//   options.before_opening_write = [&] { point.BeforeAppend(); };
//   options.after_opening_write = [&] {
//     point.AfterSync();
//     point.EffectsReleased();  // opening has no effects
//   };
//   CrashingEventLog log(std::move(opened), point);
//   … and, when a batch's effects are released, log.EffectsReleased().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "orchestrator/log/event_log.h"

namespace anabranch::log {

struct CrashSpec {
  enum class Place {
    // Nothing of the batch is on the disk.
    kBefore,
    // All of it is, and nobody knows.
    kAfterSync,
    // Replies and tasks that rest on it have been released.
    kAfterEffects,
  };
  // Appends are counted from 1, the opening of the store.
  int64_t append = 0;
  Place place = Place::kBefore;

  // "<N>:before", "<N>:after-sync" or "<N>:after-effects", N >= 1.
  static absl::StatusOr<CrashSpec> Parse(std::string_view text);
};

// Counts appends, and crashes at one of them. Threads: any.
class CrashPoint {
 public:
  // SIGKILL: nothing of the process gets to run any more.
  static void KillThisProcess();

  explicit CrashPoint(CrashSpec spec,
                      std::function<void()> crash = &KillThisProcess)
      : spec_(spec), crash_(std::move(crash)) {}

  void BeforeAppend();
  void AfterSync();
  // Of all batches that are synced.
  void EffectsReleased();

 private:
  void CrashIf(bool now) {
    if (now) crash_();
  }

  const CrashSpec spec_;
  const std::function<void()> crash_;
  std::atomic<int64_t> begun_ = 0;
  std::atomic<int64_t> synced_ = 0;
};

// The log that it is given, with a point at which to crash, which outlives it.
class CrashingEventLog : public EventLog {
 public:
  CrashingEventLog(std::unique_ptr<EventLog> inner, CrashPoint& point)
      : inner_(std::move(inner)), point_(point) {}

  void Append(AppendRequest request, AppendDone done) override;
  absl::StatusOr<std::optional<std::string>> Read(
      std::string_view key) override {
    return inner_->Read(key);
  }
  absl::Status Scan(const ScanOptions& options, const Visitor& visit) override {
    return inner_->Scan(options, visit);
  }
  Epoch epoch() const override { return inner_->epoch(); }
  int64_t FreeBytes() const override { return inner_->FreeBytes(); }

  // To be called when what rests on a batch has been released.
  void EffectsReleased() { point_.EffectsReleased(); }

 private:
  const std::unique_ptr<EventLog> inner_;
  CrashPoint& point_;
};

}  // namespace anabranch::log
