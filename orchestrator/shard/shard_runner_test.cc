// The one place where threads meet the shard: its inbox, and the log that
// answers on a thread of its own. Run under ThreadSanitizer, too.
#include "orchestrator/shard/shard_runner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/random.h"
#include "orchestrator/log/memory_event_log.h"
#include "orchestrator/log/store.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "tests/support/await.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;
using support::Await;

Future<Payload> Returns(FlowContext&, FlowInput input) {
  co_return input.payload;
}

Future<Payload> Waits(FlowContext& ctx, FlowInput) {
  co_return co_await ctx.ReceiveSignal("word");
}

class NoEffects : public Effects {
 public:
  void SendToWorker(StreamId, std::vector<api::ServerMessage>) override {}
  void CloseStream(StreamId, absl::Status) override {}
  void RunChanged(Uid, bool closed) override { closed_runs += closed ? 1 : 0; }
  void WorkersChanged(const std::vector<api::Worker>&) override {}

  std::atomic<int> closed_runs = 0;
};

class ShardRunnerTest : public ::testing::Test {
 protected:
  ShardRunnerTest() : flows_("build") {
    Register("returns", Returns);
    Register("waits", Waits);
    auto slot = FlowSlot::InMemory("build");
    EXPECT_TRUE(slot.ok()) << slot.status();
    slot_ = *std::move(slot);
    Start();
  }

  void Register(const std::string& name, sdk::FlowFunction function) {
    sdk::FlowDefinition flow;
    flow.name = name;
    flow.create = [function] {
      return std::make_unique<sdk::FlowInstance>(function);
    };
    flows_.Register(std::move(flow));
  }

  void Start() {
    auto runner = ShardRunner::Start(log_, flows_, clock_, random_, effects_,
                                     {.flow_slot = slot_.get()});
    EXPECT_TRUE(runner.ok()) << runner.status();
    runner_ = *std::move(runner);
  }

  // Answers appends from a thread of its own from now on.
  void AnswerAppends() {
    answering_ = std::thread([this] {
      while (!done_answering_) {
        log_.Sync();
        std::this_thread::yield();
      }
    });
  }

  ~ShardRunnerTest() override {
    if (!answering_.joinable()) AnswerAppends();
    runner_->Stop();
    done_answering_ = true;
    answering_.join();
  }

  void Post(const std::string& run_id,
            std::function<void(absl::StatusOr<StartedRun>)> reply,
            const std::string& flow = "returns") {
    StartRun start;
    start.name = {"default", run_id};
    start.flow = flow;
    start.input.set_json_text("1");
    start.reply = std::move(reply);
    runner_->Post(std::move(start));
  }

  log::MemoryEventLog log_{{.hold_until_sync = true}};
  sdk::FlowRegistry flows_;
  RealClock clock_;
  SystemRandom random_;
  NoEffects effects_;
  std::unique_ptr<FlowSlot> slot_;
  std::unique_ptr<ShardRunner> runner_;
  std::atomic<bool> done_answering_ = false;
  std::thread answering_;
};

TEST_F(ShardRunnerTest, AnswersWhatManyThreadsPost) {
  constexpr int kThreads = 4;
  constexpr int kRunsPerThread = 100;
  AnswerAppends();
  std::atomic<int> created = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &created] {
      for (int i = 0; i < kRunsPerThread; ++i) {
        auto answered = std::make_shared<std::promise<bool>>();
        Post(std::to_string(t) + "-" + std::to_string(i),
             [answered](const absl::StatusOr<StartedRun>& run) {
               answered->set_value(run.ok() && run->created);
             });
        created += answered->get_future().get() ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(created, kThreads * kRunsPerThread);
  EXPECT_TRUE(
      Await([&] { return effects_.closed_runs == kThreads * kRunsPerThread; }));
}

TEST_F(ShardRunnerTest, AnswersNothingBeforeItIsDurable) {
  auto answer = std::make_shared<std::promise<bool>>();
  std::atomic<bool> answered = false;
  Post("r", [answer, &answered](const absl::StatusOr<StartedRun>& run) {
    answered = true;
    answer->set_value(run.ok());
  });
  ASSERT_TRUE(Await([&] { return log_.waiting() == 1; }));
  EXPECT_FALSE(answered);
  AnswerAppends();
  EXPECT_TRUE(answer->get_future().get());
}

TEST_F(ShardRunnerTest, MoreThanCanWaitIsRefusedAtOnce) {
  // The shard waits for its write; all the others wait for the shard.
  Post("first", [](const absl::StatusOr<StartedRun>&) {});
  ASSERT_TRUE(Await([&] { return log_.waiting() == 1; }));
  auto busy = std::make_shared<std::atomic<bool>>(false);
  for (int i = 0; i <= limits::kInboxMax && !*busy; ++i) {
    Post("r", [busy](const absl::StatusOr<StartedRun>& run) {
      if (ErrorReason(run.status()) == "SERVER_BUSY") *busy = true;
    });
  }
  EXPECT_TRUE(*busy);
}

TEST_F(ShardRunnerTest, StoppedWhileThreadsPostItAnswersEachOnce) {
  constexpr int kThreads = 3;
  AnswerAppends();
  std::atomic<int> posted = 0;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t, &posted, &answered] {
      std::atomic<bool> refused = false;
      for (int i = 0; !refused; ++i) {
        ++posted;
        auto told = std::make_shared<std::promise<void>>();
        Post(
            std::to_string(t) + "-" + std::to_string(i),
            [told, &answered, &refused](const absl::StatusOr<StartedRun>& run) {
              ++answered;
              refused = absl::IsUnavailable(run.status());
              told->set_value();
            });
        told->get_future().get();
      }
    });
  }
  ASSERT_TRUE(Await([&] { return answered > 100; }));
  runner_->Stop();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, posted);
}

TEST_F(ShardRunnerTest, WhatRecoveryFindsIsInTheStoreWhenStartReturns) {
  AnswerAppends();
  std::promise<Uid> started;
  Post(
      "r",
      [&started](const absl::StatusOr<StartedRun>& run) {
        started.set_value(run.ok() ? run->uid : Uid{});
      },
      "waits");
  const Uid uid = started.get_future().get();
  runner_->Stop();

  log_.CrashAndReopen();
  slot_->Enter({uid, 2});
  slot_->SetDeaths(2);
  slot_->Reopen("build");
  Start();
  auto status = log::StoreReader(log_).ReadStatus(uid);
  ASSERT_TRUE(status.ok() && status->has_value()) << status.status();
  EXPECT_EQ((*status)->run().state(), api::RUN_STATE_BLOCKED);
}

}  // namespace
}  // namespace anabranch::shard
