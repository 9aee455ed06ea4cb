// Flows that crash the server or never come back: it dies twice, and lives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "client/lib/payload.h"
#include "tests/support/cluster_fixture.h"
#include "tests/support/programs.h"

namespace anabranch::e2e {
namespace {

using support::kPatience;
using ::testing::HasSubstr;

class FlowCrash : public support::ClusterTest,
                  public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override { Create({"--flow-watchdog-seconds", "0.5"}); }
  void TearDown() override { unsetenv("ANABRANCH_BUILD_ID"); }

  void Create(std::vector<std::string> orchestrator_arguments) {
    auto folder = support::TempFolder::Create();
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
    programs_.orchestrator =
        support::BuiltProgram("tests/e2e/broken_orchestrator");
    auto cluster = support::Cluster::Create(
        {.programs = programs_,
         .folder = folder_->path(),
         .fake = false,
         .orchestrator_arguments = std::move(orchestrator_arguments)});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
    setenv("ANABRANCH_BUILD_ID", "broken", 1);
  }

  absl::StatusOr<v1::StartRunResponse> Start(const std::string& flow,
                                             const std::string& run_id) {
    v1::StartRunRequest request;
    request.set_flow(flow);
    request.set_run_id(run_id);
    request.mutable_input()->set_text(GetParam());
    return client().StartRun(request);
  }

  // The orchestrator under way ends, and not because somebody asked it to.
  void AwaitDeath() {
    const auto end = cluster_->orchestrator().Wait(kPatience);
    ASSERT_TRUE(end.ok()) << end.status();
    ASSERT_NE(end->exit_code, 0) << ToString(*end);
  }
  void DieAgain() {
    const absl::Status status = cluster_->LaunchOrchestrator();
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_NO_FATAL_FAILURE(AwaitDeath());
  }

  v1::Run Run(const std::string& run_id) {
    v1::GetRunRequest request;
    request.set_run_id(run_id);
    auto run = client().GetRun(request);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *run : v1::Run();
  }
  // Which must be BLOCKED because its flow took the server down.
  v1::Run BlockedRun(const std::string& run_id) {
    v1::Run run = Run(run_id);
    EXPECT_EQ(run.state(), v1::RUN_STATE_BLOCKED);
    EXPECT_EQ(run.blocked().reason(), v1::BLOCKED_REASON_FLOW_CRASHED);
    return run;
  }
  std::string Result(const std::string& run_id) {
    const auto run = client().AwaitRun(run_id);
    if (!run.ok()) return std::string(run.status().message());
    return client::PayloadToJson(run->result()).value_or("none");
  }
};

INSTANTIATE_TEST_SUITE_P(How, FlowCrash,
                         ::testing::Values("spin", "recurse", "abort"),
                         [](const auto& how) { return how.param; });

TEST_P(FlowCrash, TwiceAtOnePlaceBlocksTheRunAndTheServerLives) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  ASSERT_TRUE(Start("waits_for_word", "bystander").ok());
  ASSERT_TRUE(Start("breaks_later", "r").ok());
  ASSERT_NO_FATAL_FAILURE(AwaitDeath());
  ASSERT_NO_FATAL_FAILURE(DieAgain());

  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  const v1::Run run = BlockedRun("r");
  // Started, timer started; the timer's end is what it cannot take.
  EXPECT_EQ(run.blocked().event_id(), 3);
  EXPECT_EQ(run.blocked().build_id(), "broken");
  EXPECT_THAT(run.blocked().report(), HasSubstr("event 3"));
  // The others have lost nothing.
  v1::SignalRunRequest signal;
  signal.set_run_id("bystander");
  signal.set_signal("word");
  *signal.mutable_input() = client::JsonPayload("\"kept\"");
  const absl::Status signalled = client().SignalRun(signal);
  ASSERT_TRUE(signalled.ok()) << signalled;
  EXPECT_EQ(Result("bystander"), "\"kept\"");

  cluster_->orchestrator().KillAndWait();
  setenv("ANABRANCH_BUILD_ID", "mended", 1);
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  EXPECT_EQ(Result("r"), "\"mended\"");
}

TEST_P(FlowCrash, AStartThatKillsTheServerIsAnsweredWithABlockedRun) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  // The client asks again until somebody answers.
  auto started = std::async(std::launch::async,
                            [this] { return Start("breaks_at_once", "r"); });
  ASSERT_NO_FATAL_FAILURE(AwaitDeath());
  ASSERT_NO_FATAL_FAILURE(DieAgain());
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  const auto answer = started.get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  const v1::Run run = BlockedRun("r");
  EXPECT_EQ(run.blocked().event_id(), 1);
  EXPECT_EQ(run.blocked().mailbox_size(), 1);
}

TEST_P(FlowCrash, AQueryThatBreaksDownTwiceIsRefusedAndTheRunGoesOn) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  ASSERT_TRUE(Start("breaks_when_asked", "r").ok());
  // The client asks again until somebody answers.
  auto asked = std::async(std::launch::async, [this] {
    v1::QueryRunRequest request;
    request.set_run_id("r");
    request.set_query("how");
    return client().QueryRun(request);
  });
  ASSERT_NO_FATAL_FAILURE(AwaitDeath());
  ASSERT_NO_FATAL_FAILURE(DieAgain());
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  EXPECT_THAT(std::string(asked.get().status().message()),
              HasSubstr("took the server down 2 times"));
  EXPECT_EQ(Run("r").state(), v1::RUN_STATE_RUNNING);
  v1::SignalRunRequest signal;
  signal.set_run_id("r");
  signal.set_signal("word");
  *signal.mutable_input() = client::JsonPayload("\"kept\"");
  const absl::Status signalled = client().SignalRun(signal);
  ASSERT_TRUE(signalled.ok()) << signalled;
  EXPECT_EQ(Result("r"), "\"kept\"");
}

TEST_P(FlowCrash, ADestructorThatBreaksDownAtTheFlowsEndBlocksTheRun) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  ASSERT_TRUE(Start("breaks_when_destroyed", "r").ok());
  ASSERT_NO_FATAL_FAILURE(AwaitDeath());
  ASSERT_NO_FATAL_FAILURE(DieAgain());
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  const v1::Run run = BlockedRun("r");
  EXPECT_EQ(run.blocked().event_id(), 3);
}

class EvictedFlowCrash : public FlowCrash {
 protected:
  // Every flow leaves memory after every event.
  void SetUp() override {
    Create({"--flow-watchdog-seconds", "0.5", "--live-flows", "0"});
  }
};

INSTANTIATE_TEST_SUITE_P(How, EvictedFlowCrash, ::testing::Values("spin"),
                         [](const auto& how) { return how.param; });

TEST_P(EvictedFlowCrash, ADestructorThatBreaksDownInMemorysWakeBlocksTheRun) {
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  // The answer may be lost with the process, the start is not.
  auto started = std::async(std::launch::async, [this] {
    return Start("breaks_when_destroyed", "r");
  });
  ASSERT_NO_FATAL_FAILURE(AwaitDeath());
  // The second death is at its timer: as the flow ends, or as it is evicted.
  ASSERT_NO_FATAL_FAILURE(DieAgain());
  ASSERT_NO_FATAL_FAILURE(DieAgain());
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  EXPECT_TRUE(started.get().ok());
  BlockedRun("r");
}

}  // namespace
}  // namespace anabranch::e2e
