#include "flows/testing/flow_driver.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using anabranch::v1::Command;
using anabranch::v1::HistoryEvent;
using anabranch::v1::Payload;
using anabranch::v1::PayloadRef;
using anabranch::v1::ScheduleActivity;

std::vector<Command> TakeAll(sdk::FlowInstance& flow) {
  std::vector<Command> commands;
  while (auto command = flow.TakeCommand()) {
    commands.push_back(*command);
    if (command->has_continue_as_new()) {
      HistoryEvent accepted;
      accepted.mutable_run_continued_as_new();
      flow.Deliver(accepted);
    }
  }
  return commands;
}

// What a replay reads before it delivers the stimulus that led to `commands`.
void SetMarkers(sdk::FlowInstance& flow, const std::vector<Command>& commands) {
  std::map<int64_t, anabranch::v1::MarkerRecorded> markers;
  for (const Command& command : commands) {
    if (!command.has_record_marker()) continue;
    auto& marker = markers[command.seq()];
    marker.set_seq(command.seq());
    marker.set_name(command.record_marker().name());
    *marker.mutable_value() = command.record_marker().value();
  }
  flow.SetRecordedMarkers(std::move(markers));
}

void ExpectSame(const std::vector<Command>& recorded,
                const std::vector<Command>& current) {
  ASSERT_EQ(recorded.size(), current.size()) << "replay asked for another "
                                                "number of commands";
  for (size_t i = 0; i < recorded.size(); ++i) {
    EXPECT_EQ(recorded[i].DebugString(), current[i].DebugString());
  }
}

}  // namespace

FlowDriver::FlowDriver(const sdk::FlowDefinition& flow)
    : create_(flow.create), live_(flow.create()) {
  live_->SetPayloadReader(this);
}

FlowDriver::~FlowDriver() = default;

Payload FlowDriver::Store(std::string_view json) {
  Payload payload;
  if (json.size() <= store_above_) {
    payload.set_json_text(std::string(json));
    return payload;
  }
  PayloadRef& ref = *payload.mutable_ref();
  ref.set_sha256("stored-" + std::to_string(stored_.size()));
  ref.set_size_bytes(static_cast<int64_t>(json.size()));
  ref.set_encoding(anabranch::v1::PAYLOAD_ENCODING_JSON);
  stored_[ref.sha256()] = std::string(json);
  return payload;
}

absl::StatusOr<std::string> FlowDriver::Read(const PayloadRef& ref) {
  const auto it = stored_.find(ref.sha256());
  if (it == stored_.end()) return absl::NotFoundError(ref.sha256());
  return it->second;
}

// --- stimuli ---

void FlowDriver::Start(std::string_view input_json, Attachments attachments) {
  HistoryEvent event;
  auto* started = event.mutable_run_started();
  started->set_seed(42);
  *started->mutable_input() = Store(input_json);
  for (auto& [name, payload] : attachments) {
    (*started->mutable_attachments())[name] = std::move(payload);
  }
  Deliver(std::move(event));
}

void FlowDriver::Complete(std::string_view name, std::string_view result_json) {
  HistoryEvent event;
  const int64_t seq = SeqOf(name);
  event.mutable_activity_completed()->set_seq(seq);
  *event.mutable_activity_completed()->mutable_result() = Store(result_json);
  open_.erase(seq);
  Deliver(std::move(event));
}

void FlowDriver::Fail(std::string_view name, std::string_view type,
                      std::string_view message) {
  HistoryEvent event;
  const int64_t seq = SeqOf(name);
  event.mutable_activity_failed()->set_seq(seq);
  *event.mutable_activity_failed()->mutable_failure() =
      sdk::MakeFailure(type, message);
  open_.erase(seq);
  Deliver(std::move(event));
}

void FlowDriver::TimeOut(std::string_view name) {
  HistoryEvent event;
  const int64_t seq = SeqOf(name);
  event.mutable_activity_timed_out()->set_seq(seq);
  event.mutable_activity_timed_out()->set_timeout_type(
      anabranch::v1::TIMEOUT_TYPE_START_TO_CLOSE);
  open_.erase(seq);
  Deliver(std::move(event));
}

void FlowDriver::FireTimer() {
  ASSERT_FALSE(timers_.empty());
  const auto [seq, due] = *timers_.begin();
  now_ = std::max(now_, due);
  timers_.erase(timers_.begin());
  HistoryEvent event;
  event.mutable_timer_fired()->set_seq(seq);
  Deliver(std::move(event));
}

void FlowDriver::Refuse(std::string_view name) {
  const int64_t seq = SeqOf(name);
  open_.erase(seq);
  DeliverRefusal(seq);
}

void FlowDriver::RefuseTimer() {
  ASSERT_FALSE(timers_.empty());
  const int64_t seq = timers_.begin()->first;
  timers_.erase(timers_.begin());
  DeliverRefusal(seq);
}

void FlowDriver::DeliverRefusal(int64_t seq) {
  HistoryEvent event;
  event.mutable_command_refused()->set_seq(seq);
  *event.mutable_command_refused()->mutable_failure() =
      sdk::MakeFailure(sdk::kFailureRefused, "too many");
  Deliver(std::move(event));
}

void FlowDriver::CompleteChild(std::string_view flow,
                               std::string_view result_json) {
  HistoryEvent event;
  auto* closed = event.mutable_child_closed();
  closed->set_seq(TakeChild(flow));
  closed->set_state(anabranch::v1::RUN_STATE_COMPLETED);
  *closed->mutable_result() = Store(result_json);
  Deliver(std::move(event));
}

void FlowDriver::FailChild(std::string_view flow, std::string_view type,
                           std::string_view message) {
  HistoryEvent event;
  auto* closed = event.mutable_child_closed();
  closed->set_seq(TakeChild(flow));
  closed->set_state(anabranch::v1::RUN_STATE_FAILED);
  *closed->mutable_failure() = sdk::MakeFailure(type, message);
  Deliver(std::move(event));
}

int64_t FlowDriver::TakeChild(std::string_view flow) {
  for (auto it = children_.begin(); it != children_.end(); ++it) {
    if (it->second.flow() != flow) continue;
    const int64_t seq = it->first;
    children_.erase(it);
    return seq;
  }
  ADD_FAILURE() << "no open child of flow " << flow;
  return 0;
}

absl::StatusOr<Payload> FlowDriver::Query(std::string_view name,
                                          const Payload& input) {
  return live_->Query(name, input);
}

void FlowDriver::Signal(std::string_view name, const Payload& value) {
  HistoryEvent event;
  event.mutable_signal_received()->set_name(std::string(name));
  *event.mutable_signal_received()->mutable_input() = value;
  Deliver(std::move(event));
}

void FlowDriver::RequestCancel() {
  HistoryEvent event;
  event.mutable_cancel_requested()->set_reason("enough");
  Deliver(std::move(event));
}

void FlowDriver::Deliver(HistoryEvent event) {
  const int64_t seconds = absl::ToUnixSeconds(now_);
  event.mutable_event_time()->set_seconds(seconds);
  event.mutable_event_time()->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(now_ - absl::FromUnixSeconds(seconds))));
  const auto rebuilt = Rebuild();
  live_->Deliver(event);
  Commands commands = TakeAll(*live_);
  SetMarkers(*rebuilt, commands);
  rebuilt->Deliver(event);
  ExpectSame(commands, TakeAll(*rebuilt));
  EXPECT_EQ(live_->exception(), "");
  EXPECT_FALSE(live_->stuck());
  for (const Command& command : commands) Take(command);
  events_.push_back(std::move(event));
  answers_.push_back(std::move(commands));
}

std::unique_ptr<sdk::FlowInstance> FlowDriver::Rebuild() {
  auto instance = create_();
  instance->SetPayloadReader(this);
  instance->SetReplaying(true);
  for (size_t i = 0; i < events_.size(); ++i) {
    SetMarkers(*instance, answers_[i]);
    instance->Deliver(events_[i]);
    ExpectSame(answers_[i], TakeAll(*instance));
  }
  return instance;
}

void FlowDriver::Take(const Command& command) {
  ++commands_total_;
  EXPECT_FALSE(closed()) << "a command after the end: "
                         << command.DebugString();
  if (command.has_schedule_activity()) {
    open_[command.seq()] = activities_.size();
    activities_.push_back(command.schedule_activity());
  } else if (command.has_cancel_activity()) {
    const auto it = open_.find(command.cancel_activity().activity_seq());
    ASSERT_NE(it, open_.end());
    cancelled_.push_back(activities_[it->second].name());
    open_.erase(it);
  } else if (command.has_start_timer()) {
    timers_[command.seq()] =
        now_ + absl::Seconds(command.start_timer().duration().seconds()) +
        absl::Nanoseconds(command.start_timer().duration().nanos());
  } else if (command.has_cancel_timer()) {
    EXPECT_EQ(timers_.erase(command.cancel_timer().timer_seq()), 1u);
  } else if (command.has_start_child()) {
    children_[command.seq()] = command.start_child();
  } else if (command.has_cancel_child()) {
    const auto it = children_.find(command.cancel_child().child_seq());
    ASSERT_NE(it, children_.end());
    cancelled_.push_back(it->second.flow());
  } else if (command.has_record_marker()) {
    markers_[command.record_marker().name()] = command.record_marker().value();
  } else {
    closing_ = command;
  }
}

// --- what the flow asked for ---

int64_t FlowDriver::SeqOf(std::string_view name) const {
  for (const auto& [seq, index] : open_) {
    if (activities_[index].name() == name) return seq;
  }
  ADD_FAILURE() << "no open activity " << name;
  return 0;
}

std::vector<std::string> FlowDriver::OpenActivities() const {
  std::vector<std::string> names;
  names.reserve(open_.size());
  for (const auto& [seq, index] : open_) {
    names.push_back(activities_[index].name());
  }
  return names;
}

std::string FlowDriver::PublishedJson(std::string_view name) const {
  const auto it = markers_.find("publish:" + std::string(name));
  if (it != markers_.end()) return it->second.json_text();
  ADD_FAILURE() << "nothing was published as " << name;
  return "";
}

const ScheduleActivity& FlowDriver::Activity(std::string_view name) const {
  for (auto it = activities_.rbegin(); it != activities_.rend(); ++it) {
    if (it->name() == name) return *it;
  }
  ADD_FAILURE() << "no activity " << name;
  return ScheduleActivity::default_instance();
}

std::string FlowDriver::InputJson(std::string_view name) const {
  return Activity(name).input().json_text();
}

std::string FlowDriver::ResultJson() const {
  EXPECT_TRUE(closing_.has_complete_run()) << closing_.DebugString();
  const Payload& result = closing_.complete_run().result();
  if (!result.has_ref()) return result.json_text();
  return stored_.at(result.ref().sha256());
}

std::string FlowDriver::Failure() const {
  EXPECT_TRUE(closing_.has_fail_run()) << closing_.DebugString();
  const auto& failure = closing_.fail_run().failure();
  return failure.type() + ": " + failure.message();
}

}  // namespace anabranch::flows
