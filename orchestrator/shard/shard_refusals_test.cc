// Refusals that take some doing, each by its stable reason.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "orchestrator/shard/testing/call.h"
#include "orchestrator/shard/testing/flows.h"
#include "orchestrator/shard/testing/harness.h"
#include "sdk/flow_context.h"

namespace anabranch::shard {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;
using testing::Harness;

// Answers badly whatever it is asked.
Future<Payload> Answers(FlowContext& ctx, FlowInput) {
  auto refuses = ctx.Answer("refuses", [](const Payload&) {
    return absl::StatusOr<Payload>(absl::OutOfRangeError("not yet"));
  });
  auto throws =
      ctx.Answer("throws", [](const Payload&) -> absl::StatusOr<Payload> {
        throw std::runtime_error("broken");
      });
  auto large = ctx.Answer("large", [](const Payload&) {
    Payload answer;
    answer.set_text(std::string(limits::kPayloadBytesMax + 1, 'x'));
    return absl::StatusOr<Payload>(std::move(answer));
  });
  co_return co_await ctx.ReceiveSignal("go");
}

class Refusals : public ::testing::Test {
 protected:
  Refusals() {
    testing::RegisterSmallFlows(h.flows);
    testing::RegisterFlow(h.flows, "answers", Answers);
  }

  absl::Status Query(const std::string& query) {
    QueryRun input;
    input.name = {"default", "r"};
    input.query = query;
    return testing::Call(h, std::move(input)).status();
  }

  Harness h;
};

TEST_F(Refusals, AQueryWhoseHandlerRefusesOrThrows) {
  ASSERT_TRUE(h.Start("answers", "r").ok());
  EXPECT_EQ(ErrorReason(Query("refuses")), "QUERY_FAILED");
  EXPECT_TRUE(absl::IsOutOfRange(Query("refuses")));
  EXPECT_EQ(ErrorReason(Query("throws")), "QUERY_FAILED");
  EXPECT_EQ(h.Run("r").state(), api::RUN_STATE_RUNNING);
}

TEST_F(Refusals, AnAnswerThatIsTooLarge) {
  ASSERT_TRUE(h.Start("answers", "r").ok());
  EXPECT_EQ(ErrorReason(Query("large")), "QUERY_ANSWER_TOO_LARGE");
}

TEST_F(Refusals, QueriesThatTookTheServerDownTwice) {
  const auto started = h.Start("answers", "r");
  ASSERT_TRUE(started.ok());
  storage::v1::FlowCrashRecord record;
  record.set_uid(started->uid.value);
  record.set_event_id(0);
  record.set_build_id(h.flows.build_id());
  record.set_deaths(limits::kFlowDeathsMax);
  log::BatchBuilder batch;
  batch.PutFlowCrash(record);
  h.Append(batch.Take());
  h.Restart();
  EXPECT_EQ(ErrorReason(Query("refuses")), "QUERY_CRASHED");
}

TEST_F(Refusals, AMailboxThatIsFull) {
  ASSERT_TRUE(h.Start("throws", "r").ok());
  ASSERT_TRUE(h.Signal("r", "go", "1").ok());
  ASSERT_EQ(h.Run("r").state(), api::RUN_STATE_BLOCKED);
  std::vector<Input> inputs;
  std::optional<absl::Status> last;
  for (int i = 0; i <= limits::kMailboxMax; ++i) {
    SignalRun signal;
    signal.name = {"default", "r"};
    signal.signal = "more";
    signal.reply = [&last](const absl::Status& status) { last = status; };
    inputs.emplace_back(std::move(signal));
  }
  h.Round(std::move(inputs));
  EXPECT_EQ(ErrorReason(last.value_or(absl::OkStatus())), "MAILBOX_FULL");
}

TEST_F(Refusals, OneMoreBatchThanThereMayBe) {
  std::vector<Input> inputs;
  std::optional<absl::Status> last;
  for (int i = 0; i <= limits::kOpenBatchesMax; ++i) {
    StartBatch start;
    start.record.set_namespace_("default");
    start.record.set_batch_id(absl::StrCat("b", i));
    start.record.set_action(static_cast<int32_t>(BatchAction::kCancel));
    start.record.set_filter("*");
    start.reply = [&last](const absl::StatusOr<storage::v1::BatchRecord>& b) {
      last = b.status();
    };
    inputs.emplace_back(std::move(start));
  }
  h.Round(std::move(inputs));
  EXPECT_EQ(ErrorReason(last.value_or(absl::OkStatus())), "BATCHES_FULL");
}

}  // namespace
}  // namespace anabranch::shard
