// A flow whose code changed under a run, over a real store and the real
// services: the run is BLOCKED and says why, nothing of it is lost, and the
// good build finishes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "client/lib/client.h"
#include "client/lib/payload.h"
#include "orchestrator/log/rocksdb_event_log.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/server.h"
#include "orchestrator/shard/shard_runner.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"
#include "tests/support/await.h"
#include "tests/support/temp_folder.h"

namespace anabranch::e2e {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using support::Await;
using ::testing::HasSubstr;

// Rests, then waits for word.
Future<Payload> GoodFlow(FlowContext& ctx, FlowInput) {
  (co_await ctx.StartTimer(absl::Milliseconds(1))).IgnoreError();
  auto word = co_await ctx.ReceiveSignal("word");
  if (!word.ok()) co_return word.status();
  co_return *word;
}

// The same flow after a change that runs under way cannot follow.
Future<Payload> BadFlow(FlowContext& ctx, FlowInput input) {
  (co_await ctx.Start({.type = "echo", .input = input.payload})).IgnoreError();
  auto word = co_await ctx.ReceiveSignal("word");
  if (!word.ok()) co_return word.status();
  co_return *word;
}

// One life of an orchestrator with that build of the flow.
class Life {
 public:
  Life(const std::string& data_dir, int live_flows, const std::string& build,
       sdk::FlowFunction function)
      : flows_(build) {
    sdk::FlowDefinition flow;
    flow.name = "changing";
    flow.create = [function] {
      return std::make_unique<sdk::FlowInstance>(function);
    };
    flows_.Register(std::move(flow));
    log::RocksDbOptions store;
    store.path = data_dir;
    auto log = log::RocksDbEventLog::Open(store);
    AB_CHECK(log.ok());
    log_ = *std::move(log);
    backend_.emplace(*log_, flows_, clock_);
    shard::ShardRunnerOptions options;
    options.live_flows_max = live_flows;
    auto runner = shard::ShardRunner::Start(*log_, flows_, clock_, random_,
                                            *backend_, options);
    AB_CHECK(runner.ok());
    runner_ = *std::move(runner);
    backend_->post = [this](shard::Input input) {
      runner_->Post(std::move(input));
    };
    auto server = rpc::Server::Start(*backend_, {.address = "127.0.0.1:0"});
    AB_CHECK(server.ok());
    server_ = *std::move(server);
    auto client = client::Client::Connect({.address = server_->address()});
    AB_CHECK(client.ok());
    client_ = *std::move(client);
  }

  ~Life() {
    client_.reset();
    server_->SetNotServing();
    backend_->notifier.Stop();
    server_->Shutdown(absl::Seconds(2));
    runner_->Stop();
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  client::Client& client() { return *client_; }

  v1::Run Run() {
    v1::GetRunRequest request;
    request.set_run_id("r");
    auto run = client_->GetRun(request);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *run : v1::Run();
  }

  int64_t Events() { return Run().history_events(); }

 private:
  RealClock clock_;
  SystemRandom random_;
  sdk::FlowRegistry flows_;
  std::unique_ptr<log::EventLog> log_;
  std::optional<rpc::Backend> backend_;
  std::unique_ptr<shard::ShardRunner> runner_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<client::Client> client_;
};

class ChangedBuild : public ::testing::TestWithParam<int> {
 protected:
  std::unique_ptr<Life> Start(const std::string& build,
                              sdk::FlowFunction function) {
    return std::make_unique<Life>(folder_->File("data"), GetParam(), build,
                                  function);
  }

  absl::StatusOr<support::TempFolder> folder_ = support::TempFolder::Create();
};

INSTANTIATE_TEST_SUITE_P(Cache, ChangedBuild,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(ChangedBuild, BlocksARunAndTheGoodBuildFinishesIt) {
  ASSERT_TRUE(folder_.ok()) << folder_.status();
  auto life = Start("build-1", GoodFlow);
  v1::StartRunRequest start;
  start.set_run_id("r");
  start.set_flow("changing");
  *start.mutable_input() = client::JsonPayload("{}");
  ASSERT_TRUE(life->client().StartRun(start).ok());
  // Started, timer started, timer fired.
  ASSERT_TRUE(Await([&] { return life->Events() == 3; }));
  life.reset();

  life = Start("build-2", BadFlow);
  v1::SignalRunRequest signal;
  signal.set_run_id("r");
  signal.set_signal("word");
  *signal.mutable_input() = client::JsonPayload("\"kept\"");
  const absl::Status signalled = life->client().SignalRun(signal);
  EXPECT_TRUE(signalled.ok()) << signalled;
  const v1::Run blocked = life->Run();
  EXPECT_EQ(blocked.state(), v1::RUN_STATE_BLOCKED);
  EXPECT_EQ(blocked.blocked().reason(), v1::BLOCKED_REASON_NON_DETERMINISM);
  EXPECT_EQ(blocked.blocked().mailbox_size(), 1);
  EXPECT_EQ(blocked.blocked().build_id(), "build-2");
  const std::string& report = blocked.blocked().report();
  EXPECT_THAT(report, HasSubstr("START_TIMER"));
  EXPECT_LT(report.find("START_TIMER"), report.find("SCHEDULE_ACTIVITY"));
  EXPECT_EQ(blocked.history_events(), 3);
  life.reset();

  life = Start("build-1", GoodFlow);
  const auto run = life->client().AwaitRun("r");
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->state(), v1::RUN_STATE_COMPLETED);
  EXPECT_EQ(client::PayloadToJson(run->result()).value_or("none"), "\"kept\"");
  EXPECT_FALSE(run->has_blocked());
}

}  // namespace
}  // namespace anabranch::e2e
