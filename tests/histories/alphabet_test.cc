// One frozen history with every event of the alphabet, of a flow that exists
// for it alone: no stored history of a released format becomes unreadable.
//
// To freeze a new one (after an event or field was added; keep the old file):
//   bazel test //tests/histories:alphabet_test \
//     --test_env=ANABRANCH_FREEZE_TO=/tmp/alphabet.jsonl
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/run_service.pb.h"
#include "google/protobuf/util/json_util.h"
#include "orchestrator/replay/recorder_test_util.h"
#include "orchestrator/replay_check.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/flow_registry.h"
#include "sdk/markers.h"
#include "sdk/scope.h"

namespace anabranch::orchestrator {
namespace {

using replay::Recorder;
using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;
using sdk::Scope;
using v1::HistoryEvent;

// Goes as far as its signals tell it, and ends as the last one says.
Future<Payload> Alphabet(FlowContext& ctx, FlowInput) {
  auto early = co_await ctx.ReceiveSignal("early");
  const Payload drawn =
      ctx.SideEffect("drawn", [] { return JsonPayload("4"); });
  ctx.Publish("drawn", drawn);
  const bool patched = ctx.Patched("alphabet");
  auto completed = ctx.Start({.type = "completed", .input = drawn});
  auto failed = ctx.Start({.type = patched ? "failed" : "never"});
  auto timed_out = ctx.Start({.type = "timed_out"});
  auto cancelled = ctx.Start({.type = "cancelled"});
  auto refused = ctx.StartChild({.flow = "child", .run_id = "-"});
  auto fired = ctx.StartTimer(absl::Seconds(1));
  Scope scope(ctx);
  auto dropped = scope.StartTimer(absl::Hours(1));
  auto child = scope.StartChild({.flow = "child"});
  auto go = co_await ctx.ReceiveSignal("go");
  scope.Cancel();
  ctx.Cancel(cancelled);
  auto closed = co_await child;
  auto all = co_await sdk::Settled(
      std::vector<Future<Payload>>{completed, failed, timed_out, fired});
  auto end = co_await ctx.ReceiveSignal("end");
  if (!end.ok()) co_return end.status();
  if (end->json_text() == "\"continue\"") {
    co_return (co_await ctx.ContinueAsNew(JsonPayload("2"))).status();
  }
  if (end->json_text() == "\"fail\"") co_return absl::UnknownError("as told");
  co_return *end;
}

sdk::FlowRegistry Flows() {
  sdk::FlowRegistry flows("this-tree");
  sdk::FlowDefinition flow;
  flow.name = "alphabet";
  flow.create = [] { return std::make_unique<sdk::FlowInstance>(Alphabet); };
  flows.Register(std::move(flow));
  return flows;
}

HistoryEvent Signal(const std::string& name, const std::string& json) {
  HistoryEvent event;
  event.mutable_signal_received()->set_name(name);
  event.mutable_signal_received()->mutable_input()->set_json_text(json);
  return event;
}

// Everything up to the flow's last signal.
void Record(Recorder& recorder) {
  HistoryEvent event;
  recorder.Take(Signal("early", "1"));
  event.mutable_child_started()->set_seq(11);
  event.mutable_child_started()->set_run_id("r.11");
  recorder.Take(event);
  recorder.CompleteActivity(4);
  event.mutable_activity_failed()->set_seq(5);
  event.mutable_activity_failed()->mutable_failure()->set_type("bad");
  recorder.Take(event);
  event.mutable_activity_timed_out()->set_seq(6);
  event.mutable_activity_timed_out()->set_timeout_type(
      v1::TIMEOUT_TYPE_HEARTBEAT);
  recorder.Take(event);
  event.mutable_run_paused()->set_reason("lunch");
  recorder.Add(event);
  event.mutable_run_resumed()->set_reason("back");
  recorder.Add(event);
  event.mutable_forked()->set_source_uid("0123456789abcdef");
  recorder.Add(event);
  recorder.Take(Signal("go", "1"));
  event.mutable_activity_cancelled()->set_seq(7);
  recorder.Take(event);
  recorder.FireTimer(9);
  recorder.CloseChild(11);
}

// One history for each way to end.
std::vector<std::vector<storage::v1::ActivationRecord>> Recorded() {
  std::vector<std::vector<storage::v1::ActivationRecord>> all;
  for (const char* end :
       {"\"continue\"", "\"fail\"", "3", "cancel", "terminate", "time out"}) {
    v1::RunStarted started;
    started.set_namespace_("default");
    started.set_run_id("r");
    started.set_flow("alphabet");
    started.set_generation(1);
    started.set_seed(7);
    *started.add_signals() = Signal("other", "0").signal_received();
    Recorder recorder(Alphabet, started);
    Record(recorder);
    HistoryEvent last;
    if (end == std::string("cancel")) {
      last.mutable_cancel_requested()->set_reason("enough");
      last.set_internal_flags(sdk::kFlagContinueAsNewSuggested);
      recorder.Take(last);
    } else if (end == std::string("terminate")) {
      last.mutable_run_terminated()->set_reason("enough");
      recorder.Add(last);
    } else if (end == std::string("time out")) {
      last.mutable_run_timed_out();
      recorder.Add(last);
    } else {
      recorder.Take(Signal("end", end));
    }
    EXPECT_TRUE(recorder.state().closed()) << end;
    all.push_back(recorder.history());
  }
  return all;
}

// As `anabranch runs history --json` prints them.
std::string ToText() {
  std::string text;
  for (const auto& history : Recorded()) {
    v1::GetHistoryResponse page;
    for (const auto& activation : history) {
      page.mutable_events()->MergeFrom(activation.events());
    }
    std::string line;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(page, &line).ok());
    text += line + "\n";
  }
  return text;
}

std::vector<SavedHistory> Frozen() {
  std::ifstream file("tests/histories/alphabet/1.jsonl");
  std::ostringstream text;
  text << file.rdbuf();
  auto histories = ReadHistories("alphabet/1.jsonl", text.str());
  EXPECT_TRUE(histories.ok()) << histories.status();
  return histories.ok() ? *std::move(histories) : std::vector<SavedHistory>();
}

std::string Unlike(const std::vector<SavedHistory>& histories) {
  for (const SavedHistory& history : histories) {
    const ReplayCheck check = CheckHistory(Flows(), history, {});
    if (check.verdict != ReplayVerdict::kOk) return check.report;
  }
  return "";
}

TEST(Alphabet, WhatIsRecordedTodayReplays) {
  const std::string text = ToText();
  if (const char* path = std::getenv("ANABRANCH_FREEZE_TO")) {
    std::ofstream(path) << text;
  }
  auto histories = ReadHistories("today", text);
  ASSERT_TRUE(histories.ok()) << histories.status();
  EXPECT_EQ(Unlike(*histories), "");
}

TEST(Alphabet, WhatWasFrozenReplays) { EXPECT_EQ(Unlike(Frozen()), ""); }

TEST(Alphabet, EveryEventIsFrozen) {
  std::set<std::string> lacking;
  const auto* attributes =
      HistoryEvent::descriptor()->FindOneofByName("attributes");
  for (int i = 0; i < attributes->field_count(); ++i) {
    lacking.insert(attributes->field(i)->name());
  }
  for (const SavedHistory& history : Frozen()) {
    for (const auto& activation : history.activations) {
      for (const HistoryEvent& event : activation.events()) {
        const auto* field = HistoryEvent::descriptor()->FindFieldByNumber(
            static_cast<int>(event.attributes_case()));
        lacking.erase(field->name());
      }
    }
  }
  EXPECT_EQ(lacking, std::set<std::string>())
      << "add them to Record() and freeze a history anew";
}

}  // namespace
}  // namespace anabranch::orchestrator
