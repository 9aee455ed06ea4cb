// What Records knows of families: parents' records, children's links to them,
// and what each is told of the other.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "orchestrator/core/run_state.h"
#include "tests/sim/records.h"

namespace anabranch::sim {
namespace {

using api::HistoryEvent;

// Its end's failure as its parent sees it.
std::string TypeOf(const api::Run& child) {
  switch (child.state()) {
    case api::RUN_STATE_FAILED:
      return child.failure().type();
    case api::RUN_STATE_CANCELLED:
      return "cancelled";
    case api::RUN_STATE_TIMED_OUT:
      return "timeout";
    default:
      return "terminated";
  }
}

bool IsEndOf(const api::ChildClosed& closed, const api::Run& child) {
  if (closed.state() != child.state()) return false;
  if (child.state() == api::RUN_STATE_COMPLETED) {
    return closed.result().SerializeAsString() ==
           child.result().SerializeAsString();
  }
  return closed.failure().type() == TypeOf(child);
}

// Told by a parent, not by its own caller.
bool IsParents(const std::string& reason) {
  return reason.starts_with("its parent ");
}

const api::ChildScheduled* ScheduledIn(const RunRecords& parent, int64_t seq) {
  for (const auto& activation : parent.history) {
    for (const auto& event : activation.events()) {
      if (event.child_scheduled().seq() == seq) return &event.child_scheduled();
    }
  }
  return nullptr;
}

bool AskedToCancel(const RunRecords& parent, int64_t seq) {
  for (const auto& activation : parent.history) {
    for (const auto& event : activation.events()) {
      if (event.child_cancel_requested().child_seq() == seq) return true;
    }
  }
  return false;
}

}  // namespace

void Records::ChangeChild(Uid parent, int64_t seq,
                          const std::optional<storage::v1::ChildRecord>& to) {
  touched_.insert(parent);
  if (to.has_value()) {
    now_.children[{parent, seq}] = *to;
  } else {
    now_.children.erase({parent, seq});
  }
}

void Records::OnChildEvent(Uid uid, RunRecords& run,
                           const HistoryEvent& event) {
  if (event.run_started().has_parent()) {
    return OnChildBegins(uid, event.run_started());
  }
  if (event.has_child_started()) {
    const auto& started = event.child_started();
    const RunRecords* child = Find(Uid::FromHex(started.uid()).value_or(Uid{}));
    // A generation that has not begun has a status only.
    const bool durable =
        child != nullptr && child->status.has_value() &&
        child->status->run().run_id() == started.run_id() &&
        child->status->run().parent().run_id() == run.fold.run.run_id();
    if (!durable) {
      Fail(uid, "a child started that is not durable: " + started.run_id());
    }
  } else if (event.has_child_closed()) {
    OnChildClosed(uid, run, event.child_closed());
  }
}

void Records::OnChildBegins(Uid uid, const api::RunStarted& started) {
  const Uid parent = Uid::FromHex(started.parent().uid()).value_or(Uid{});
  const int64_t seq = started.parent().seq();
  if (started.generation() == 1 &&
      !now_.first_of_child.emplace(std::pair(parent, seq), uid).second) {
    return Fail(uid, "its parent's child was started a second time");
  }
  const RunRecords* known = Find(parent);
  const auto* scheduled = known == nullptr ? nullptr : ScheduledIn(*known, seq);
  if (scheduled == nullptr) return Fail(uid, "no parent has asked for it");
  if (scheduled->run_id() != started.run_id() ||
      scheduled->flow() != started.flow()) {
    return Fail(uid, "its parent has asked for another child");
  }
  if (started.generation() == 1 && scheduled->input().SerializeAsString() !=
                                       started.input().SerializeAsString()) {
    Fail(uid, "its parent has asked for it with another input");
  }
}

void Records::OnChildClosed(Uid uid, const RunRecords& run,
                            const api::ChildClosed& closed) {
  auto first = now_.first_of_child.find({uid, closed.seq()});
  if (closed.state() == api::RUN_STATE_UNSPECIFIED) {
    if (first != now_.first_of_child.end()) {
      Fail(uid, "it was told that a child never was: " + closed.run_id());
    }
    if (closed.failure().type() == "cancelled" &&
        !AskedToCancel(run, closed.seq())) {
      Fail(uid, "a child was given up that nobody had cancelled");
    }
    return;
  }
  // A retry may have cut its end off: it is told again.
  for (Uid at = run.previous;
       first == now_.first_of_child.end() && at != Uid{} && run.inherited > 0;
       at = now_.runs[at].previous) {
    first = now_.first_of_child.find({at, closed.seq()});
  }
  if (first == now_.first_of_child.end()) {
    return Fail(uid, "it was told the end of a child that never was");
  }
  // The first end that does not go on; retries after it are not its matter.
  Uid at = first->second;
  while (now_.runs[at].fold.run.state() == api::RUN_STATE_CONTINUED_AS_NEW) {
    at = now_.runs[at].next;
  }
  if (!IsEndOf(closed, now_.runs[at].fold.run)) {
    Fail(uid, "it was told another end of its child than it had: " +
                  closed.ShortDebugString() + " while it was " +
                  now_.runs[at].fold.run.ShortDebugString());
  }
}

void Records::CheckChildren(Uid uid, const RunRecords& run) {
  std::set<int64_t> mailed;
  for (const auto& [n, mail] : run.mail) {
    mailed.insert(mail.stimulus().child_closed().seq());
  }
  std::set<int64_t> kept;
  for (auto it = now_.children.lower_bound({uid, 0});
       it != now_.children.end() && it->first.first == uid; ++it) {
    const bool closing =
        it->second.closing() != api::PARENT_CLOSE_POLICY_UNSPECIFIED;
    if (closing != run.ended) {
      Fail(uid, "a child's record does not know whether its parent is closed");
    }
    kept.insert(it->first.second);
  }
  if (run.ended) return;
  for (const auto& [seq, scheduled] : run.fold.open_children) {
    if (!kept.contains(seq) && !mailed.contains(seq)) {
      Fail(uid, "an open child has no record");
    }
  }
  for (int64_t seq : kept) {
    if (!run.fold.open_children.contains(seq)) {
      Fail(uid, "a record's child is not open");
    }
  }
  if (run.status->run().waiting_children_size() !=
      static_cast<int>(run.fold.open_children.size())) {
    Fail(uid, "its status shows other children");
  }
}

std::map<int64_t, api::ChildScheduled> Records::ChildrenOf(Uid parent) const {
  std::map<int64_t, api::ChildScheduled> children;
  for (auto it = now_.first_of_child.lower_bound({parent, 0});
       it != now_.first_of_child.end() && it->first.first == parent; ++it) {
    const int64_t seq = it->first.second;
    children[seq] = *ScheduledIn(now_.runs.at(parent), seq);
  }
  return children;
}

bool Records::owes() const {
  return !now_.children.empty() || !now_.notices.empty();
}

void Records::CheckFamiliesAtEnd() {
  for (const auto& [uid, run] : now_.runs) {
    for (size_t i = run.inherited; i < run.history.size(); ++i) {
      for (const auto& event : run.history[i].events()) {
        if (!event.has_child_scheduled()) continue;
        CheckPolicy(uid, run, event.child_scheduled());
      }
    }
  }
}

void Records::CheckPolicy(Uid uid, const RunRecords& run,
                          const api::ChildScheduled& scheduled) {
  const bool left = run.fold.open_children.empty();
  AB_CHECK(left);  // it has ended
  auto first = now_.first_of_child.find({uid, scheduled.seq()});
  bool told_of_end = false;
  for (const auto& activation : run.history) {
    told_of_end |= activation.events(0).child_closed().seq() == scheduled.seq();
  }
  const bool abandoned =
      scheduled.parent_close_policy() == api::PARENT_CLOSE_POLICY_ABANDON;
  const bool cancelled = AskedToCancel(run, scheduled.seq());
  if (first == now_.first_of_child.end()) {
    // It is to be there even if its parent was closed before it began, unless
    // somebody else has its id or nobody could start it.
    const log::RunName name{run.fold.run.namespace_(), scheduled.run_id()};
    const bool possible = scheduled.flow() != "nowhere" && Chain(name).empty();
    if (abandoned && !told_of_end && !cancelled && possible) {
      Fail(uid, "a child that was to be left alone never began: " +
                    scheduled.run_id());
    }
    return;
  }
  bool by_parent = false;
  for (Uid at = first->second; at != Uid{}; at = now_.runs[at].next) {
    for (const auto& activation : now_.runs[at].history) {
      const HistoryEvent& event = activation.events(0);
      by_parent |= IsParents(event.run_terminated().reason()) ||
                   IsParents(event.cancel_requested().reason());
    }
  }
  if (by_parent && abandoned && !cancelled) {
    Fail(uid,
         "a child that was to be left alone was ended: " + scheduled.run_id());
  }
  if (by_parent && told_of_end && !cancelled) {
    Fail(uid, "a child was ended by a parent that waited for it: " +
                  scheduled.run_id());
  }
}

}  // namespace anabranch::sim
