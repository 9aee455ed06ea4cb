// What Records knows of generations: a run name has a chain of them, and each
// begins as the one before it left off.
#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "tests/sim/records.h"

namespace anabranch::sim {
namespace {

using api::HistoryEvent;
using storage::v1::ActivationRecord;

bool IsAdministrative(const HistoryEvent& event) {
  return event.has_run_terminated() || event.has_run_timed_out();
}

bool CanBeRetried(api::RunState state) {
  return state == api::RUN_STATE_FAILED || state == api::RUN_STATE_TERMINATED ||
         state == api::RUN_STATE_TIMED_OUT;
}

std::string RequestsOf(
    const google::protobuf::RepeatedPtrField<api::SignalReceived>& signals) {
  std::string text;
  for (const auto& signal : signals) {
    absl::StrAppend(&text, signal.name(), " ", signal.request_id(), " ",
                    signal.input().SerializeAsString(), "; ");
  }
  return text;
}

// A stimulus that comes again, without number and time.
std::string Bare(HistoryEvent event) {
  event.clear_event_id();
  event.clear_activation();
  event.clear_event_time();
  event.clear_build_id();
  event.clear_internal_flags();
  return event.SerializeAsString();
}

// Its stimulus is recorded once more by the retry that cuts it off.
bool ComesAgain(const HistoryEvent& stimulus) {
  return stimulus.has_signal_received() || stimulus.has_activity_completed() ||
         stimulus.has_child_started() || stimulus.has_child_closed();
}

// What differs between two RunStarted of one run, beside what must.
std::string DiffersAsStart(const api::RunStarted& one,
                           const api::RunStarted& other) {
  auto check = [](bool holds, const char* what) {
    return holds ? std::string()
                 : absl::StrCat("it begins with another ", what);
  };
  for (const std::string& broken :
       {check(one.flow() == other.flow(), "flow"),
        check(one.request_id() == other.request_id(), "request"),
        check(one.parent().SerializeAsString() ==
                  other.parent().SerializeAsString(),
              "parent"),
        check(one.attachments_size() == other.attachments_size(), "attachment"),
        check(one.labels_size() == other.labels_size(), "label")}) {
    if (!broken.empty()) return broken;
  }
  return "";
}

}  // namespace

const std::vector<Uid>& Records::Chain(const log::RunName& name) const {
  static const std::vector<Uid> kNone;
  auto it = now_.chains.find(name);
  return it == now_.chains.end() ? kNone : it->second;
}

bool Records::Recorded(const log::RunName& name,
                       const std::string& request_id) const {
  const auto& chain = Chain(name);
  return std::any_of(chain.begin(), chain.end(), [&](Uid uid) {
    const RunRecords* run = Find(uid);
    return run != nullptr && run->requests.contains(request_id);
  });
}

void Records::ChangeName(const log::RunName& name, Uid uid) {
  std::vector<Uid>& chain = now_.chains[name];
  RunRecords& run = now_.runs[uid];
  if (!chain.empty()) {
    run.previous = chain.back();
    now_.runs[chain.back()].next = uid;
    touched_.insert(chain.back());
  }
  chain.push_back(uid);
  now_.names[name] = uid;
  touched_.insert(uid);
}

void Records::BeginGeneration(Uid uid, RunRecords& run,
                              const ActivationRecord& activation) {
  const HistoryEvent& first = activation.events(0);
  if (first.has_forked()) {
    const Uid source =
        Uid::FromHex(first.forked().source_uid()).value_or(Uid{});
    if (source != run.previous || source == Uid{}) {
      return Fail(uid, "it is forked off a generation that is not its last");
    }
    return Fork(uid, run, now_.runs[source], first);
  }
  if (!first.has_run_started()) return;
  const api::RunStarted& started = first.run_started();
  if (run.previous == Uid{}) {
    if (!started.continued_from().empty() || started.generation() != 1) {
      Fail(uid, "its first generation says that it goes on from another");
    }
    for (const auto& signal : started.signals()) {
      run.signals.insert(signal.request_id());
    }
    return;
  }
  const RunRecords& before = now_.runs[run.previous];
  std::string broken =
      started.continued_from() == run.previous.ToHex()
          ? Continues(run, before, started)
          : "it goes on from a generation that is not its last";
  if (!broken.empty()) Fail(uid, broken);
}

std::string Records::Continues(RunRecords& run, const RunRecords& before,
                               const api::RunStarted& started) {
  if (before.history.empty()) return "";
  const HistoryEvent& first = before.history.front().events(0);
  const HistoryEvent& last = *before.history.back().events().rbegin();
  if (first.has_run_started()) {
    std::string differs = DiffersAsStart(started, first.run_started());
    if (!differs.empty()) return differs;
  }
  if (!last.has_run_continued_as_new()) {
    // A retry that keeps nothing.
    run.base_signals = before.base_signals;
    run.signals = before.base_signals;
    for (const auto& signal : started.signals()) {
      run.signals.insert(signal.request_id());
    }
    const bool kept_nothing =
        before.history.size() == 1 ||
        (before.history.size() == 2 && IsAdministrative(last));
    return kept_nothing ? "" : "a retry keeps nothing of what was recorded";
  }
  run.base_signals = before.signals;
  // Also those that waited in the mailbox.
  for (const auto& signal : started.signals()) {
    run.base_signals.insert(signal.request_id());
  }
  run.signals = run.base_signals;
  const auto& continued = last.run_continued_as_new();
  const core::RunState& fold = before.fold;
  if (continued.uid() != started.uid()) return "it is not the one that follows";
  if (RequestsOf(continued.unread_signals()) != RequestsOf(started.signals())) {
    return "it begins with other signals than the last one left unread";
  }
  if (continued.input().SerializeAsString() !=
      started.input().SerializeAsString()) {
    return "it begins with another input than the last one left";
  }
  if (started.deadline().SerializeAsString() !=
      fold.run.deadline().SerializeAsString()) {
    return "it has another deadline than the last one";
  }
  if (started.cancel_requested() != fold.run.cancel_requested()) {
    return "a request to cancel is lost between its generations";
  }
  if (started.published().size() != fold.published.size()) {
    return "it begins with other published values than the last one left";
  }
  return "";
}

void Records::Fork(Uid uid, RunRecords& run, const RunRecords& source,
                   const HistoryEvent& forked) {
  if (!CanBeRetried(source.fold.run.state())) {
    return Fail(uid, "a run was retried that had not gone wrong");
  }
  // Strictly before the activation that closed the source.
  const ActivationRecord& cut_off = source.history.back();
  if (forked.forked().source_event_id() != cut_off.events(0).event_id() - 1) {
    return Fail(uid,
                absl::StrCat("it keeps ", forked.forked().source_event_id(),
                             " events of a generation that went wrong in "
                             "event ",
                             cut_off.events(0).event_id()));
  }
  if (forked.event_id() != forked.forked().source_event_id() + 1) {
    return Fail(uid, "it is not numbered on from where it was cut");
  }
  for (Uid at = run.previous; at != Uid{}; at = now_.runs[at].previous) {
    const RunRecords& other = now_.runs[at];
    if (other.inherited > 0 &&
        other.history[other.inherited].events(0).forked().request_id() ==
            forked.forked().request_id()) {
      return Fail(uid, "one retry began two generations");
    }
  }
  run.base_signals = source.base_signals;
  run.signals = source.base_signals;
  run.grammar = Grammar();
  run.fold = core::RunState();
  run.fold.uid = uid;
  run.last_records = source.last_records;
  for (auto it = source.history.begin(); it != std::prev(source.history.end());
       ++it) {
    Inherit(run, source, *it);
  }
  run.inherited = run.history.size();
  if (ComesAgain(cut_off.events(0))) run.expected = Bare(cut_off.events(0));
}

void Records::Inherit(RunRecords& run, const RunRecords& source,
                      const ActivationRecord& activation) {
  run.grammar.Take(activation).clear();  // it was good before
  for (const HistoryEvent& event : activation.events()) {
    run.fold.Apply(event);
    switch (event.attributes_case()) {
      case HistoryEvent::kRunStarted:
        for (const auto& signal : event.run_started().signals()) {
          run.signals.insert(signal.request_id());
        }
        break;
      case HistoryEvent::kSignalReceived:
        run.signals.insert(event.signal_received().request_id());
        break;
      case HistoryEvent::kTimerStarted: {
        const int64_t seq = event.timer_started().seq();
        run.timers[seq] = source.timers.at(seq);
        run.timers[seq].over = false;
        break;
      }
      case HistoryEvent::kTimerFired:
        run.timers[event.timer_fired().seq()].over = true;
        break;
      case HistoryEvent::kTimerCancelled:
        run.timers[event.timer_cancelled().timer_seq()].over = true;
        break;
      case HistoryEvent::kActivityCompleted:
        run.closed[event.activity_completed().seq()] = event.attributes_case();
        break;
      case HistoryEvent::kActivityFailed:
        run.closed[event.activity_failed().seq()] = event.attributes_case();
        break;
      case HistoryEvent::kActivityTimedOut:
        run.closed[event.activity_timed_out().seq()] = event.attributes_case();
        break;
      case HistoryEvent::kActivityCancelled:
        run.closed[event.activity_cancelled().seq()] = event.attributes_case();
        break;
      default:
        break;
    }
  }
  run.history.push_back(activation);
}

void Records::CheckExpected(Uid uid, RunRecords& run,
                            const HistoryEvent& stimulus) {
  // What wakes no flow is recorded while a BLOCKED retry has yet to take it in:
  // a pause that it has of its source may end, too.
  if (run.expected.empty() || stimulus.has_forked() ||
      stimulus.has_run_paused() || stimulus.has_run_resumed() ||
      stimulus.has_run_terminated() || stimulus.has_run_timed_out()) {
    return;
  }
  if (Bare(stimulus) != run.expected) {
    Fail(uid, "what the retry cut off does not come again first");
  }
  run.expected.clear();
}

void Records::OnTimedOut(Uid uid, const RunRecords& run) {
  if (!run.fold.run.has_deadline()) {
    return Fail(uid, "it ran out of time that nobody had set it");
  }
  if (world_.on(Fault::kWallJump)) return;
  // What is stored is cut to whole nanoseconds.
  if (decided_.wall + absl::Microseconds(1) <
      FromProto(run.fold.run.deadline())) {
    Fail(uid, "it was timed out before its time");
  }
}

void Records::CheckDeadline(Uid uid, const RunRecords& run) {
  if (run.ended || !run.status->run().has_deadline() ||
      world_.on(Fault::kWallJump)) {
    return;
  }
  // A slow write holds the loop up.
  constexpr absl::Duration kSlack = absl::Seconds(4);
  const absl::Duration late =
      decided_.wall - FromProto(run.status->run().deadline());
  const bool held_back =
      decided_.steady - sessions_.stalled() <= limits::kRecoveryGrace + kSlack;
  if (late > kSlack && !held_back) {
    Fail(uid, absl::StrCat("it goes on ", absl::ToDoubleSeconds(late),
                           " s after its time was up"));
  }
}

void Records::CheckChain(Uid uid, const RunRecords& run) {
  const api::Run& shown = run.status->run();
  auto check = [&](bool holds, const char* what) {
    if (!holds) Fail(uid, what);
  };
  int32_t place = 1;
  int64_t calls = 0;
  int64_t own = 0;
  auto count = [](const RunRecords& one) {
    return std::count_if(one.usage.begin(), one.usage.end(),
                         [](const auto& used) { return used.second; });
  };
  own = count(run);
  for (Uid at = run.previous; at != Uid{}; at = now_.runs[at].previous) {
    ++place;
    calls += count(now_.runs[at]);
  }
  check(Uid{run.status->previous_uid()} == run.previous,
        "its status names another generation before it");
  check(shown.generation() == place, "its status counts other generations");
  const bool newest = run.next == Uid{};
  check(run.listings == (newest ? 1 : 0), "it is not listed once");
  check(newest || run.ended, "an earlier generation is open");
  // What comes late counts for its own generation and for the newest one.
  const int64_t told = shown.usage().calls();
  check(told >= own && told <= calls + own, "its usage is counted wrongly");
  check(!newest || told == calls + own,
        "the usage of its generations is summed wrongly");
  if (newest && run.previous != Uid{}) CheckNothingLost(uid, run);
  if (!run.ended || run.history.empty()) return;
  CheckMailIsListed(uid, run);
  const HistoryEvent& last = *run.history.back().events().rbegin();
  if (!last.has_run_continued_as_new()) return;
  check(run.next.ToHex() == last.run_continued_as_new().uid(),
        "it continued as new, and nothing follows it");
}

void Records::CheckMailIsListed(Uid uid, const RunRecords& run) {
  if (run.mailed_signals.empty()) return;
  const HistoryEvent& last = *run.history.back().events().rbegin();
  std::set<std::string> listed;
  auto list = [&listed](const auto& end) {
    for (const auto& signal : end.unread_signals()) {
      listed.insert(signal.request_id());
    }
  };
  if (last.has_run_completed()) {
    list(last.run_completed());
  } else if (last.has_run_cancelled()) {
    list(last.run_cancelled());
  } else {
    return;
  }
  for (const std::string& request : run.mailed_signals) {
    if (!run.signals.contains(request) && !listed.contains(request)) {
      Fail(uid, "it ended and lost a signal in its mailbox: " + request);
    }
  }
}

void Records::CheckNothingLost(Uid uid, const RunRecords& run) {
  auto known = [&run](const std::string& request) {
    return run.signals.contains(request) ||
           run.mailed_signals.contains(request);
  };
  // It has not begun: what it begins with is compared when it does.
  if (run.history.empty()) return;
  for (Uid at = run.previous; at != Uid{}; at = now_.runs[at].previous) {
    for (const auto* sent :
         {&now_.runs[at].signals, &now_.runs[at].mailed_signals}) {
      for (const std::string& request : *sent) {
        if (known(request)) continue;
        return Fail(uid, "a signal is lost between generations: " + request);
      }
    }
  }
}

}  // namespace anabranch::sim
