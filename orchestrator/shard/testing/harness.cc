#include "orchestrator/shard/testing/harness.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace anabranch::shard::testing {

Harness::Harness(size_t live_flows_max)
    : store(log), flows("build-1"), random_(1) {
  auto slot = FlowSlot::InMemory(flows.build_id());
  AB_CHECK(slot.ok());
  slot_ = *std::move(slot);
  options.live_flows_max = live_flows_max;
  options.flow_slot = slot_.get();
  Restart();
}

void Harness::Restart(absl::Duration down,
                      const sdk::FlowRegistry* other_flows) {
  shard.reset();
  effects.sent.clear();
  messages.clear();
  log.CrashAndReopen();
  position_ = 0;
  clock.Advance(down);
  const sdk::FlowRegistry& registry =
      other_flows != nullptr ? *other_flows : flows;
  CountDeath(registry.build_id());
  shard = std::make_unique<Shard>(log, registry, random_, effects, options);
  AB_CHECK(shard->Recover(Now()).ok());
  Round();
}

void Harness::Round(std::vector<Input> inputs) {
  for (Input& input : inputs) shard->Take(std::move(input), Now());
  for (auto& message : std::exchange(messages, {})) {
    shard->Take(std::move(message), Now());
  }
  shard->Tick(Now());
  log::WriteBatch batch = shard->TakeBatch();
  if (!batch.changes.empty()) Append(std::move(batch));
  shard->Release();
  messages = shard->TakeMessages();
}

void Harness::Settle() {
  while (!messages.empty()) Round();
}

void Harness::Append(log::WriteBatch batch) {
  log::AppendRequest request;
  request.lease_epoch = log.epoch().counter;
  request.expected_position = position_++;
  request.batch = std::move(batch);
  log.Append(std::move(request), [](log::AppendResult result) {
    AB_CHECK(result == log::AppendResult::kDurable);
  });
}

void Harness::CountDeath(const std::string& build_id) {
  slot_->Reopen(build_id);
  auto record = CountFlowDeath(store, *slot_);
  AB_CHECK(record.ok());
  if (!record->has_value()) return;
  log::BatchBuilder batch;
  batch.PutFlowCrash(**record);
  Append(batch.Take());
  slot_->Clear();
}

void Harness::Advance(absl::Duration by) {
  while (by > absl::ZeroDuration()) {
    absl::Duration step = std::min(by, absl::Seconds(1));
    clock.Advance(step);
    by -= step;
    Round();
  }
}

absl::StatusOr<StartedRun> Harness::Start(const std::string& flow,
                                          const std::string& run_id,
                                          const std::string& json,
                                          const std::string& request_id) {
  absl::StatusOr<StartedRun> result = absl::UnknownError("no answer");
  StartRun input;
  input.name = {"default", run_id};
  input.flow = flow;
  input.input.set_json_text(json);
  input.request_id = request_id;
  input.reply = [&result](absl::StatusOr<StartedRun> answer) {
    result = std::move(answer);
  };
  Round({std::move(input)});
  return result;
}

absl::Status Harness::Signal(const std::string& run_id, const std::string& name,
                             const std::string& json,
                             const std::string& request_id) {
  absl::Status result = absl::UnknownError("no answer");
  SignalRun input;
  input.name = {"default", run_id};
  input.signal = name;
  input.input.set_json_text(json);
  input.request_id = request_id;
  input.reply = [&result](absl::Status answer) { result = std::move(answer); };
  Round({std::move(input)});
  return result;
}

absl::Status Harness::Cancel(const std::string& run_id) {
  absl::Status result = absl::UnknownError("no answer");
  CancelRun input;
  input.name = {"default", run_id};
  input.reason = "test";
  input.reply = [&result](absl::Status answer) { result = std::move(answer); };
  Round({std::move(input)});
  return result;
}

absl::Status Harness::Terminate(const std::string& run_id) {
  absl::Status result = absl::UnknownError("no answer");
  TerminateRun input;
  input.name = {"default", run_id};
  input.reason = "test";
  input.reply = [&result](absl::Status answer) { result = std::move(answer); };
  Round({std::move(input)});
  return result;
}

void Harness::Connect(uint64_t stream, const std::string& session, int credit,
                      std::vector<std::string> running,
                      std::vector<std::string> held) {
  WorkerConnected input;
  input.stream = {stream};
  input.hello.set_session(session);
  input.hello.set_label("worker " + session);
  input.hello.add_activity_types("echo");
  input.hello.set_slots(100);
  for (auto& token : running) input.hello.add_running_tokens(token);
  for (auto& token : held) input.hello.add_held_tokens(token);
  Round({std::move(input)});
  if (credit > 0) {
    api::WorkerMessage message;
    message.mutable_credit()->set_count(credit);
    Send(stream, std::move(message));
  }
}

void Harness::Disconnect(uint64_t stream) {
  Round({WorkerDisconnected{{stream}}});
}

void Harness::Beat(uint64_t stream) { Round({WorkerFrame{{stream}, {}}}); }

void Harness::Send(uint64_t stream, api::WorkerMessage message) {
  WorkerFrame frame;
  frame.stream = {stream};
  frame.messages.push_back(std::move(message));
  Round({std::move(frame)});
}

void Harness::Complete(uint64_t stream, const std::string& token,
                       const std::string& json) {
  api::WorkerMessage message;
  message.mutable_completed()->set_token(token);
  message.mutable_completed()->mutable_result()->set_json_text(json);
  Send(stream, std::move(message));
}

void Harness::Fail(uint64_t stream, const std::string& token,
                   const std::string& type, bool retryable) {
  api::WorkerMessage message;
  message.mutable_failed()->set_token(token);
  auto* failure = message.mutable_failed()->mutable_failure();
  failure->set_type(type);
  failure->set_retryable(retryable);
  Send(stream, std::move(message));
}

std::vector<api::ServerMessage> Harness::Messages(uint64_t stream) {
  return effects.Take({stream});
}

std::vector<api::Task> Harness::Tasks(uint64_t stream) {
  std::vector<api::Task> tasks;
  for (const auto& message : Messages(stream)) {
    if (message.has_task()) tasks.push_back(message.task());
  }
  return tasks;
}

api::Run Harness::Run(const std::string& run_id) {
  auto index = store.ReadRunIndex({"default", run_id});
  AB_CHECK(index.ok() && index->has_value());
  auto status = store.ReadStatus(Uid{(*index)->uid()});
  AB_CHECK(status.ok() && status->has_value());
  return (*status)->run();
}

std::vector<api::HistoryEvent> Harness::History(const std::string& run_id) {
  auto index = store.ReadRunIndex({"default", run_id});
  AB_CHECK(index.ok() && index->has_value());
  const Uid uid{(*index)->uid()};
  auto status = store.ReadStatus(uid);
  AB_CHECK(status.ok() && status->has_value());
  std::vector<api::HistoryEvent> events;
  auto append = [this, &events](Uid from, int64_t last) {
    auto records = store.ReadActivations(
        from, static_cast<int64_t>(events.size()) + 1, 1 << 30);
    AB_CHECK(records.ok());
    for (const auto& record : *records) {
      for (const auto& event : record.events()) {
        if (event.event_id() <= last) events.push_back(event);
      }
    }
  };
  for (const auto& segment : (*status)->segments()) {
    append(Uid{segment.uid()}, segment.last_event_id());
  }
  append(uid, std::numeric_limits<int64_t>::max());
  return events;
}

}  // namespace anabranch::shard::testing
