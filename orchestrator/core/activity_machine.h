// The life of one activity, as pure transitions on its record.
//
//   state         input              next state
//   READY         Grant              RUNNING       attempt + 1, tries + 1
//   READY         StartTimedOut      (closed)      never granted in time:
//                                                  ActivityTimedOut
//   RUNNING       AttemptFailed,     BACKING_OFF   retries are left
//                 AttemptTimedOut    PARKED        they are not, and it parks
//                                    (closed)      they are not:
//                                    ActivityFailed,
//                                                  ActivityTimedOut
//   RUNNING       Lost               READY         first two losses
//                                    BACKING_OFF   later ones
//                                    PARKED        no retries, and it parks
//                                    (closed)      ActivityFailed(worker_lost)
//   RUNNING       NeverDelivered     READY         tries unchanged
//   READY,        TakenUpAgain       RUNNING       the lost attempt's session
//   BACKING_OFF,                                   came back before a later
//   PARKED                                         grant
//   RUNNING       GivenUpAgain       READY         it was taken up again for a
//                                    PARKED        held result, and there is
//                                                  none
//   BACKING_OFF   BackoffOver        READY
//   BACKING_OFF   Released           READY         at once
//   PARKED        Released           READY         with all of its tries
//   any           Result             (closed)      ActivityCompleted
//   any           CloseTimedOut      (closed)      ActivityTimedOut
//   RUNNING       CancelRequested    unchanged     the worker is told
//   other         CancelRequested    (closed)      ActivityCancelled
//   any           CancelRequested    (closed)      when it is to be abandoned
//
// Once cancellation is requested nothing is tried again: AttemptFailed,
// AttemptTimedOut, Lost and CloseTimedOut close the activity. A flow that waits
// for the end (WAIT_COMPLETED) is told what that was, any other gets
// ActivityCancelled.
//
// A failure whose reason is RETRY_STATE_TIMEOUT does not park: whoever releases
// a parked activity can give back its tries, but not its time.
//
// A closing transition answers the history event that closes the activity; the
// caller deletes the record with the batch that records the event.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "base/ids.h"
#include "orchestrator/core/activity_row.h"

namespace anabranch::core {

namespace api = anabranch::v1;
using storage::v1::ActivityRecord;

// What a transition came to.
struct Transition {
  ActivityRow row;
  // Set when the activity is closed by it.
  std::optional<api::HistoryEvent> closing = std::nullopt;
};

// A new activity: READY.
ActivityRecord NewActivity(const api::ActivityScheduled& scheduled, Uid uid,
                           absl::Time now);

struct GrantTo {
  std::string token;
  std::string session;
  std::string worker;
};
Transition Grant(ActivityRecord& record, const GrantTo& grant, absl::Time now);

struct AttemptFailure {
  api::Failure failure;
  std::optional<absl::Duration> next_delay;
  // Uniform in [0, 1): an input, recorded.
  double u = 0;
  // Raw JSON; may be empty.
  std::string usage_json;
};
Transition AttemptFailed(ActivityRecord& record, const AttemptFailure& failure,
                         absl::Time now);
// `type` is START_TO_CLOSE or HEARTBEAT.
Transition AttemptTimedOut(ActivityRecord& record, api::TimeoutType type,
                           double u, absl::Time now);
Transition Lost(ActivityRecord& record, double u, absl::Time now);
Transition NeverDelivered(ActivityRecord& record);
Transition TakenUpAgain(ActivityRecord& record, const std::string& session);
// The current attempt has exceeded a limit of its time once.
bool TimedOutBefore(const ActivityRecord& record);
Transition GivenUpAgain(ActivityRecord& record, absl::Time now);
Transition BackoffOver(ActivityRecord& record);
// Somebody wants it tried again now; nothing unless it is BACKING_OFF or
// PARKED.
std::optional<Transition> Released(ActivityRecord& record);
// The running attempt is alive; `details` is small or a reference, or not set:
// those before stay. True when they differ from those before.
bool Heartbeat(ActivityRecord& record, const api::Payload& details,
               absl::Time now);
// What the last heartbeat left; null when there was none.
const api::Payload* HeartbeatDetails(const ActivityRecord& record);

// `result` is small or a reference.
Transition Result(const ActivityRecord& record, const api::Payload& result,
                  const std::string& usage_json);
Transition StartTimedOut(const ActivityRecord& record);
Transition CloseTimedOut(const ActivityRecord& record);

// Marks the record; closes it when no attempt is running or it is abandoned.
Transition CancelRequested(ActivityRecord& record);
bool IsAbandonedByCancel(const ActivityRecord& record);

// The attempt's token is current, running or lost but not granted again.
bool TokenIsCurrent(const ActivityRecord& record, const std::string& token);

}  // namespace anabranch::core
