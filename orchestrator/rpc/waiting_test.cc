#include "orchestrator/rpc/waiting.h"

#include <gtest/gtest.h>

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

const absl::Time kNow = absl::FromUnixSeconds(1000);

api::ActivityInfo* AddActivity(api::Run& run, const std::string& type,
                               api::ActivityState state) {
  auto* activity = run.add_waiting_activities();
  activity->set_seq(run.waiting_activities_size());
  activity->set_activity_type(type);
  activity->set_state(state);
  return activity;
}

api::Worker WorkerOf(const std::string& type, api::WorkerState state) {
  api::Worker worker;
  worker.add_activity_types(type);
  worker.set_state(state);
  return worker;
}

TEST(Waiting, SaysThatNoWorkerOffersTheType) {
  api::Run run;
  run.set_state(api::RUN_STATE_RUNNING);
  AddActivity(run, "claude.messages", api::ACTIVITY_STATE_READY);
  MarkNoWorker(run,
               {WorkerOf("echo", api::WORKER_STATE_CONNECTED),
                WorkerOf("claude.messages", api::WORKER_STATE_DISCONNECTED)});
  EXPECT_TRUE(run.waiting_activities(0).no_worker());
  EXPECT_EQ(WaitingFor(run, kNow),
            "activity 1 claude.messages: no connected worker offers this type");
  MarkNoWorker(run, {WorkerOf("claude.messages", api::WORKER_STATE_CONNECTED)});
  EXPECT_EQ(WaitingFor(run, kNow),
            "activity 1 claude.messages: waits for a free worker");
}

TEST(Waiting, AWorkerOfAnotherQueueIsNone) {
  api::Run run;
  run.set_state(api::RUN_STATE_RUNNING);
  AddActivity(run, "echo", api::ACTIVITY_STATE_READY)->set_task_queue("gpu");
  MarkNoWorker(run, {WorkerOf("echo", api::WORKER_STATE_CONNECTED)});
  EXPECT_EQ(WaitingFor(run, kNow),
            "activity 1 echo: no connected worker offers this type on queue "
            "gpu");
  api::Worker worker = WorkerOf("echo", api::WORKER_STATE_CONNECTED);
  worker.add_task_queues("gpu");
  MarkNoWorker(run, {worker});
  EXPECT_EQ(WaitingFor(run, kNow),
            "activity 1 echo: waits for a free worker on queue gpu");
}

TEST(Waiting, NamesTheParkedActivityFirst) {
  api::Run run;
  run.set_state(api::RUN_STATE_RUNNING);
  AddActivity(run, "echo", api::ACTIVITY_STATE_BACKING_OFF);
  auto* activity = AddActivity(run, "sleep", api::ACTIVITY_STATE_PARKED);
  activity->set_parked_because(api::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  activity->mutable_last_failure()->set_type("timeout");
  EXPECT_EQ(WaitingFor(run, kNow),
            "activity 2 sleep: parked after timeout, with no attempts left: "
            "`anabranch runs retry` starts it again (and 1 more)");
}

TEST(Waiting, SaysWhenTheNextAttemptBegins) {
  api::Run run;
  run.set_state(api::RUN_STATE_RUNNING);
  AddActivity(run, "sleep", api::ACTIVITY_STATE_RUNNING);
  auto* activity = AddActivity(run, "echo", api::ACTIVITY_STATE_BACKING_OFF);
  activity->set_attempt(1);
  activity->mutable_last_failure()->set_type("overloaded_error");
  activity->mutable_next_attempt_time()->set_seconds(1001);
  activity->mutable_next_attempt_time()->set_nanos(400'000'000);
  EXPECT_EQ(WaitingFor(run, kNow),
            "activity 2 echo: attempt 2 in 1.4 s after overloaded_error "
            "(and 1 more)");
}

TEST(Waiting, NamesTheNextTimer) {
  api::Run run;
  run.set_state(api::RUN_STATE_RUNNING);
  auto* timer = run.add_waiting_timers();
  timer->set_seq(4);
  timer->mutable_fire_time()->set_seconds(1010);
  EXPECT_EQ(WaitingFor(run, kNow), "timer 4: fires in 10.0 s");
}

TEST(Waiting, SaysSinceWhenAndWhyARunIsPaused) {
  api::Run run;
  run.set_state(api::RUN_STATE_PAUSED);
  AddActivity(run, "echo", api::ACTIVITY_STATE_READY);
  run.mutable_pause()->mutable_time()->set_seconds(990);
  EXPECT_EQ(WaitingFor(run, kNow),
            "ResumeRun: it is paused since 1970-01-01T00:16:30Z");
  run.mutable_pause()->set_reason("too expensive");
  EXPECT_EQ(WaitingFor(run, kNow),
            "ResumeRun: it is paused since 1970-01-01T00:16:30Z: too "
            "expensive");
}

TEST(Waiting, NamesChildren) {
  api::Run run;
  run.set_state(api::RUN_STATE_RUNNING);
  auto* child = run.add_waiting_children();
  child->set_seq(2);
  child->set_run_id("a/2");
  child->set_flow("branch");
  EXPECT_EQ(WaitingFor(run, kNow), "child 2 a/2 (branch): its start");
  child->set_started(true);
  run.add_waiting_timers()->set_seq(3);
  EXPECT_EQ(WaitingFor(run, kNow),
            "child 2 a/2 (branch): its end (and 1 more)");
}

TEST(Waiting, ClosedWaitsForNothing) {
  api::Run run;
  run.set_state(api::RUN_STATE_FAILED);
  EXPECT_EQ(WaitingFor(run, kNow), "");
}

}  // namespace
}  // namespace anabranch::rpc
