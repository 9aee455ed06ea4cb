// Task queues: who may take from them, and how much.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error_details.h"
#include "base/limits.h"
#include "orchestrator/shard/shard.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_instance.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using testing::Harness;

// Three activities of one key at once, on the queue that the input names.
Future<Payload> Three(FlowContext& ctx, FlowInput input) {
  std::vector<Future<Payload>> all;
  for (int i = 0; i < 3; ++i) {
    sdk::ActivityOptions options;
    options.set_task_queue(*ctx.Content(input.payload));
    options.set_concurrency_key("tenant");
    all.push_back(ctx.Start({.type = "echo", .options = std::move(options)}));
  }
  (co_await sdk::AllOf(std::move(all))).status().IgnoreError();
  co_return Payload();
}

class ShardQueuesTest : public ::testing::Test {
 protected:
  ShardQueuesTest() {
    sdk::FlowDefinition flow;
    flow.name = "three";
    flow.create = [] { return std::make_unique<sdk::FlowInstance>(Three); };
    h.flows.Register(std::move(flow));
  }

  absl::Status Limit(const std::string& queue, double per_second,
                     int key_limit) {
    absl::Status result = absl::UnknownError("no answer");
    SetTaskQueue input;
    input.record.set_name(queue);
    input.record.set_tasks_per_second(per_second);
    input.record.set_burst(1);
    input.record.set_default_key_limit(key_limit);
    input.reply = [&result](const absl::Status& status) { result = status; };
    h.Round({std::move(input)});
    return result;
  }
  void Start(const std::string& run_id, const std::string& queue) {
    StartRun input;
    input.name = {"default", run_id};
    input.flow = "three";
    input.input.set_text(queue);
    input.reply = [](const absl::StatusOr<StartedRun>& started) {
      EXPECT_TRUE(started.ok());
    };
    h.Round({std::move(input)});
  }
  // A worker of one queue.
  void Connect(uint64_t stream, const std::string& queue) {
    WorkerConnected input;
    input.stream = {stream};
    input.hello.set_session("session-" + std::to_string(stream));
    input.hello.add_activity_types("echo");
    input.hello.add_task_queues(queue);
    input.hello.set_slots(100);
    WorkerFrame credit;
    credit.stream = {stream};
    credit.messages.emplace_back().mutable_credit()->set_count(100);
    h.Round({std::move(input), std::move(credit)});
  }

  Harness h;
};

TEST_F(ShardQueuesTest, ATaskGoesToAWorkerOfItsQueueAlone) {
  Connect(1, "default");
  Start("r", "gpu");
  EXPECT_TRUE(h.Tasks(1).empty());
  Connect(2, "gpu");
  auto tasks = h.Tasks(2);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].task_queue(), "gpu");
}

TEST_F(ShardQueuesTest, LimitsHoldAfterARestart) {
  ASSERT_TRUE(Limit("gpu", 0, 2).ok());
  h.Restart();
  Connect(1, "gpu");
  Start("r", "gpu");
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 2u);
  // The attempts that run are counted after a restart, too.
  h.Restart();
  h.Connect(1, "session-1", 10, {tasks[0].token(), tasks[1].token()});
  Connect(2, "gpu");
  EXPECT_TRUE(h.Tasks(2).empty());
  h.Complete(1, tasks[0].token(), "1");
  EXPECT_EQ(h.Tasks(2).size(), 1u);
}

TEST_F(ShardQueuesTest, ARateWakesTheShardWhenTheNextMayGo) {
  ASSERT_TRUE(Limit("gpu", 1, 0).ok());
  Connect(1, "gpu");
  Start("r", "gpu");
  EXPECT_EQ(h.Tasks(1).size(), 1u);
  const absl::Duration due = h.clock.Steady() + absl::Seconds(1);
  EXPECT_EQ(h.shard->NextDue(), due);
  h.clock.Advance(due - h.clock.Steady());
  h.Round();
  EXPECT_EQ(h.Tasks(1).size(), 1u);
}

TEST_F(ShardQueuesTest, WithoutLimitsNothingOfAQueueIsKept) {
  ASSERT_TRUE(Limit("gpu", 1, 0).ok());
  EXPECT_EQ(h.store.ReadTaskQueues()->size(), 1u);
  ASSERT_TRUE(Limit("gpu", 0, 0).ok());
  EXPECT_TRUE(h.store.ReadTaskQueues()->empty());
}

TEST_F(ShardQueuesTest, OneQueueTooManyIsRefusedByName) {
  for (int i = 0; i < limits::kTaskQueuesMax; ++i) {
    ASSERT_TRUE(Limit("queue" + std::to_string(i), 1, 0).ok());
  }
  absl::Status status = Limit("more", 1, 0);
  EXPECT_EQ(ErrorReason(status), "TOO_MANY_TASK_QUEUES");
  EXPECT_TRUE(Limit("queue7", 2, 0).ok());
}

}  // namespace
}  // namespace anabranch::shard
