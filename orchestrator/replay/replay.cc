#include "orchestrator/replay/replay.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "orchestrator/core/decide.h"

namespace anabranch::replay {
namespace {

using anabranch::v1::Command;
using anabranch::v1::HistoryEvent;

std::string Describe(const std::string& kind, int64_t seq,
                     const std::string& name) {
  if (kind.empty()) return "nothing";
  std::string text = kind;
  if (seq != 0) absl::StrAppend(&text, " seq=", seq);
  if (!name.empty()) absl::StrAppend(&text, " name=", name);
  return text;
}

template <typename T>
std::string Describe(const T& command_or_event) {
  return Describe(core::CommandKind(command_or_event),
                  core::CommandSeq(command_or_event),
                  core::CommandName(command_or_event));
}

bool Matches(const Command& command, const HistoryEvent& event) {
  return core::CommandKind(command) == core::CommandKind(event) &&
         core::CommandSeq(command) == core::CommandSeq(event) &&
         core::CommandName(command) == core::CommandName(event);
}

// One replay in progress.
class Replayer {
 public:
  explicit Replayer(const ReplayInput& input)
      : input_(input), flow_(input.flow->create()) {
    flow_->SetPayloadReader(input.payloads);
    flow_->SetReplaying(true);
  }

  Replayed Run(const std::vector<storage::v1::ActivationRecord>& history) {
    for (const auto& activation : history) {
      if (activation.events().empty()) continue;
      if (!IsStimulus(activation.events(0))) continue;
      if (Activation(activation)) continue;
      // Its locals' destructors are its author's code, too.
      InFlow in_flow(input_.guard, activation.events(0));
      flow_.reset();
      return {nullptr, std::move(mismatch_)};
    }
    flow_->SetReplaying(false);
    return {std::move(flow_), std::nullopt};
  }

 private:
  // False when there is a mismatch.
  bool Activation(const storage::v1::ActivationRecord& activation) {
    const HistoryEvent& stimulus = activation.events(0);
    recorded_build_ = stimulus.build_id();
    // Side effects and patches go by them while the stimulus is delivered.
    std::map<int64_t, v1::MarkerRecorded> markers;
    for (const auto& event : activation.events()) {
      if (event.has_marker_recorded()) {
        markers[event.marker_recorded().seq()] = event.marker_recorded();
      }
    }
    flow_->SetRecordedMarkers(std::move(markers));
    Deliver(stimulus);
    if (!Healthy(stimulus)) return false;
    for (int i = 1; i < activation.events_size(); ++i) {
      if (!CommandEvent(activation.events(i))) return false;
    }
    if (auto extra = flow_->TakeCommand()) {
      Report(stimulus, "nothing more in this activation", Describe(*extra));
      return false;
    }
    last_match_ = activation.events(activation.events_size() - 1);
    return true;
  }

  bool CommandEvent(const HistoryEvent& event) {
    auto command = flow_->TakeCommand();
    if (!command.has_value() || !Matches(*command, event)) {
      Report(event, Describe(event),
             command.has_value() ? Describe(*command) : "nothing");
      return false;
    }
    if (core::ConcernsFlow(event)) {
      Deliver(event);
      if (!Healthy(event)) return false;
    }
    last_match_ = event;
    return true;
  }

  void Deliver(const HistoryEvent& event) {
    InFlow in_flow(input_.guard, event);
    flow_->Deliver(event);
  }

  bool Healthy(const HistoryEvent& event) {
    if (!flow_->exception().empty()) {
      mismatch_ = Mismatch{
          v1::BLOCKED_REASON_FLOW_ERROR, event.event_id(),
          ExceptionReport(input_, event.event_id(), flow_->exception())};
      return false;
    }
    if (flow_->stuck()) {
      mismatch_ = Mismatch{v1::BLOCKED_REASON_FLOW_STUCK, event.event_id(),
                           absl::StrCat("the flow asked for too much at event ",
                                        event.event_id(), " of ", input_.run)};
      return false;
    }
    return true;
  }

  void Report(const HistoryEvent& event, const std::string& recorded,
              const std::string& current) {
    std::string last = "none";
    if (last_match_.event_id() != 0) {
      last = absl::StrCat("event ", last_match_.event_id(), " ",
                          EventTypeName(last_match_));
    }
    mismatch_ = Mismatch{
        v1::BLOCKED_REASON_NON_DETERMINISM, event.event_id(),
        absl::StrCat("non-determinism at event ", event.event_id(), " of run ",
                     input_.run, " (flow ", input_.flow->name, ")\n",
                     "  recorded (build ", recorded_build_, "): ", recorded,
                     "\n  current  (build ", input_.build_id, "): ", current,
                     "\n  last match: ", last,
                     "\n  what to do: run a build whose flow asks for what is "
                     "recorded, or terminate the run")};
  }

  const ReplayInput& input_;
  std::unique_ptr<sdk::FlowInstance> flow_;
  std::string recorded_build_;
  HistoryEvent last_match_;
  std::optional<Mismatch> mismatch_;
};

}  // namespace

std::string ExceptionReport(const ReplayInput& input, int64_t event_id,
                            const std::string& what) {
  return absl::StrCat("the flow threw at event ", event_id, " of ", input.run,
                      " (flow ", input.flow->name, ", build ", input.build_id,
                      "): ", what,
                      "\n  what to do: run a build in which that is mended, or "
                      "terminate the run");
}

bool IsStimulus(const HistoryEvent& event) {
  // The alphabet's numbers: 10 to 29 are stimuli.
  int number = static_cast<int>(event.attributes_case());
  return number >= HistoryEvent::kRunStarted && number < 30;
}

std::string EventTypeName(const HistoryEvent& event) {
  const auto* field = event.GetDescriptor()->FindFieldByNumber(
      static_cast<int>(event.attributes_case()));
  return field == nullptr
             ? "UNKNOWN"
             : absl::AsciiStrToUpper(absl::string_view(field->name()));
}

Replayed Replay(const ReplayInput& input,
                const std::vector<storage::v1::ActivationRecord>& history) {
  return Replayer(input).Run(history);
}

}  // namespace anabranch::replay
