// RunState: what is known of one generation of a run, as a fold over its
// records. Apply is the only mutator: live, recovery and replay are one path.
// Pure: never fails, never looks at a clock.
#pragma once

#include <map>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/run.pb.h"
#include "base/ids.h"

namespace anabranch::core {

namespace api = anabranch::v1;

struct RunState {
  Uid uid;
  int64_t last_event_id = 0;
  // Time of the last stimulus: a later one is never earlier.
  absl::Time last_time = absl::InfinitePast();
  // What people see, without waiting activities (records of their own).
  api::Run run;
  // Scheduled and not closed.
  std::set<int64_t> open_activities;
  // Of those, the ones whose result the flow no longer waits for.
  std::set<int64_t> given_up_activities;
  std::map<int64_t, api::TimerStarted> open_timers;
  // Asked for and not closed, with or without having been started.
  std::map<int64_t, api::ChildScheduled> open_children;
  // What the flow has published last, by name.
  std::map<std::string, api::Payload> published;

  bool closed() const;

  // Takes in one event with its id and time set. Events of a closed run's
  // generation do not occur.
  void Apply(const api::HistoryEvent& event);

 private:
  void Start(const api::HistoryEvent& event);
  void ApplyActivity(const api::HistoryEvent& event);
  void ApplyChild(const api::HistoryEvent& event);
  void Close(api::RunState state, const api::HistoryEvent& event);

  // Open, and the flow waits on after it has asked for a cancellation.
  std::set<int64_t> waited_for_;
};

// A value that the flow publishes is a marker of this name and `:` and its own.
inline constexpr char kPublishMarker[] = "publish";

// True for states that are final.
bool IsClosed(api::RunState state);

// Adds the counts of one call's usage, raw JSON in the API's words. Text that
// is no JSON object counts as nothing.
void AddUsage(api::UsageTotals& totals, const std::string& usage_json);

}  // namespace anabranch::core
