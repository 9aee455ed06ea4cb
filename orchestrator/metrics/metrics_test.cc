#include "orchestrator/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"

namespace anabranch::metrics {
namespace {

namespace api = anabranch::v1;
using ::testing::HasSubstr;
using ::testing::Not;

class MetricsTest : public ::testing::Test {
 protected:
  MetricsTest()
      : metrics_(clock_, {.build_id = "b1",
                          .workers = [this] { return workers_; },
                          .task_queues = [this] { return queues_; },
                          .open_runs =
                              [] {
                                return std::map<api::RunState, int64_t>{
                                    {api::RUN_STATE_BLOCKED, 2}};
                              },
                          .store =
                              [] {
                                return std::map<std::string, int64_t>{
                                    {"free_bytes", 42}};
                              }}) {}

  void Record(const api::HistoryEvent& event) {
    storage::v1::ActivationRecord activation;
    *activation.add_events() = event;
    metrics_.Activated(activation);
  }

  FakeClock clock_;
  std::vector<api::Worker> workers_;
  std::vector<api::TaskQueue> queues_;
  Metrics metrics_;
};

TEST_F(MetricsTest, RunsAreCountedByFlowAndEnd) {
  api::HistoryEvent event;
  event.mutable_run_started()->set_flow("echo");
  Record(event);
  Record(event);
  event.mutable_run_failed();
  Record(event);
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("anabranch_runs_started_total{flow=\"echo\"} 2"));
  EXPECT_THAT(text,
              HasSubstr("anabranch_runs_closed_total{state=\"failed\"} 1"));
  EXPECT_THAT(text, HasSubstr("anabranch_activations_total 3"));
  EXPECT_THAT(text, HasSubstr("anabranch_runs_open{state=\"blocked\"} 2"));
}

TEST_F(MetricsTest, ActivitiesAreTimedFromTheirScheduling) {
  api::ActivityInfo info;
  info.set_activity_type("claude.messages");
  info.set_attempt(1);
  info.mutable_schedule_time()->set_seconds(100);
  info.mutable_start_time()->set_seconds(103);
  metrics_.Granted(info);
  info.set_attempt(2);
  metrics_.Granted(info);
  api::HistoryEvent event;
  event.mutable_event_time()->set_seconds(110);
  *event.mutable_activity_completed()->mutable_info() = info;
  Record(event);
  const std::string text = metrics_.Text();
  const std::string type = "{activity_type=\"claude.messages\"";
  EXPECT_THAT(text,
              HasSubstr("anabranch_activity_attempts_total" + type + "} 2"));
  EXPECT_THAT(text,
              HasSubstr("anabranch_activity_schedule_to_start_seconds_count" +
                        type + "} 1"));
  EXPECT_THAT(text,
              HasSubstr("anabranch_activity_schedule_to_start_seconds_sum" +
                        type + "} 3"));
  EXPECT_THAT(text,
              HasSubstr("anabranch_activity_schedule_to_close_seconds_sum" +
                        type + "} 10"));
  EXPECT_THAT(text, HasSubstr("anabranch_activities_closed_total" + type +
                              ",outcome=\"completed\"} 1"));
}

TEST_F(MetricsTest, UsageIsCountedByKind) {
  metrics_.Used(R"({"input_tokens":7,"cache_read_input_tokens":5})");
  metrics_.Used(R"({"input_tokens":3})");
  metrics_.Used("nonsense");
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("anabranch_tokens_total{kind=\"input\"} 10"));
  EXPECT_THAT(text, HasSubstr("anabranch_tokens_total{kind=\"cache_read\"} 5"));
  EXPECT_THAT(text, Not(HasSubstr("kind=\"output\"")));
}

TEST_F(MetricsTest, ReplaysAndWritesAreTimed) {
  metrics_.RunNeeded(/*live=*/true);
  metrics_.RunNeeded(/*live=*/false);
  metrics_.ReplayBegins();
  clock_.Advance(absl::Seconds(2));
  metrics_.ReplayEnds(40);
  metrics_.Wrote(1000, absl::Milliseconds(500));
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("anabranch_flow_cache_hits_total 1"));
  EXPECT_THAT(text, HasSubstr("anabranch_flow_cache_misses_total 1"));
  EXPECT_THAT(text, HasSubstr("anabranch_replayed_events_total 40"));
  EXPECT_THAT(text, HasSubstr("anabranch_replay_seconds_sum 2"));
  EXPECT_THAT(text, HasSubstr("anabranch_sync_seconds_bucket{le=\"0.5\"} 1"));
  EXPECT_THAT(text, HasSubstr("anabranch_batch_bytes_sum 1000"));
}

TEST_F(MetricsTest, WorkersAndQueuesAreAskedAtEachScrape) {
  api::Worker& worker = workers_.emplace_back();
  worker.set_state(api::WORKER_STATE_CONNECTED);
  worker.set_slots(8);
  worker.set_running(3);
  queues_.emplace_back().set_name("default");
  queues_.back().set_ready(11);
  std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("anabranch_workers{state=\"connected\"} 1"));
  EXPECT_THAT(text, HasSubstr("anabranch_worker_slots 8"));
  EXPECT_THAT(text, HasSubstr("anabranch_worker_slots_used 3"));
  EXPECT_THAT(text,
              HasSubstr("anabranch_task_queue_ready{task_queue=\"default\"}"
                        " 11"));
  EXPECT_THAT(text, HasSubstr("anabranch_store{property=\"free_bytes\"} 42"));
  workers_.clear();
  text = metrics_.Text();
  EXPECT_THAT(text, Not(HasSubstr("connected")));
}

TEST_F(MetricsTest, NamesOfUsersAreBounded) {
  api::HistoryEvent event;
  for (int i = 0; i < 600; ++i) {
    event.mutable_run_started()->set_flow("flow-" + std::to_string(i));
    Record(event);
  }
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("anabranch_runs_started_total{flow=\"other\"} 100"));
}

}  // namespace
}  // namespace anabranch::metrics
