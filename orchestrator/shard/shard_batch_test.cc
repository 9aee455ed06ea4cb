// Batches: one action on all runs that a filter means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "orchestrator/shard/batches.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_registry.h"

namespace anabranch::shard {
namespace {

using storage::v1::BatchRecord;
using ::testing::ElementsAre;
using testing::Harness;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Every test runs with the cache of live flows at 0 and at its default.
class BatchTest : public ::testing::TestWithParam<size_t> {
 protected:
  BatchTest() : h(GetParam()) {
    testing::RegisterSmallFlows(h.flows);
    sdk::FlowDefinition other = *h.flows.Find("wait");
    other.name = "other";
    h.flows.Register(std::move(other));
    h.clock.Advance(absl::Hours(1));
  }

  // Runs of `wait` that are named r1, r2, …, the last the newest.
  void StartRuns(int count) {
    for (int i = 1; i <= count; ++i) {
      h.clock.Advance(absl::Milliseconds(1));
      ASSERT_TRUE(h.Start("wait", absl::StrCat("r", i)).ok());
    }
  }

  static BatchRecord Request(const std::string& id, BatchAction action,
                             const std::string& filter) {
    BatchRecord record;
    record.set_namespace_("default");
    record.set_batch_id(id);
    record.set_action(static_cast<int32_t>(action));
    record.set_filter(filter);
    return record;
  }

  absl::StatusOr<BatchRecord> Start(BatchRecord record) {
    std::optional<absl::StatusOr<BatchRecord>> answer;
    StartBatch input;
    input.record = std::move(record);
    input.reply = [&answer](absl::StatusOr<BatchRecord> value) {
      answer = std::move(value);
    };
    std::vector<Input> inputs;
    inputs.emplace_back(std::move(input));
    h.Round(std::move(inputs));
    return *std::move(answer);
  }

  absl::StatusOr<BatchRecord> Cancel(const std::string& id) {
    std::optional<absl::StatusOr<BatchRecord>> answer;
    CancelBatch input;
    input.ns = "default";
    input.batch_id = id;
    input.reply = [&answer](absl::StatusOr<BatchRecord> value) {
      answer = std::move(value);
    };
    std::vector<Input> inputs;
    inputs.emplace_back(std::move(input));
    h.Round(std::move(inputs));
    return *std::move(answer);
  }

  BatchRecord Read(const std::string& id) {
    return h.store.ReadBatch("default", id).value().value();
  }

  // Rounds until it is closed; how many there were.
  int Finish(const std::string& id) {
    for (int rounds = 0; rounds < 1000; ++rounds) {
      if (Read(id).has_close_time()) return rounds;
      EXPECT_TRUE(h.shard->NextDue().has_value());
      h.Round();
    }
    ADD_FAILURE() << id << " does not end";
    return -1;
  }

  int CountEvents(const std::string& run_id,
                  api::HistoryEvent::AttributesCase kind) {
    int count = 0;
    for (const auto& event : h.History(run_id)) {
      count += event.attributes_case() == kind ? 1 : 0;
    }
    return count;
  }

  Harness h;
};

TEST_P(BatchTest, ActsOnTheRunsThatItsFilterMeans) {
  StartRuns(3);
  ASSERT_TRUE(h.Start("other", "s1").ok());
  auto started = Start(Request("b1", BatchAction::kTerminate, "flow = wait"));
  ASSERT_TRUE(started.ok());
  EXPECT_TRUE(started->has_create_time());
  EXPECT_EQ(started->looked_at(), 0);
  Finish("b1");
  EXPECT_EQ(h.Run("r1").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(h.Run("r3").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(h.Run("s1").state(), api::RUN_STATE_RUNNING);
  BatchRecord record = Read("b1");
  EXPECT_EQ(record.looked_at(), 4);
  EXPECT_EQ(record.succeeded(), 3);
  EXPECT_EQ(record.failed(), 0);
  EXPECT_FALSE(record.cancelled());
}

TEST_P(BatchTest, SignalsCarryTheirValue) {
  StartRuns(2);
  BatchRecord request = Request("b1", BatchAction::kSignal, "*");
  request.set_signal("go");
  request.mutable_input()->set_json_text("\"" + std::string(9000, 'x') + "\"");
  ASSERT_TRUE(Start(request).ok());
  Finish("b1");
  EXPECT_EQ(h.Run("r1").state(), api::RUN_STATE_COMPLETED);
  EXPECT_EQ(h.Run("r2").result().ref().size_bytes(), 9002);
}

TEST_P(BatchTest, AsksRunsToCancelThemselves) {
  StartRuns(2);
  ASSERT_TRUE(Start(Request("b1", BatchAction::kCancel, "run_id = r2")).ok());
  Finish("b1");
  EXPECT_EQ(CountEvents("r2", api::HistoryEvent::kCancelRequested), 1);
  EXPECT_EQ(CountEvents("r1", api::HistoryEvent::kCancelRequested), 0);
}

TEST_P(BatchTest, WorksInRoundsBesideEverythingElse) {
  StartRuns(120);
  ASSERT_TRUE(Start(Request("b1", BatchAction::kCancel, "*")).ok());
  h.Round();
  EXPECT_EQ(Read("b1").succeeded(), limits::kBatchRunsPerRoundMax);
  EXPECT_FALSE(Read("b1").has_close_time());
  Finish("b1");
  EXPECT_EQ(Read("b1").succeeded(), 120);
  EXPECT_EQ(Read("b1").looked_at(), 120);
}

TEST_P(BatchTest, EachRunIsActedOnOnceAcrossRestarts) {
  StartRuns(120);
  BatchRecord request = Request("b1", BatchAction::kSignal, "*");
  request.set_signal("other");
  ASSERT_TRUE(Start(request).ok());
  for (int i = 0; i < 10; ++i) {
    h.Restart();  // makes a round
  }
  EXPECT_TRUE(Read("b1").has_close_time());
  EXPECT_EQ(Read("b1").succeeded(), 120);
  for (int i = 1; i <= 120; ++i) {
    EXPECT_EQ(
        CountEvents(absl::StrCat("r", i), api::HistoryEvent::kSignalReceived),
        1);
  }
}

TEST_P(BatchTest, RunsThatAreNewerThanItAreNotMeant) {
  StartRuns(1);
  h.clock.Advance(absl::Seconds(1));
  ASSERT_TRUE(Start(Request("b1", BatchAction::kTerminate, "*")).ok());
  h.clock.Advance(absl::Seconds(1));
  ASSERT_TRUE(h.Start("wait", "late").ok());
  Finish("b1");
  EXPECT_EQ(h.Run("r1").state(), api::RUN_STATE_TERMINATED);
  EXPECT_EQ(h.Run("late").state(), api::RUN_STATE_RUNNING);
}

TEST_P(BatchTest, ARunOfTheSameRoundIsMeant) {
  StartRun start;
  start.name = {"default", "r1"};
  start.flow = "wait";
  start.input.set_json_text("null");
  start.reply = [](const absl::StatusOr<StartedRun>&) {};
  StartBatch batch;
  batch.record = Request("b1", BatchAction::kTerminate, "*");
  batch.reply = [](const absl::StatusOr<BatchRecord>&) {};
  std::vector<Input> inputs;
  inputs.emplace_back(std::move(start));
  inputs.emplace_back(std::move(batch));
  h.Round(std::move(inputs));
  Finish("b1");
  EXPECT_EQ(h.Run("r1").state(), api::RUN_STATE_TERMINATED);
}

TEST_P(BatchTest, FailuresAreCountedAndTheFirstAreShown) {
  StartRuns(25);
  for (int i = 1; i <= 25; ++i) {
    ASSERT_TRUE(h.Terminate(absl::StrCat("r", i)).ok());
  }
  ASSERT_TRUE(Start(Request("b1", BatchAction::kCancel, "*")).ok());
  Finish("b1");
  BatchRecord record = Read("b1");
  EXPECT_EQ(record.failed(), 25);
  EXPECT_EQ(record.succeeded(), 0);
  ASSERT_THAT(record.failures(), SizeIs(limits::kBatchFailuresShownMax));
  EXPECT_THAT(record.failures(0), HasSubstr("r25: run r25 is closed"));
}

TEST_P(BatchTest, OneThatMatchesNothingEndsAtOnce) {
  StartRuns(2);
  ASSERT_TRUE(Start(Request("b1", BatchAction::kCancel, "flow = nope")).ok());
  EXPECT_EQ(Finish("b1"), 1);
  EXPECT_EQ(Read("b1").looked_at(), 2);
  EXPECT_EQ(Read("b1").succeeded(), 0);
}

TEST_P(BatchTest, WithoutRunsItEndsAtOnce) {
  ASSERT_TRUE(Start(Request("b1", BatchAction::kCancel, "*")).ok());
  EXPECT_EQ(Finish("b1"), 1);
}

TEST_P(BatchTest, TheSameRequestAgainIsTheSameBatch) {
  StartRuns(2);
  BatchRecord request = Request("b1", BatchAction::kCancel, "*");
  ASSERT_TRUE(Start(request).ok());
  Finish("b1");
  auto again = Start(request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->succeeded(), 2);
  request.set_filter("state = RUNNING");
  EXPECT_EQ(ErrorReason(Start(request).status()), "BATCH_ALREADY_EXISTS");
}

TEST_P(BatchTest, MakesAnIdWhenThereIsNone) {
  auto started = Start(Request("", BatchAction::kCancel, "*"));
  ASSERT_TRUE(started.ok());
  EXPECT_THAT(started->batch_id(), HasSubstr("batch-"));
}

TEST_P(BatchTest, CancellingLeavesDoneWhatIsDone) {
  StartRuns(120);
  ASSERT_TRUE(Start(Request("b1", BatchAction::kTerminate, "*")).ok());
  h.Round();
  auto cancelled = Cancel("b1");
  ASSERT_TRUE(cancelled.ok());
  EXPECT_TRUE(cancelled->cancelled());
  h.Round();
  h.Restart();
  EXPECT_EQ(Read("b1").succeeded(), limits::kBatchRunsPerRoundMax);
  EXPECT_EQ(h.Run("r1").state(), api::RUN_STATE_RUNNING);
  EXPECT_TRUE(Cancel("b1")->cancelled());
  EXPECT_EQ(ErrorReason(Cancel("nope").status()), "BATCH_NOT_FOUND");
}

TEST_P(BatchTest, SeesTheRunsAsTheRoundHasLeftThem) {
  StartRuns(1);
  ASSERT_TRUE(
      Start(Request("b1", BatchAction::kCancel, "state = RUNNING")).ok());
  // Closed in the round in which its turn comes: not RUNNING any more.
  EXPECT_TRUE(h.Terminate("r1").ok());
  Finish("b1");
  EXPECT_EQ(Read("b1").succeeded(), 0);
  EXPECT_EQ(Read("b1").failed(), 0);
}

TEST_P(BatchTest, SeveralGetOnTogether) {
  StartRuns(100);
  BatchRecord first = Request("b1", BatchAction::kSignal, "*");
  first.set_signal("other");
  ASSERT_TRUE(Start(first).ok());
  ASSERT_TRUE(Start(Request("b2", BatchAction::kCancel, "*")).ok());
  h.Round();
  EXPECT_GT(Read("b2").succeeded(), 0);
  EXPECT_FALSE(Read("b1").has_close_time());
  Finish("b1");
  Finish("b2");
  EXPECT_EQ(Read("b1").succeeded(), 100);
  EXPECT_EQ(Read("b2").succeeded(), 100);
}

TEST_P(BatchTest, WaitsWhileTheDiskIsFull) {
  StartRuns(1);
  BatchRecord request = Request("b1", BatchAction::kCancel, "*");
  ASSERT_TRUE(Start(request).ok());
  h.shard->SetDiskFull(true);
  h.Round();
  EXPECT_FALSE(Read("b1").has_close_time());
  EXPECT_EQ(
      ErrorReason(Start(Request("b2", BatchAction::kCancel, "*")).status()),
      "DISK_FULL");
  h.shard->SetDiskFull(false);
  Finish("b1");
  EXPECT_EQ(Read("b1").succeeded(), 1);
}

INSTANTIATE_TEST_SUITE_P(Cache, BatchTest, ::testing::Values(0, 1000));

}  // namespace
}  // namespace anabranch::shard
