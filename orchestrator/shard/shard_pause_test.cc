// PauseRun, ResumeRun and run timeouts.
#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"

namespace anabranch::shard {
namespace {

using testing::Call;
using testing::CallWithReason;
using testing::Harness;

class PauseTest : public ::testing::TestWithParam<size_t> {
 protected:
  PauseTest() : h(GetParam()) { testing::RegisterSmallFlows(h.flows); }

  absl::Status Pause(const std::string& id, const std::string& request = "") {
    return CallWithReason<PauseRun>(h, id, request);
  }
  absl::Status Resume(const std::string& id) {
    return CallWithReason<ResumeRun>(h, id);
  }
  int Count(const std::string& id, api::HistoryEvent::AttributesCase type) {
    int count = 0;
    for (const auto& event : h.History(id)) {
      count += event.attributes_case() == type ? 1 : 0;
    }
    return count;
  }
  void StartWithTimeout(const std::string& flow, const std::string& id,
                        absl::Duration timeout) {
    StartRun input;
    input.name = {"default", id};
    input.flow = flow;
    input.input.set_json_text("1");
    input.run_timeout = timeout;
    ASSERT_TRUE(Call(h, std::move(input)).ok());
  }

  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, PauseTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(PauseTest, NothingIsGrantedUntilTheRunIsResumed) {
  ASSERT_TRUE(h.Start("echo", "r", "7").ok());
  ASSERT_TRUE(Pause("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  EXPECT_EQ(h.Run("r").pause().reason(), "test");
  h.Connect(1, "s1");
  EXPECT_TRUE(h.Tasks(1).empty());
  ASSERT_TRUE(h.Start("echo", "other").ok());
  EXPECT_EQ(h.Tasks(1).size(), 1u);
  ASSERT_TRUE(Resume("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_FALSE(h.Run("r").has_pause());
  EXPECT_EQ(h.Tasks(1).size(), 1u);
}

TEST_P(PauseTest, ResultsAndSignalsAreDeliveredMeanwhile) {
  h.Connect(1, "s1");
  ASSERT_TRUE(h.Start("twice", "r", "7").ok());
  auto tasks = h.Tasks(1);
  ASSERT_TRUE(Pause("r").ok());
  h.Complete(1, tasks[0].token(), "8");
  // Recorded, and the flow went on to its second activity, which waits.
  EXPECT_EQ(Count("r", api::HistoryEvent::kActivityCompleted), 1);
  EXPECT_EQ(Count("r", api::HistoryEvent::kActivityScheduled), 2);
  EXPECT_TRUE(h.Tasks(1).empty());
  h.Restart(absl::Seconds(1));
  h.Connect(2, "s2");
  EXPECT_TRUE(h.Tasks(2).empty());
  ASSERT_TRUE(Resume("r").ok());
  tasks = h.Tasks(2);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].input().json_text(), "8");

  ASSERT_TRUE(h.Start("wait", "w").ok());
  ASSERT_TRUE(Pause("w").ok());
  ASSERT_TRUE(h.Signal("w", "go", "5").ok());
  EXPECT_EQ(h.Run("w").state(), api::RUN_STATE_COMPLETED);
  EXPECT_FALSE(h.Run("w").has_pause());
  EXPECT_TRUE(h.store.ReadPausedRuns()->size() == 0);
}

TEST_P(PauseTest, TimersThatCameDueFireAtResume) {
  ASSERT_TRUE(h.Start("sleep", "r").ok());
  ASSERT_TRUE(Pause("r").ok());
  h.Advance(absl::Seconds(90));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  EXPECT_EQ(h.store.ReadAllTimers()->size(), 1u);
  ASSERT_TRUE(Resume("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(PauseTest, AWaitForAWorkerThatBeganAnewInAPauseSurvivesRestarts) {
  testing::RegisterFlow(
      h.flows, "impatient",
      [](sdk::FlowContext& ctx, sdk::FlowInput) -> sdk::Future<sdk::Payload> {
        sdk::ActivityOptions options;
        *options.mutable_schedule_to_start_timeout() =
            ToProto(absl::Seconds(60));
        co_return co_await ctx.Start({.type = "work", .options = options});
      });
  ASSERT_TRUE(h.Start("impatient", "r").ok());
  ASSERT_TRUE(Pause("r").ok());
  h.Advance(absl::Seconds(70));
  ASSERT_TRUE(Resume("r").ok());
  h.Restart();
  h.Advance(absl::Seconds(40));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Advance(absl::Seconds(20));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_FAILED);
  EXPECT_EQ(Count("r", api::HistoryEvent::kActivityTimedOut), 1);
}

TEST_P(PauseTest, APauseSurvivesRestarts) {
  ASSERT_TRUE(h.Start("sleep", "r").ok());
  ASSERT_TRUE(Pause("r").ok());
  h.Restart(absl::Seconds(90));
  h.Advance(absl::Seconds(5));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  ASSERT_TRUE(h.Signal("r", "other", "1").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  ASSERT_TRUE(Resume("r").ok());
  h.Restart();
  h.Advance(absl::Seconds(1));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(PauseTest, PausingAndResumingTwiceIsOneOfEach) {
  ASSERT_TRUE(h.Start("wait", "r").ok());
  EXPECT_TRUE(Resume("r").ok());
  EXPECT_TRUE(Pause("r", "q").ok());
  EXPECT_TRUE(Pause("r").ok());
  EXPECT_TRUE(Pause("r", "q").ok());
  EXPECT_EQ(Count("r", api::HistoryEvent::kRunPaused), 1);
  EXPECT_TRUE(Resume("r").ok());
  // The request was answered: it does not pause again what was resumed.
  EXPECT_TRUE(Pause("r", "q").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  EXPECT_EQ(Count("r", api::HistoryEvent::kRunResumed), 1);
}

TEST_P(PauseTest, AClosedRunCannotBePaused) {
  ASSERT_TRUE(h.Start("wait", "r").ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  EXPECT_EQ(ErrorReason(Pause("r")), "RUN_CLOSED");
  EXPECT_EQ(ErrorReason(Resume("r")), "RUN_CLOSED");
  EXPECT_EQ(ErrorReason(Pause("nope")), "RUN_NOT_FOUND");
}

TEST_P(PauseTest, ABlockedRunIsPausedAndStaysSoWhenAGoodBuildComes) {
  ASSERT_TRUE(h.Start("throws", "r").ok());
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  ASSERT_TRUE(Pause("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  EXPECT_TRUE(h.Run("r").has_pause());
  h.Restart();
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  EXPECT_TRUE(h.Run("r").has_pause());

  sdk::FlowRegistry good("build-2");
  testing::RegisterFlow(
      good, "throws",
      [](sdk::FlowContext& ctx, sdk::FlowInput) -> sdk::Future<sdk::Payload> {
        (co_await ctx.ReceiveSignal("go")).IgnoreError();
        (co_await ctx.ReceiveSignal("end")).IgnoreError();
        co_return sdk::Payload();
      });
  h.Restart(absl::ZeroDuration(), &good);
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_PAUSED);
  ASSERT_TRUE(Resume("r").ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
}

TEST_P(PauseTest, ARunIsTimedOutWhenItsTimeIsUp) {
  StartWithTimeout("wait", "r", absl::Seconds(30));
  EXPECT_TRUE(h.Run("r").has_deadline());
  h.Advance(absl::Seconds(20));
  h.Restart(absl::Seconds(5));
  h.Advance(absl::Seconds(4));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Advance(absl::Seconds(2));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TIMED_OUT);
  auto history = h.History("r");
  EXPECT_GE(FromProto(history.back().event_time()),
            FromProto(h.Run("r").deadline()));
  EXPECT_EQ(Count("r", api::HistoryEvent::kRunTimedOut), 1);
  EXPECT_TRUE(h.store.ReadAllDeadlines()->empty());
  EXPECT_TRUE(h.store.ReadOpenRuns()->empty());
}

TEST_P(PauseTest, PausedAndBlockedRunsAreTimedOutToo) {
  StartWithTimeout("wait", "paused", absl::Seconds(30));
  ASSERT_TRUE(Pause("paused").ok());
  StartWithTimeout("throws", "blocked", absl::Seconds(30));
  ASSERT_TRUE(h.Signal("blocked", "go", "1").ok());
  h.Advance(absl::Seconds(31));
  EXPECT_EQ(h.Run("paused").state(), api::RUN_STATE_TIMED_OUT);
  EXPECT_EQ(h.Run("blocked").state(), api::RUN_STATE_TIMED_OUT);
  EXPECT_TRUE(h.store.ReadPausedRuns()->empty());
}

TEST_P(PauseTest, ARunThatClosesInTimeDropsItsDeadline) {
  StartWithTimeout("wait", "r", absl::Seconds(30));
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  EXPECT_TRUE(h.store.ReadAllDeadlines()->empty());
  h.Advance(absl::Seconds(40));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(PauseTest, AResultThatASurvivingWorkerHoldsComesBeforeTheTimeout) {
  h.Connect(1, "s1");
  StartWithTimeout("echo", "r", absl::Seconds(30));
  auto tasks = h.Tasks(1);
  ASSERT_EQ(tasks.size(), 1u);
  h.Restart(absl::Seconds(40));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Connect(2, "s1", 0, {}, {tasks[0].token()});
  h.Complete(2, tasks[0].token(), "8");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(PauseTest, AClockJumpNeverStretchesADeadline) {
  StartWithTimeout("wait", "r", absl::Seconds(30));
  h.clock.JumpWall(-absl::Hours(1));
  h.Restart();
  h.Advance(absl::Seconds(29));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
  h.Advance(absl::Seconds(2));
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_TIMED_OUT);
}

}  // namespace
}  // namespace anabranch::shard
