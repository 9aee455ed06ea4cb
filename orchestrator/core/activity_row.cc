#include "orchestrator/core/activity_row.h"

#include <cstddef>
#include <iterator>

namespace anabranch::core {
namespace {

constexpr const char* kRowNames[] = {
    "Granted",          "StartTimedOut",
    "FailedBackingOff", "FailedParked",
    "FailedClosed",     "TimedOutBackingOff",
    "TimedOutParked",   "TimedOutClosed",
    "LostReady",        "LostBackingOff",
    "LostParked",       "LostClosed",
    "NeverDelivered",   "TakenUpAgain",
    "GivenUpReady",     "GivenUpParked",
    "BackoffOver",      "BackoffReleased",
    "ParkedReleased",   "Completed",
    "CloseTimedOut",    "CancelTold",
    "CancelClosed",     "Abandoned",
    "CancelledFailed",  "CancelledTimedOut",
    "CancelledLost",    "CancelledCloseTimedOut",
};
static_assert(std::size(kRowNames) == kActivityRows);

}  // namespace

const char* NameOf(ActivityRow row) {
  return kRowNames[static_cast<size_t>(row)];
}

}  // namespace anabranch::core
