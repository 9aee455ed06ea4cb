// The life of one activity, as pure transitions on its record.
//
//   state         input              next state
//   READY         Grant              RUNNING       attempt + 1, tries + 1
//   RUNNING       AttemptFailed      BACKING_OFF   retries are left
//                                    (closed)      they are not: ActivityFailed
//   RUNNING       AttemptTimedOut    BACKING_OFF   retries are left
//                                    (closed)      ActivityTimedOut
//   RUNNING       Lost               READY         first two losses
//                                    BACKING_OFF   later ones
//                                    (closed)      ActivityFailed(worker_lost)
//   RUNNING       NeverDelivered     READY         tries unchanged
//   READY,        TakenUpAgain       RUNNING       the lost attempt's session
//   BACKING_OFF                                    came back before a later
//                                                  grant
//   RUNNING       GivenUpAgain       READY         it was taken up again for a
//                                                  held result, and there is
//                                                  none
//   BACKING_OFF   BackoffOver        READY
//   any           Result             (closed)      ActivityCompleted
//   any           CloseTimeout       (closed)      ActivityTimedOut
//   any           CancelRequested    unchanged     when RUNNING; else (closed)
//   cancelled     AttemptFailed,     (closed)      ActivityCancelled
//                 Lost, TimedOut
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

namespace anabranch::core {

namespace api = anabranch::v1;
using storage::v1::ActivityRecord;

// What a transition came to.
struct Transition {
  // Set when the activity is closed by it.
  std::optional<api::HistoryEvent> closing;
};

// A new activity: READY.
ActivityRecord NewActivity(const api::ActivityScheduled& scheduled, Uid uid,
                           absl::Time now);

struct GrantTo {
  std::string token;
  std::string session;
  std::string worker;
};
void Grant(ActivityRecord& record, const GrantTo& grant, absl::Time now);

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
Transition AttemptTimedOut(ActivityRecord& record, double u, absl::Time now);
Transition Lost(ActivityRecord& record, double u, absl::Time now);
void NeverDelivered(ActivityRecord& record);
void TakenUpAgain(ActivityRecord& record, const std::string& session);
// The current attempt has exceeded its time once.
bool TimedOutBefore(const ActivityRecord& record);
void GivenUpAgain(ActivityRecord& record);
void BackoffOver(ActivityRecord& record);

// The result's event. `result` is small or a reference.
api::HistoryEvent Result(const ActivityRecord& record,
                         const api::Payload& result,
                         const std::string& usage_json);
api::HistoryEvent CloseTimeout(const ActivityRecord& record);

// Marks the record; closes it when no attempt is running.
Transition CancelRequested(ActivityRecord& record);

// The attempt's token is current, running or lost but not granted again.
bool TokenIsCurrent(const ActivityRecord& record, const std::string& token);

}  // namespace anabranch::core
