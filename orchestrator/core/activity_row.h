// The rows of the activity machine's table, by name, so that a test can say
// which ones were never taken.
#pragma once

namespace anabranch::core {

// In the order of the table of activity_machine.h.
enum class ActivityRow {
  kGranted,
  kStartTimedOut,
  kFailedBackingOff,
  kFailedParked,
  kFailedClosed,
  kTimedOutBackingOff,
  kTimedOutParked,
  kTimedOutClosed,
  kLostReady,
  kLostBackingOff,
  kLostParked,
  kLostClosed,
  kNeverDelivered,
  kTakenUpAgain,
  kGivenUpReady,
  kGivenUpParked,
  kBackoffOver,
  kBackoffReleased,
  kParkedReleased,
  kCompleted,
  kCloseTimedOut,
  kCancelTold,
  kCancelClosed,
  kAbandoned,
  // The end of an attempt whose cancellation was requested.
  kCancelledFailed,
  kCancelledTimedOut,
  kCancelledLost,
  kCancelledCloseTimedOut,
};
inline constexpr int kActivityRows =
    static_cast<int>(ActivityRow::kCancelledCloseTimedOut) + 1;
const char* NameOf(ActivityRow row);

}  // namespace anabranch::core
