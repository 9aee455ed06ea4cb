// Drives one flow by hand, as the engine would, and holds it to determinism:
// before every stimulus a second instance is rebuilt from the recorded events
// (a cache of size 0), and both must ask for the same commands.
//
//   FlowDriver run(Echo());
//   run.Start("1");
//   run.Complete("echo", "1");
//   EXPECT_EQ(run.ResultJson(), "1");
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/v1/command.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::flows {

// Under one thread. Failures are gtest failures.
class FlowDriver : private sdk::PayloadReader {
 public:
  using Attachments = std::map<std::string, anabranch::v1::Payload>;

  explicit FlowDriver(const sdk::FlowDefinition& flow);
  ~FlowDriver() override;
  FlowDriver(const FlowDriver&) = delete;
  FlowDriver& operator=(const FlowDriver&) = delete;

  // Inputs and results above this reach the flow as references; 0: all do.
  void StoreAbove(size_t bytes) { store_above_ = bytes; }
  // Later events carry a later time.
  void Advance(absl::Duration duration) { now_ += duration; }

  // --- stimuli ---
  void Start(std::string_view input_json, Attachments attachments = {});
  // The open activity of that name, which must be there.
  void Complete(std::string_view name, std::string_view result_json);
  void Fail(std::string_view name, std::string_view type,
            std::string_view message);
  void TimeOut(std::string_view name);
  // The oldest open timer; the clock moves to its end.
  void FireTimer();
  // The engine refuses the command, as a limit makes it.
  void Refuse(std::string_view name);
  void RefuseTimer();
  // The oldest open child of that flow, which must be there.
  void CompleteChild(std::string_view flow, std::string_view result_json);
  void FailChild(std::string_view flow, std::string_view type,
                 std::string_view message);
  void Signal(std::string_view name, const anabranch::v1::Payload& value);
  void RequestCancel();

  // --- what the flow asked for ---
  // Names of open activities, oldest first.
  std::vector<std::string> OpenActivities() const;
  // The newest activity of that name, open or not.
  const anabranch::v1::ScheduleActivity& Activity(std::string_view name) const;
  // Its input as JSON text.
  std::string InputJson(std::string_view name) const;
  size_t OpenTimers() const { return timers_.size(); }
  // Open children by number.
  const std::map<int64_t, anabranch::v1::StartChild>& OpenChildren() const {
    return children_;
  }
  // What the flow has published last under that name, as JSON text.
  std::string PublishedJson(std::string_view name) const;
  absl::StatusOr<anabranch::v1::Payload> Query(
      std::string_view name, const anabranch::v1::Payload& input = {});
  // Names of activities that the flow gave up, and flows of children that it
  // asked to cancel.
  const std::vector<std::string>& cancelled() const { return cancelled_; }
  // All commands that the flow has given.
  size_t commands() const { return commands_total_; }

  // --- how it ended ---
  bool closed() const { return closing_.kind_case() != 0; }
  const anabranch::v1::Command& closing() const { return closing_; }
  // Of a completed run; a gtest failure otherwise.
  std::string ResultJson() const;
  // "type: message" of a failed run; a gtest failure otherwise.
  std::string Failure() const;

  // A payload as the flow would get it.
  anabranch::v1::Payload Store(std::string_view json);

 private:
  using Commands = std::vector<anabranch::v1::Command>;

  absl::StatusOr<std::string> Read(
      const anabranch::v1::PayloadRef& ref) override;
  void Deliver(anabranch::v1::HistoryEvent event);
  std::unique_ptr<sdk::FlowInstance> Rebuild();
  void DeliverRefusal(int64_t seq);
  void Take(const anabranch::v1::Command& command);
  int64_t TakeChild(std::string_view flow);
  int64_t SeqOf(std::string_view name) const;

  std::function<std::unique_ptr<sdk::FlowInstance>()> create_;
  std::map<std::string, std::string> stored_;
  size_t store_above_ = 4096;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);

  std::unique_ptr<sdk::FlowInstance> live_;
  std::vector<anabranch::v1::HistoryEvent> events_;
  std::vector<Commands> answers_;  // one for each event

  std::vector<anabranch::v1::ScheduleActivity> activities_;
  std::map<int64_t, size_t> open_;  // seq to position in activities_
  std::map<int64_t, absl::Time> timers_;
  std::map<int64_t, anabranch::v1::StartChild> children_;
  std::map<std::string, anabranch::v1::Payload> markers_;  // the last by name
  std::vector<std::string> cancelled_;
  anabranch::v1::Command closing_;
  size_t commands_total_ = 0;
};

}  // namespace anabranch::flows
