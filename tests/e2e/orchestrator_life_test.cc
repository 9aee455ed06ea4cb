// A whole life of an orchestrator: its start, much work, its end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/lib/payload.h"
#include "httplib.h"
#include "tests/support/cluster_fixture.h"
#include "tests/support/reserved_port.h"

namespace anabranch::e2e {
namespace {

using ::testing::HasSubstr;

// A sanitizer's shadow memory is not ours.
#if __has_feature(address_sanitizer)
constexpr int kMemoryFactor = 20;
#else
constexpr int kMemoryFactor = 1;
#endif
constexpr int64_t kIdleKilobytesMax = 40'000 * kMemoryFactor;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

int64_t ResidentKilobytes(pid_t pid) {
  std::istringstream status(ReadFile(absl::StrCat("/proc/", pid, "/status")));
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == "VmRSS:" && status >> kilobytes) return kilobytes;
  }
  return -1;
}

class OrchestratorLife : public support::ClusterTest {
 protected:
  absl::StatusOr<v1::StartRunResponse> Echo(const std::string& run_id) {
    v1::StartRunRequest request;
    request.set_flow("echo");
    request.set_run_id(run_id);
    request.mutable_wait()->set_seconds(60);
    *request.mutable_input() = client::JsonPayload("{\"n\":1}");
    return client().StartRun(std::move(request));
  }
};

TEST_F(OrchestratorLife, TellsItsNumbersAndItsHealth) {
  const auto port = support::ReservedPort::Create();
  ASSERT_TRUE(port.ok()) << port.status();
  ASSERT_NO_FATAL_FAILURE(
      StartOrchestrator({"--metrics-address", port->Address()}));
  ASSERT_NO_FATAL_FAILURE(StartWorker());
  ASSERT_TRUE(Echo("counted").ok());
  httplib::Client http("127.0.0.1", port->port());
  const auto metrics = http.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_THAT(metrics->body,
              HasSubstr("anabranch_runs_started_total{flow=\"echo\"} 1\n"));
  EXPECT_THAT(metrics->body,
              HasSubstr("anabranch_runs_closed_total{state=\"completed\"} 1"));
  EXPECT_THAT(metrics->body,
              HasSubstr("anabranch_workers{state=\"connected\"} 1\n"));
  EXPECT_THAT(metrics->body, HasSubstr("anabranch_sync_seconds_count"));
  EXPECT_THAT(metrics->body,
              HasSubstr("property=\"rocksdb.estimate-num-keys\""));
  const auto health = http.Get("/healthz");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->body, "ok\n");
}

TEST_F(OrchestratorLife, ServesItsFirstRunAndIdlesSmall) {
  const absl::Status worker = cluster_->StartWorker("worker-1");
  ASSERT_TRUE(worker.ok()) << worker;
  const absl::Time start = absl::Now();
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  const auto first = Echo("first");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->done());
  const int64_t first_ms = absl::ToInt64Milliseconds(absl::Now() - start);
  const int64_t kilobytes = ResidentKilobytes(cluster_->orchestrator().pid());
  RecordProperty("first_run_ms", std::to_string(first_ms));
  RecordProperty("idle_kb", std::to_string(kilobytes));
  std::printf("first run after %d ms, %d kB resident\n",
              static_cast<int>(first_ms), static_cast<int>(kilobytes));
  EXPECT_GT(kilobytes, 0);
  EXPECT_LT(kilobytes, kIdleKilobytesMax);
}

TEST_F(OrchestratorLife, AThousandRunsThenACleanEnd) {
  constexpr int kThreads = 8;
  constexpr int kRunsPerThread = 125;
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  ASSERT_NO_FATAL_FAILURE(StartWorker());
  std::vector<int> completed(kThreads, 0);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this, thread, &completed] {
        for (int i = 0; i < kRunsPerThread; ++i) {
          const auto run = Echo(absl::StrCat("run-", thread, "-", i));
          if (run.ok() && run->run().state() == v1::RUN_STATE_COMPLETED) {
            ++completed[static_cast<size_t>(thread)];
          }
        }
      });
    }
  }
  EXPECT_THAT(completed, ::testing::Each(kRunsPerThread));
  cluster_->Disconnect();
  cluster_->orchestrator().Kill(SIGTERM);
  const auto end = cluster_->orchestrator().Wait(support::kPatience);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->exit_code, 0) << ToString(*end);
  const std::string log = ReadFile(folder_->File("orchestrator.log"));
  EXPECT_THAT(log, ::testing::EndsWith("stopped\n"));
  EXPECT_THAT(log, ::testing::Not(HasSubstr(" E anabranch")));
  EXPECT_THAT(log, ::testing::Not(HasSubstr(" W anabranch")));
}

}  // namespace
}  // namespace anabranch::e2e
