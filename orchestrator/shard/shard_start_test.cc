// StartRun: id policies, and signals that come with it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error_details.h"
#include "base/limits.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"

namespace anabranch::shard {
namespace {

using testing::Call;
using testing::Harness;

StartRun Starting(const std::string& flow, const std::string& id,
                  const std::string& json,
                  const std::vector<std::string>& signals = {}) {
  StartRun input;
  input.name = {"default", id};
  input.flow = flow;
  input.input.set_json_text(json);
  for (const std::string& signal : signals) {
    api::SignalReceived& sent = input.signals.emplace_back();
    sent.set_name(signal);
    sent.mutable_input()->set_json_text("5");
  }
  return input;
}

StartRun UsingExisting(StartRun input, const std::string& request_id = "") {
  input.use_existing = true;
  input.request_id = request_id;
  return input;
}

class StartTest : public ::testing::TestWithParam<size_t> {
 protected:
  StartTest() : h(GetParam()) { testing::RegisterSmallFlows(h.flows); }
  int Signals(const std::string& id) {
    int count = 0;
    for (const auto& event : h.History(id)) {
      count += event.has_signal_received() ? 1 : 0;
    }
    return count;
  }
  Harness h;
};

INSTANTIATE_TEST_SUITE_P(Cache, StartTest,
                         ::testing::Values(0, limits::kLiveFlowsDefault));

TEST_P(StartTest, SignalsThatComeWithTheStartAreInItsEvent) {
  ASSERT_TRUE(Call(h, Starting("wait", "r", "1", {"other"}))->created);
  const auto history = h.History("r");
  ASSERT_EQ(history[0].run_started().signals_size(), 1);
  EXPECT_EQ(history[0].run_started().signals(0).name(), "other");
}

TEST_P(StartTest, TheSameStartMustBringTheSameSignals) {
  ASSERT_TRUE(Call(h, Starting("wait", "r", "1", {"a"}))->created);
  EXPECT_FALSE(Call(h, Starting("wait", "r", "1", {"a"}))->created);
  EXPECT_EQ(ErrorReason(Call(h, Starting("wait", "r", "1", {"b"})).status()),
            "RUN_ALREADY_EXISTS");
  EXPECT_EQ(Signals("r"), 0);
}

TEST_P(StartTest, UseExistingAnswersAnOpenRunWhateverItsInput) {
  ASSERT_TRUE(h.Start("wait", "r", "1").ok());
  auto used = Call(h, UsingExisting(Starting("echo", "r", "2")));
  ASSERT_TRUE(used.ok());
  EXPECT_FALSE(used->created);
  EXPECT_EQ(h.Run("r").flow(), "wait");
  EXPECT_TRUE(Call(h, UsingExisting(Starting("wait", "new", "1")))->created);
}

TEST_P(StartTest, UseExistingSendsItsSignalsOncePerRequest) {
  ASSERT_TRUE(h.Start("wait", "r", "1").ok());
  for (int i = 0; i < 2; ++i) {
    auto used =
        Call(h, UsingExisting(Starting("wait", "r", "2", {"a", "b"}), "q"));
    ASSERT_TRUE(used.ok());
    EXPECT_FALSE(used->created);
    EXPECT_EQ(Signals("r"), 2);
    h.Restart();
  }
  EXPECT_EQ(
      ErrorReason(Call(h, UsingExisting(Starting("wait", "r", "2", {"a"}), "q"))
                      .status()),
      "REQUEST_ID_REUSED");
  ASSERT_TRUE(Call(h, UsingExisting(Starting("wait", "r", "2", {"go"}))).ok());
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_COMPLETED);
}

TEST_P(StartTest, UseExistingRefusesAClosedRun) {
  ASSERT_TRUE(h.Start("wait", "r", "1").ok());
  ASSERT_TRUE(h.Terminate("r").ok());
  auto refused = Call(h, UsingExisting(Starting("wait", "r", "2")));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(std::string(refused.status().message()).find("closed"),
            std::string::npos);
  // Signals would be lost.
  EXPECT_FALSE(Call(h, UsingExisting(Starting("wait", "r", "1", {"go"}))).ok());
  // A start that is repeated is not told that its run was too fast.
  EXPECT_TRUE(Call(h, UsingExisting(Starting("wait", "r", "1"))).ok());
}

TEST_P(StartTest, TooManyUnreadSignalsAreRefusedAtTheCallThatBreaksTheLimit) {
  ASSERT_TRUE(h.Start("wait", "r", "1").ok());
  std::vector<Input> inputs;
  for (int i = 0; i < limits::kUnreadSignalsMax - 1; ++i) {
    SignalRun signal;
    signal.name = {"default", "r"};
    signal.signal = "other";
    signal.reply = [](const absl::Status&) {};
    inputs.emplace_back(std::move(signal));
  }
  h.Round(std::move(inputs));
  EXPECT_EQ(
      ErrorReason(Call(h, UsingExisting(Starting("wait", "r", "1", {"a", "b"})))
                      .status()),
      "SIGNALS_FULL");
  EXPECT_TRUE(h.Signal("r", "other", "1").ok());
  EXPECT_EQ(ErrorReason(h.Signal("r", "other", "1")), "SIGNALS_FULL");
}

}  // namespace
}  // namespace anabranch::shard
