#include "orchestrator/replay_check.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"

namespace anabranch::orchestrator {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

// Asks for as many echoes as its input says.
Future<Payload> Echoes(FlowContext& ctx, FlowInput input) {
  auto text = ctx.Content(input.payload);
  if (!text.ok()) co_return text.status();
  for (int i = 0; i < std::stoi(*text); ++i) {
    auto echo = co_await ctx.Start({.type = "echo"});
    if (!echo.ok()) co_return echo.status();
  }
  co_return Payload();
}

sdk::FlowRegistry Flows() {
  sdk::FlowRegistry flows("this-build");
  sdk::FlowDefinition flow;
  flow.name = "echoes";
  flow.create = [] { return std::make_unique<sdk::FlowInstance>(Echoes); };
  flows.Register(std::move(flow));
  return flows;
}

std::string Started(const std::string& input,
                    const std::string& flow = "echoes") {
  return absl::StrCat(
      R"({"eventId":"1","activation":"1","runStarted":{"namespace":"default",)",
      R"("runId":"r","flow":")", flow, R"(","generation":1,"input":)", input,
      "}}");
}

constexpr char kScheduled[] =
    R"({"eventId":"2","activation":"1","activityScheduled":{"seq":"1",)"
    R"("activityType":"echo"}})";
constexpr char kCompleted[] =
    R"({"eventId":"3","activation":"3","activityCompleted":{"seq":"1"}})";
constexpr char kRunCompleted[] =
    R"({"eventId":"4","activation":"3","runCompleted":{}})";

std::string Page(const std::vector<std::string>& events) {
  std::string page = R"({"events":[)";
  for (size_t i = 0; i < events.size(); ++i) {
    absl::StrAppend(&page, i == 0 ? "" : ",", events[i]);
  }
  return page + "]}\n";
}

ReplayCheck Check(const std::string& text, const StoredContent& content = {}) {
  auto histories = ReadHistories("saved.jsonl", text);
  EXPECT_TRUE(histories.ok()) << histories.status();
  if (!histories.ok()) return {};
  return CheckHistory(Flows(), histories->at(0), content);
}

std::string Problem(const std::string& text) {
  auto histories = ReadHistories("saved.jsonl", text);
  EXPECT_EQ(histories.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(histories.status().message());
}

TEST(ReplayCheck, AHistoryOfThisFlowIsOkOverSeveralPages) {
  const std::string text = Page({Started(R"({"json":1})"), kScheduled}) +
                           Page({kCompleted}) + Page({kRunCompleted});
  EXPECT_EQ(Check(text).verdict, ReplayVerdict::kOk);
}

TEST(ReplayCheck, AMismatchHasItsReport) {
  ReplayCheck check = Check(
      Page({Started(R"({"json":2})"), kScheduled, kCompleted, kRunCompleted}));
  EXPECT_EQ(check.verdict, ReplayVerdict::kMismatch);
  EXPECT_NE(check.report.find("non-determinism at event 4 of run default/r"),
            std::string::npos);
}

TEST(ReplayCheck, AFlowThatThisBuildDoesNotHaveIsAMismatch) {
  ReplayCheck check = Check(Page({Started(R"({"json":1})", "gone")}));
  EXPECT_EQ(check.verdict, ReplayVerdict::kMismatch);
  EXPECT_EQ(check.report, "build this-build has no flow gone; it has: echoes");
}

TEST(ReplayCheck, ContentThatIsNotAtHandIsIncomplete) {
  const std::string text = Page(
      {Started(R"({"ref":{"sha256":"abc","sizeBytes":"9000"}})"), kScheduled});
  ReplayCheck check = Check(text);
  EXPECT_EQ(check.verdict, ReplayVerdict::kIncomplete);
  EXPECT_NE(check.report.find("abc (9000 bytes)"), std::string::npos);
  EXPECT_EQ(Check(text, {{"abc", "1"}}).verdict, ReplayVerdict::kOk);
}

TEST(ReadHistories, TakesSeveralRunsAndPrettyPrintedPages) {
  const std::string pretty =
      "{\n  \"events\": [\n" + Started(R"({"json":0})") + "\n  ]\n}\n";
  auto histories =
      ReadHistories("f", Page({Started(R"({"json":1})"), kScheduled}) + pretty);
  ASSERT_TRUE(histories.ok()) << histories.status();
  ASSERT_EQ(histories->size(), 2u);
  EXPECT_EQ(histories->at(0).events, 2);
  EXPECT_EQ(histories->at(0).line, 1);
  EXPECT_EQ(histories->at(1).events, 1);
  EXPECT_EQ(histories->at(1).line, 2);
  EXPECT_EQ(histories->at(1).run, "default/r");
}

TEST(ReadHistories, GenerationsThatFollowOneAnotherAreNumbered) {
  const std::string first = Page({Started(R"({"json":1})"), kScheduled});
  // Retried before event 3: its first event is the first generation's.
  const std::string retried =
      Page({Started(R"({"json":1})"), kScheduled,
            R"({"eventId":"3","forked":{"sourceEventId":"2"}})"});
  auto histories = ReadHistories("f", first + retried);
  ASSERT_TRUE(histories.ok()) << histories.status();
  ASSERT_EQ(histories->size(), 2u);
  EXPECT_EQ(histories->at(0).generation, 1);
  EXPECT_EQ(histories->at(1).generation, 2);
  EXPECT_EQ(CheckHistory(Flows(), histories->at(1), {}).verdict,
            ReplayVerdict::kOk);
}

TEST(ReadHistories, AdministrativeEventsBelongToNoActivation) {
  auto histories =
      ReadHistories("f", Page({Started(R"({"json":1})"), kScheduled,
                               R"({"eventId":"3","runPaused":{}})"}));
  ASSERT_TRUE(histories.ok()) << histories.status();
  EXPECT_EQ(histories->at(0).activations.size(), 2u);
}

TEST(ReadHistories, SaysInWhichLineWhatIsWrong) {
  EXPECT_EQ(Problem("\nhello\n"),
            "saved.jsonl:2: not a saved history; expected a page of "
            "'anabranch runs history RUN --json'");
  EXPECT_EQ(Problem("\n\n{\"events\":[{\"a\":\"}"),
            "saved.jsonl:3: the page that begins here does not end; is the "
            "file cut off?");
  EXPECT_NE(Problem("{\"events\":[{\"runVanished\":{}}]}")
                .find("saved.jsonl:1: not a page of a history: "),
            std::string::npos);
  EXPECT_EQ(Problem(Page({kScheduled})),
            "saved.jsonl:1: begins with event 2: the pages before it are "
            "missing");
  EXPECT_EQ(Problem(Page({Started("{}")}) + Page({kCompleted})),
            "saved.jsonl:2: event 3 follows event 1 of default/r: a page is "
            "missing, or here twice");
  EXPECT_EQ(Problem(Page({R"({"eventId":"1","timerFired":{}})"})),
            "saved.jsonl:1: event 1 is not RunStarted");
  EXPECT_EQ(Problem(""), "saved.jsonl:1: there is no history in it");
}

}  // namespace
}  // namespace anabranch::orchestrator
