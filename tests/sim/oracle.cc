#include "tests/sim/oracle.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/proto_time.h"

namespace anabranch::sim {
namespace {

using anabranch::v1::HistoryEvent;

std::string ListOf(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

bool EndsRun(const HistoryEvent& event) {
  return event.has_run_completed() || event.has_run_failed() ||
         event.has_run_cancelled();
}

}  // namespace

std::string Oracle::Take(const storage::v1::ActivationRecord& activation) {
  asked_.clear();
  Deliver(activation.events(0));
  std::multiset<std::string> recorded;
  for (int i = 1; i < activation.events_size(); ++i) {
    const HistoryEvent& event = activation.events(i);
    // Which branch's failure ends a cancelled run is not told.
    if (cancelled_ && EndsRun(event)) continue;
    recorded.insert(Recorded(event));
  }
  if (recorded == asked_) return "";
  return absl::StrCat("at event ", activation.events(0).event_id(),
                      " it must ask for {", absl::StrJoin(asked_, "; "),
                      "}, and asked for {", absl::StrJoin(recorded, "; "), "}");
}

void Oracle::Deliver(const HistoryEvent& event) {
  if (closed_) return;
  switch (event.attributes_case()) {
    case HistoryEvent::kRunStarted:
      for (const auto& signal : event.run_started().signals()) {
        unread_[signal.name()].push_back(content_(signal.input()));
      }
      cancelled_ = event.run_started().cancel_requested();
      return RunBranch(program_, [this](const Result& result) {
        if (cancelled_ || closed_) return;
        closed_ = true;
        asked_.insert(result.failed ? absl::StrCat("fail ", result.type)
                                    : absl::StrCat("complete ", result.json));
      });
    case HistoryEvent::kActivityCompleted:
      return Resolve(
          event.activity_completed().seq(),
          {false, "", content_(event.activity_completed().result())});
    case HistoryEvent::kActivityFailed:
      return Resolve(event.activity_failed().seq(),
                     {true, event.activity_failed().failure().type()});
    case HistoryEvent::kActivityTimedOut:
      return Resolve(event.activity_timed_out().seq(), {true, "timeout"});
    case HistoryEvent::kChildClosed: {
      const auto& closed = event.child_closed();
      if (closed.state() != anabranch::v1::RUN_STATE_COMPLETED) {
        return Resolve(closed.seq(), {true, closed.failure().type()});
      }
      return Resolve(closed.seq(), {false, "", content_(closed.result())});
    }
    case HistoryEvent::kTimerFired:
      return Resolve(event.timer_fired().seq(), {});
    case HistoryEvent::kCancelRequested:
      return CancelAll();
    case HistoryEvent::kSignalReceived: {
      const std::string& name = event.signal_received().name();
      std::string json = content_(event.signal_received().input());
      auto& waiting = receives_[name];
      if (waiting.empty()) {
        unread_[name].push_back(std::move(json));
        return;
      }
      Done done = std::move(waiting.front());
      waiting.pop_front();
      return done({false, "", std::move(json)});
    }
    default:
      return;
  }
}

void Oracle::CancelAll() {
  cancelled_ = true;
  std::map<int64_t, Open> open;
  for (const auto& [seq, one] : open_) asked_.insert("cancel " + one.what);
  for (auto it = open_.begin(); it != open_.end();) {
    const auto next = std::next(it);
    if (!it->second.child) open.insert(open_.extract(it));
    it = next;
  }
  auto receives = std::exchange(receives_, {});
  const Result cancelled{true, "cancelled"};
  for (auto& [seq, one] : open) one.done(cancelled);
  for (auto& [name, waiting] : receives) {
    for (Done& done : waiting) done(cancelled);
  }
}

void Oracle::Resolve(int64_t seq, const Result& result) {
  auto it = open_.find(seq);
  // Given up by the flow.
  if (it == open_.end()) return;
  Done done = std::move(it->second.done);
  open_.erase(it);
  done(result);
}

void Oracle::Ask(const std::string& what, const Done& done) {
  if (closed_) return;
  if (cancelled_) return done({true, "cancelled"});
  asked_.insert(what);
  unbound_.emplace(what, done);
}

std::string Oracle::Bind(int64_t seq, const std::string& what, bool child) {
  auto it = unbound_.lower_bound(what);
  if (it == unbound_.end() || it->first != what) return "unasked: " + what;
  names_[seq] = what;
  open_[seq] = {what, std::move(it->second), child};
  unbound_.erase(it);
  return what;
}

std::string Oracle::Recorded(const HistoryEvent& event) {
  switch (event.attributes_case()) {
    case HistoryEvent::kActivityScheduled: {
      auto input = nlohmann::json::parse(
          content_(event.activity_scheduled().input()), nullptr, false);
      const int64_t id = input.is_object() ? input.value("id", int64_t{0}) : 0;
      return Bind(event.activity_scheduled().seq(), absl::StrCat("call ", id));
    }
    case HistoryEvent::kTimerStarted:
      return Bind(
          event.timer_started().seq(),
          absl::StrCat("timer ", absl::ToInt64Microseconds(FromProto(
                                     event.timer_started().duration()))));
    case HistoryEvent::kChildScheduled:
      return Bind(
          event.child_scheduled().seq(),
          absl::StrCat("child ",
                       ChildNumber(content_(event.child_scheduled().input()))),
          /*child=*/true);
    case HistoryEvent::kChildCancelRequested:
      return "cancel " + names_[event.child_cancel_requested().child_seq()];
    case HistoryEvent::kRunContinuedAsNew:
      return "continue";
    case HistoryEvent::kCommandRefused:
      return "refused " + event.command_refused().command();
    // What they cancel is closed by now: its number tells what it was.
    case HistoryEvent::kActivityCancelRequested:
      return "cancel " +
             names_[event.activity_cancel_requested().activity_seq()];
    case HistoryEvent::kTimerCancelled:
      return "cancel " + names_[event.timer_cancelled().timer_seq()];
    case HistoryEvent::kRunCompleted:
      return "complete " + content_(event.run_completed().result());
    case HistoryEvent::kRunFailed:
      return "fail " + event.run_failed().failure().type();
    default:
      return event.ShortDebugString();
  }
}

void Oracle::RunBlock(const NodeBlock& block, size_t i, const Values& values,
                      const Done& done) {
  if (i == block.size()) return done({});
  RunNode(block[i], values,
          [this, &block, i, values, done](const Result& result) {
            if (result.failed) return done(result);
            RunBlock(block, i + 1, values, done);
          });
}

void Oracle::RunBranch(const NodeBlock& block, const Done& done) {
  auto values = std::make_shared<std::vector<std::string>>();
  RunBlock(block, 0, values, [values, done](const Result& result) {
    if (result.failed) return done(result);
    done({false, "", ListOf(*values)});
  });
}

void Oracle::RunNode(const Node& node, const Values& values, const Done& done) {
  const Done gather = [values, done](const Result& result) {
    if (!result.failed) values->push_back(result.json);
    done(result);
  };
  switch (node.kind) {
    case Node::Kind::kCall:
      return Ask(absl::StrCat("call ", node.id), gather);
    case Node::Kind::kTimer:
      return Ask(
          absl::StrCat("timer ", absl::ToInt64Microseconds(TimerOf(node))),
          done);
    case Node::Kind::kReceive:
      return Receive(node.signal, gather);
    case Node::Kind::kLoop:
      return RunLoop(node, node.count, values, done);
    case Node::Kind::kChild:
      return Ask(absl::StrCat("child ", ChildNumber(node.blocks[0])), gather);
    case Node::Kind::kContinue:
      return Continue(done);
    case Node::Kind::kTry:
      return RunBlock(node.blocks[0], 0, values,
                      [this, &node, values, done](const Result& result) {
                        if (!result.failed) return done(result);
                        RunBlock(node.blocks[1], 0, values, done);
                      });
    default:
      return RunBranches(node, values, done);
  }
}

void Oracle::Continue(const Done& done) {
  if (closed_) return;
  // A request to cancel goes along, if the program has got over it.
  // What is still to close, but not a child that is left alone anyway.
  auto holds = [](const std::string& what) {
    int64_t child = 0;
    if (absl::SimpleAtoi(absl::StripPrefix(what, "child "), &child)) {
      return !IsAbandoned(child);
    }
    return what.starts_with("call ");
  };
  bool held = false;
  for (const auto& [seq, one] : open_) held |= holds(one.what);
  for (const auto& [what, one] : unbound_) held |= holds(what);
  if (held) {
    asked_.insert("refused CONTINUE_AS_NEW");
    return done({true, "command_refused"});
  }
  closed_ = true;
  asked_.insert("continue");
}

void Oracle::RunLoop(const Node& node, int64_t left, const Values& values,
                     const Done& done) {
  if (left == 0) return done({});
  RunBlock(node.blocks[0], 0, values,
           [this, &node, left, values, done](const Result& result) {
             if (result.failed) return done(result);
             RunLoop(node, left - 1, values, done);
           });
}

struct Oracle::Join {
  Node::Kind kind = Node::Kind::kAll;
  Values values;
  Done done;
  std::vector<std::string> lists;
  size_t left = 0;
  bool over = false;
};

void Oracle::RunBranches(const Node& node, const Values& values,
                         const Done& done) {
  auto join = std::make_shared<Join>();
  join->kind = node.kind;
  join->values = values;
  join->done = done;
  join->lists.resize(node.blocks.size());
  join->left = node.blocks.size();
  // Nothing goes on before all have begun, also when some are over at once.
  auto begun = std::make_shared<bool>(false);
  auto early = std::make_shared<std::map<size_t, Result>>();
  for (size_t i = 0; i < node.blocks.size(); ++i) {
    RunBranch(node.blocks[i],
              [this, join, begun, early, i](const Result& result) {
                if (*begun) return OnBranch(*join, i, result);
                (*early)[i] = result;
              });
  }
  *begun = true;
  for (const auto& [i, result] : *early) OnBranch(*join, i, result);
}

void Oracle::OnBranch(Join& join, size_t branch, const Result& result) {
  if (join.over) return;
  if (result.failed && join.kind != Node::Kind::kSettled) {
    join.over = true;
    return join.done(result);
  }
  if (join.kind == Node::Kind::kAny) {
    join.over = true;
    join.values->push_back(absl::StrCat("[", branch, ",", result.json, "]"));
    return join.done({});
  }
  join.lists[branch] = result.failed
                           ? nlohmann::json{{"failed", result.type}}.dump()
                           : result.json;
  if (--join.left > 0) return;
  join.values->push_back(ListOf(join.lists));
  join.done({});
}

void Oracle::Receive(const std::string& name, const Done& done) {
  if (closed_) return;
  auto& unread = unread_[name];
  if (unread.empty()) {
    if (cancelled_) return done({true, "cancelled"});
    receives_[name].push_back(done);
    return;
  }
  std::string json = std::move(unread.front());
  unread.pop_front();
  done({false, "", std::move(json)});
}

}  // namespace anabranch::sim
