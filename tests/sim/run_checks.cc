#include "tests/sim/run_checks.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"

namespace anabranch::sim {
namespace {

using api::HistoryEvent;

void FailRun(World& world, const RunRecords& run, const std::string& what) {
  world.Fail(absl::StrCat("run ", run.fold.run.run_id(), " (",
                          run.fold.run.flow(), "): ", what));
}

// Calls `action` with each event that the batch adds to the history.
template <typename Action>
void ForEachNewEvent(const RunRecords& run, const RunBefore& before,
                     Action action) {
  for (size_t i = before.activations; i < run.history.size(); ++i) {
    for (const HistoryEvent& event : run.history[i].events()) action(event);
  }
}

// Timers that have fired before, and wait in the mailbox.
std::set<int64_t> MailedTimers(const RunBefore& before) {
  std::set<int64_t> timers;
  for (const auto& [n, mail] : before.mail) {
    if (mail.stimulus().has_timer_fired()) {
      timers.insert(mail.stimulus().timer_fired().seq());
    }
  }
  return timers;
}

// Timers that fire with the batch and go to the mailbox.
std::set<int64_t> NewlyMailedTimers(const RunRecords& run,
                                    const RunBefore& before) {
  std::set<int64_t> timers;
  const std::set<int64_t> mailed = MailedTimers(before);
  for (const auto& [n, mail] : run.mail) {
    if (before.mail.contains(n) || !mail.stimulus().has_timer_fired()) continue;
    // What was not taken after all goes to the mailbox's end.
    const int64_t seq = mail.stimulus().timer_fired().seq();
    if (!mailed.contains(seq)) timers.insert(seq);
  }
  return timers;
}

bool WasGranted(const storage::v1::ActivityRecord& record,
                const RunBefore& before) {
  auto it = before.activities.find(record.info().seq());
  const int attempt =
      it == before.activities.end() ? 0 : it->second.info().attempt();
  return record.info().attempt() > attempt;
}

// The stimulus without what its place in the history gives it.
std::string Essence(HistoryEvent event) {
  event.clear_event_id();
  event.clear_activation();
  event.clear_event_time();
  event.clear_build_id();
  event.clear_internal_flags();
  return event.SerializeAsString();
}

// Those that an end of a generation lists; none of other events.
google::protobuf::RepeatedPtrField<api::SignalReceived> UnreadSignals(
    const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kRunCompleted:
      return event.run_completed().unread_signals();
    case HistoryEvent::kRunFailed:
      return event.run_failed().unread_signals();
    case HistoryEvent::kRunCancelled:
      return event.run_cancelled().unread_signals();
    case HistoryEvent::kRunContinuedAsNew:
      return event.run_continued_as_new().unread_signals();
    default:
      return {};
  }
}

// Appends the stimuli that the run has taken since, and its newer mail.
void AddPlaces(const RunRecords& run, const RunBefore& before,
               std::vector<std::string>& places) {
  for (size_t i = before.activations; i < run.history.size(); ++i) {
    const auto& events = run.history[i].events();
    places.push_back(Essence(events[0]));
    // An end lists the signals that it leaves to the next generation.
    for (const auto& signal : UnreadSignals(*events.rbegin())) {
      HistoryEvent event;
      *event.mutable_signal_received() = signal;
      places.push_back(Essence(event));
    }
  }
  for (const auto& [n, mail] : run.mail) {
    if (!before.mail.contains(n)) places.push_back(Essence(mail.stimulus()));
  }
}

struct Places {
  // In order.
  std::vector<std::string> all;
  // How many of them are of the generation itself; the rest is of later ones.
  size_t own = 0;
};

// Where mail may have gone: into the history or the end of its generation;
// what a flow that broke down on the way did not take, to the end of the
// mailbox; what a closed run left, to its retry; and what one left that
// continued as new, to the newest, of which a round may begin many.
Places PlacesOf(const Records& records, const RunRecords& run,
                const RunBefore& before) {
  Places places;
  AddPlaces(run, before, places.all);
  places.own = places.all.size();
  for (const RunRecords* next = records.Find(run.next); next != nullptr;
       next = records.Find(next->next)) {
    AddPlaces(*next, RunBefore(), places.all);
  }
  return places;
}

bool EndedForGood(const Records& records, const RunRecords& run) {
  const RunRecords* newest = &run;
  for (const RunRecords* next = &run; next != nullptr;
       next = records.Find(next->next)) {
    newest = next;
  }
  const api::RunState state = newest->fold.run.state();
  return newest->ended && (state == api::RUN_STATE_COMPLETED ||
                           state == api::RUN_STATE_CANCELLED);
}

// Whether it may go without a trace: a timer that the flow has given up
// meanwhile, what only a closed generation could have used, and a request to
// cancel a run that is no more to be retried.
bool MayLapse(const Records& records, const RunRecords& run,
              const HistoryEvent& stimulus) {
  if (stimulus.has_timer_fired()) return true;
  if (!run.ended || stimulus.has_signal_received()) return false;
  return !stimulus.has_cancel_requested() || EndedForGood(records, run);
}

// Finds mail in its places, in the order in which it comes.
class MailTracer {
 public:
  explicit MailTracer(const Places& places)
      : places_(places.all),
        later_(places_.begin() + static_cast<std::ptrdiff_t>(places.own)),
        next_(places_.begin()),
        passed_on_(later_) {}

  bool Find(const HistoryEvent& stimulus) {
    const std::string essence = Essence(stimulus);
    auto found = std::find(next_, places_.end(), essence);
    // Signals behind a request to cancel are in the end that came first, which
    // hands them on as a whole; the request follows after that.
    auto* cursor = &next_;
    if (stimulus.has_cancel_requested() && found >= later_) {
      cursor = &passed_on_;
      found = std::find(std::max(next_, passed_on_), places_.end(), essence);
    }
    if (found == places_.end()) return false;
    *cursor = found + 1;
    return true;
  }

 private:
  using Place = std::vector<std::string>::const_iterator;
  const std::vector<std::string>& places_;
  const Place later_;
  Place next_;
  Place passed_on_;
};

}  // namespace

void PauseCheck::OnStep(const DurableStep& step) {
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    if (run != nullptr) CheckRun(*run, before);
  }
  // After a jump of the wall clock it does not say what is due.
  if (world_.on(Fault::kWallJump) ||
      !sessions_.IsCalm(step.decided.steady, leased_)) {
    return;
  }
  for (const auto& [uid, run] : step.records.runs()) {
    if (run.fold.run.has_pause()) CheckWaits(run, step.decided.wall);
  }
}

void PauseCheck::OnBoot() {
  leased_ = false;
  for (const auto& [uid, run] : records_.runs()) {
    for (const auto& [seq, record] : run.activities) {
      leased_ |= record.info().state() == api::ACTIVITY_STATE_RUNNING;
    }
  }
}

void PauseCheck::CheckWaits(const RunRecords& run, absl::Time now) {
  for (const auto& [seq, record] : run.activities) {
    if (!record.has_start_deadline() ||
        FromProto(record.start_deadline()) >= now) {
      continue;
    }
    FailRun(world_, run,
            absl::StrCat("the wait of activity ", seq,
                         " ran out in a pause, and did not begin anew"));
  }
}

void PauseCheck::CheckRun(const RunRecords& run, const RunBefore& before) {
  const std::set<int64_t> mailed = MailedTimers(before);
  const bool had_mail = !before.mail.empty();
  bool paused = before.paused;
  bool throughout = before.paused;
  ForEachNewEvent(run, before, [&](const HistoryEvent& event) {
    if (event.has_run_paused()) paused = true;
    if (event.has_run_resumed()) paused = throughout = false;
    if (paused && event.has_timer_fired() &&
        !mailed.contains(event.timer_fired().seq())) {
      FailRun(world_, run, "a timer fired while it was paused");
    }
    if (paused && !had_mail &&
        event.activity_timed_out().timeout_type() ==
            api::TIMEOUT_TYPE_SCHEDULE_TO_START) {
      FailRun(world_, run, "a wait for a worker ran out while it was paused");
    }
  });
  if (throughout && !NewlyMailedTimers(run, before).empty()) {
    FailRun(world_, run, "a timer fired while it was paused and BLOCKED");
  }
  // Grants are the last thing of a round.
  if (!paused) return;
  world_.Count("step_while_paused");
  for (const auto& [seq, record] : run.activities) {
    if (WasGranted(record, before)) {
      FailRun(world_, run,
              absl::StrCat("activity ", seq, " was granted in a pause"));
    }
  }
}

void GraceCheck::OnStep(const DurableStep& step) {
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    if (run == nullptr) continue;
    std::set<int64_t> fired = NewlyMailedTimers(*run, before);
    const std::set<int64_t> mailed = MailedTimers(before);
    ForEachNewEvent(*run, before, [&](const HistoryEvent& event) {
      const int64_t seq = event.timer_fired().seq();
      if (event.has_timer_fired() && !mailed.contains(seq)) fired.insert(seq);
    });
    if (fired.empty()) continue;
    for (const auto& [seq, record] : before.activities) {
      auto now = run->activities.find(seq);
      const bool in_flight =
          record.info().state() == api::ACTIVITY_STATE_RUNNING &&
          now != run->activities.end() &&
          now->second.info().state() == api::ACTIVITY_STATE_RUNNING &&
          now->second.token() == record.token();
      if (in_flight &&
          sessions_.IsAwaited(record.info().session(), step.decided.steady)) {
        FailRun(world_, *run,
                absl::StrCat("a timer fired before ", record.info().session(),
                             " was back with activity ", seq));
      }
    }
  }
}

void CancelCheck::OnStep(const DurableStep& step) {
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    if (run == nullptr) continue;
    ForEachNewEvent(*run, before, [&](const HistoryEvent& event) {
      if (!event.has_activity_cancelled()) return;
      const auto& info = event.activity_cancelled().info();
      auto old = before.activities.find(info.seq());
      if (old == before.activities.end()) return;
      const auto& record = old->second;
      const bool waits = record.scheduled().options().cancellation() ==
                         api::CANCELLATION_TYPE_WAIT_COMPLETED;
      const bool runs = record.info().state() == api::ACTIVITY_STATE_RUNNING &&
                        info.tries() >= record.info().tries();
      const bool ended =
          !info.closed_attempts().empty() &&
          info.closed_attempts().rbegin()->attempt() >= record.info().attempt();
      if (waits && runs && !ended) {
        FailRun(world_, *run,
                absl::StrCat("activity ", info.seq(),
                             " was closed while its attempt ran"));
      }
      world_.Count(waits && runs ? "waited_for_a_cancelled_one" : "cancelled");
    });
  }
}

void MailCheck::OnStep(const DurableStep& step) {
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    if (run == nullptr || before.mail.empty()) continue;
    const Places places = PlacesOf(step.records, *run, before);
    MailTracer tracer(places);
    bool left = false;
    for (const auto& [n, mail] : before.mail) {
      if (run->mail.contains(n)) {
        left = true;
        continue;
      }
      if (left) return FailRun(world_, *run, "mail went before older mail");
      world_.Count("mail_taken");
      if (!tracer.Find(mail.stimulus()) &&
          !MayLapse(step.records, *run, mail.stimulus())) {
        return FailRun(world_, *run, "mail was not taken in its order");
      }
    }
  }
}

}  // namespace anabranch::sim
