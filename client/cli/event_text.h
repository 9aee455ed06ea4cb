// History events and activities in one line each.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "anabranch/v1/activity.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "anabranch/v1/run.pb.h"

namespace anabranch::cli {

// Names of a run's activities by their number, gathered from its events: later
// events give numbers only. Threads: one.
class ActivityNames {
 public:
  void Learn(const v1::HistoryEvent& event);
  void Learn(const v1::ActivityInfo& activity);
  // "opus/turn-1", else the type, else "#3".
  std::string Get(int64_t seq) const;

 private:
  std::map<int64_t, std::string> names_;
};

// "ActivityScheduled".
std::string EventName(const v1::HistoryEvent& event);

// What the event says beside its name.
std::string EventDetail(const v1::HistoryEvent& event,
                        const ActivityNames& names);

// "  12  20:25:49.123  ActivityScheduled   #3 claude.messages opus/turn-1".
std::string EventLine(const v1::HistoryEvent& event, const ActivityNames& names,
                      absl::TimeZone zone);

// "#3 opus/turn-1 backing off after attempt 2 (overloaded_error: …)".
std::string ActivityLine(const v1::ActivityInfo& activity,
                         const ActivityNames& names, absl::TimeZone zone);

// The beginning of a value.
std::string PayloadPreview(const v1::Payload& payload);

// "overloaded_error: Overloaded".
std::string FailureText(const v1::Failure& failure);

// "RUNNING".
std::string StateName(v1::RunState state);
bool IsClosed(v1::RunState state);

}  // namespace anabranch::cli
