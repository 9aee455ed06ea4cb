// `batch` and `queues`.
#include <algorithm>
#include <string>

#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class BatchTest : public testing::CliTest {
 protected:
  v1::Batch& AddBatch(int64_t looked_at, int64_t succeeded, bool closed) {
    v1::Batch& batch = canned.batches.emplace_back();
    batch.set_batch_id("b1");
    batch.set_action(v1::BATCH_ACTION_CANCEL);
    batch.set_filter("state = RUNNING");
    batch.mutable_create_time()->set_seconds(1700000000);
    batch.set_looked_at(looked_at);
    batch.set_succeeded(succeeded);
    if (closed) batch.mutable_close_time()->set_seconds(1700000002);
    return batch;
  }
};

TEST_F(BatchTest, StartsABatch) {
  AddBatch(0, 0, false);
  EXPECT_EQ(Run({"batch", "start", "signal", "--filter", "flow = chat*",
                 "--signal", "go", "--input", "[1]", "--reason", "why"}),
            0);
  EXPECT_EQ(out, "b1\n");
  const v1::StartBatchRequest& start = canned.batch_starts.at(0);
  EXPECT_EQ(start.action(), v1::BATCH_ACTION_SIGNAL);
  EXPECT_EQ(start.filter(), "flow = chat*");
  EXPECT_EQ(start.signal(), "go");
  EXPECT_EQ(start.input().json_text(), "[1]");
  EXPECT_EQ(start.reason(), "why");
  // Trying again after a lost answer is harmless.
  EXPECT_THAT(start.batch_id(), HasSubstr("batch-"));
}

TEST_F(BatchTest, NeedsAnActionAndAFilter) {
  EXPECT_EQ(Run({"batch", "start", "cancel"}), 2);
  EXPECT_THAT(err, HasSubstr("--filter"));
  EXPECT_EQ(Run({"batch", "start", "explode", "--filter", "*"}), 2);
  EXPECT_THAT(canned.batch_starts, IsEmpty());
}

TEST_F(BatchTest, WaitShowsHowFarItComes) {
  AddBatch(0, 0, false);
  AddBatch(50, 7, false);
  AddBatch(50, 7, false);
  v1::Batch& last = AddBatch(120, 9, true);
  last.set_failed(1);
  last.add_failures("r3: run r3 is closed");
  EXPECT_EQ(Run({"batch", "start", "cancel", "--filter", "state = RUNNING",
                 "--wait"}),
            1);
  EXPECT_EQ(err,
            "7 done, 0 failed, 50 looked at\n"
            "9 done, 1 failed, 120 looked at\n");
  EXPECT_THAT(out, HasSubstr("state    DONE\n"));
  EXPECT_THAT(out, HasSubstr("runs     9 done, 1 failed, 120 looked at\n"));
  EXPECT_THAT(out, HasSubstr("failure  r3: run r3 is closed\n"));
}

TEST_F(BatchTest, ShowsAndListsBatches) {
  AddBatch(3, 2, true);
  EXPECT_EQ(Run({"batch", "show", "b1"}), 0);
  EXPECT_THAT(out, HasSubstr("action   CANCEL\nfilter   state = RUNNING\n"));
  EXPECT_EQ(Run({"batch", "list"}), 0);
  EXPECT_EQ(out,
            "BATCH  ACTION  STATE  STARTED              DONE  FAILED  FILTER\n"
            "b1     CANCEL  DONE   2023-11-14 22:13:20  2     0       state = "
            "RUNNING\n");
  EXPECT_EQ(Run({"batch", "list", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("{\"batches\":[{\"batchId\":\"b1\""));
}

TEST_F(BatchTest, CancelSaysWhenItCameTooLate) {
  AddBatch(3, 2, true).set_cancelled(true);
  EXPECT_EQ(Run({"batch", "cancel", "b1"}), 0);
  EXPECT_THAT(out, HasSubstr("state    CANCELLED\n"));
  EXPECT_THAT(err, Not(HasSubstr("already")));
  canned.batches[0].set_cancelled(false);
  EXPECT_EQ(Run({"batch", "cancel", "b1"}), 0);
  EXPECT_THAT(err, HasSubstr("it was done already"));
}

TEST_F(BatchTest, UnknownBatchesGetAHint) {
  canned.errors["GetBatch"] = {
      testing::ErrorWith(grpc::StatusCode::NOT_FOUND, "There is no batch b1.",
                         {.reason = "BATCH_NOT_FOUND", .domain = "anabranch"})};
  EXPECT_EQ(Run({"batch", "show", "b1"}), 2);
  EXPECT_THAT(err, HasSubstr("anabranch batch list"));
}

TEST_F(BatchTest, ListsAndSetsQueues) {
  v1::TaskQueue& queue = canned.queues.emplace_back();
  queue.set_name("default");
  queue.set_ready(7);
  queue.set_running(2);
  queue.set_workers(1);
  queue.mutable_settings()->set_tasks_per_second(2.5);
  (*queue.mutable_settings()->mutable_key_limits())["opus"] = 2;
  EXPECT_EQ(Run({"queues", "list"}), 0);
  EXPECT_EQ(out,
            "QUEUE    WAIT  RUN  WORKERS  LIMITS\n"
            "default  7     2    1        2.5/s, key opus 2\n");
  EXPECT_EQ(
      Run({"queues", "set", "default", "--tasks-per-second", "5", "--burst",
           "9", "--each-key-limit", "3", "--key-limit", "a=b=4", "--json"}),
      0);
  const v1::UpdateTaskQueueRequest& update = canned.queue_updates.at(0);
  EXPECT_EQ(update.name(), "default");
  EXPECT_EQ(update.settings().tasks_per_second(), 5);
  EXPECT_EQ(update.settings().burst(), 9);
  EXPECT_EQ(update.settings().default_key_limit(), 3);
  EXPECT_EQ(update.settings().key_limits().at("a=b"), 4);
  EXPECT_EQ(Run({"queues", "set", "default", "--key-limit", "opus"}), 2);
  EXPECT_THAT(err, HasSubstr("KEY=NUMBER"));
}

}  // namespace
}  // namespace anabranch::cli
