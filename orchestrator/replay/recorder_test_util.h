// Records what a flow does, as the shard does it but without one: stimuli in,
// activations out. For tests that change the flow and replay.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "base/proto_time.h"
#include "orchestrator/core/decide.h"
#include "orchestrator/core/run_state.h"
#include "sdk/flow_instance.h"

namespace anabranch::replay {

class Recorder {
 public:
  explicit Recorder(sdk::FlowFunction function)
      : Recorder(function, DefaultStart()) {}
  Recorder(sdk::FlowFunction function, const v1::RunStarted& start)
      : flow_(std::make_unique<sdk::FlowInstance>(function)) {
    v1::HistoryEvent started;
    *started.mutable_run_started() = start;
    Take(std::move(started));
  }

  // One stimulus, one activation.
  void Take(v1::HistoryEvent stimulus) {
    storage::v1::ActivationRecord record;
    stimulus.set_build_id("recorded-build");
    Append(record, std::move(stimulus));
    flow_->Deliver(record.events(0));
    while (auto command = flow_->TakeCommand()) {
      core::FlowFacts facts;
      if (core::IsClosing(*command))
        facts.unread_signals = flow_->UnreadSignals();
      Append(record,
             core::DecideCommand(state_, *command, facts, state_.last_time));
      const auto& event = record.events(record.events_size() - 1);
      if (core::ConcernsFlow(event)) flow_->Deliver(event);
    }
    EXPECT_EQ(flow_->exception(), "");
    history_.push_back(std::move(record));
  }

  // An administrative event: the flow does not hear of it.
  void Add(v1::HistoryEvent event) {
    storage::v1::ActivationRecord record;
    Append(record, std::move(event));
    history_.push_back(std::move(record));
  }

  void CompleteActivity(int64_t seq) {
    v1::HistoryEvent event;
    event.mutable_activity_completed()->set_seq(seq);
    event.mutable_activity_completed()->mutable_result()->set_json_text("1");
    Take(std::move(event));
  }
  void FireTimer(int64_t seq) {
    v1::HistoryEvent event;
    event.mutable_timer_fired()->set_seq(seq);
    Take(std::move(event));
  }
  void CloseChild(int64_t seq) {
    v1::HistoryEvent event;
    event.mutable_child_closed()->set_seq(seq);
    event.mutable_child_closed()->set_state(v1::RUN_STATE_COMPLETED);
    Take(std::move(event));
  }
  void Signal(const std::string& name) {
    v1::HistoryEvent event;
    event.mutable_signal_received()->set_name(name);
    Take(std::move(event));
  }

  const std::vector<storage::v1::ActivationRecord>& history() const {
    return history_;
  }
  const core::RunState& state() const { return state_; }

 private:
  static v1::RunStarted DefaultStart() {
    v1::RunStarted start;
    start.set_run_id("r");
    start.set_generation(1);
    start.set_seed(7);
    return start;
  }

  void Append(storage::v1::ActivationRecord& record, v1::HistoryEvent event) {
    event.set_event_id(state_.last_event_id + 1);
    event.set_activation(record.events_size() == 0
                             ? event.event_id()
                             : record.events(0).event_id());
    *event.mutable_event_time() =
        ToProto(absl::FromUnixSeconds(1'000'000 + event.activation()));
    state_.Apply(event);
    *record.add_events() = std::move(event);
  }

  std::unique_ptr<sdk::FlowInstance> flow_;
  core::RunState state_;
  std::vector<storage::v1::ActivationRecord> history_;
};

}  // namespace anabranch::replay
