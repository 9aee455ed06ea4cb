#include <string>

#include "absl/strings/str_cat.h"
#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class RunsTest : public testing::CliTest {
 protected:
  v1::Run& AddRun(const std::string& id, v1::RunState state) {
    v1::Run& run = canned.runs[id];
    run.set_run_id(id);
    run.set_flow("claude_chat");
    run.set_state(state);
    run.mutable_create_time()->set_seconds(1700000000);
    if (state >= v1::RUN_STATE_COMPLETED) {
      run.mutable_close_time()->set_seconds(1700000002);
    }
    return run;
  }

  v1::HistoryEvent Event(int64_t id) {
    v1::HistoryEvent event;
    event.set_event_id(id);
    event.mutable_event_time()->set_seconds(1700000000);
    return event;
  }

  void AddScheduled(v1::GetHistoryResponse& page, const std::string& name) {
    v1::HistoryEvent event = Event(2);
    event.mutable_activity_scheduled()->set_seq(1);
    event.mutable_activity_scheduled()->set_activity_type("claude.messages");
    event.mutable_activity_scheduled()->set_name(name);
    *page.add_events() = event;
  }
};

TEST_F(RunsTest, ListsRuns) {
  AddRun("a", v1::RUN_STATE_RUNNING).set_waiting_for("for a worker");
  v1::Run& failed = AddRun("b", v1::RUN_STATE_FAILED);
  failed.mutable_failure()->set_type("overloaded_error");
  failed.mutable_failure()->set_message("Overloaded");
  EXPECT_EQ(Run({"runs", "list", "--limit", "7"}), 0);
  EXPECT_EQ(canned.lists.at(0).page_size(), 7);
  EXPECT_EQ(out,
            "RUN  FLOW         STATE    STARTED              TOOK   NOTE\n"
            "a    claude_chat  RUNNING  2023-11-14 22:13:20  -      for a "
            "worker\n"
            "b    claude_chat  FAILED   2023-11-14 22:13:20  2.0 s  "
            "overloaded_error: Overloaded\n");
}

TEST_F(RunsTest, ListGoesThroughThePages) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    AddRun(id, v1::RUN_STATE_COMPLETED);
  }
  EXPECT_EQ(Run({"runs", "list"}), 0);
  EXPECT_THAT(err, HasSubstr("--page-token c"));
  EXPECT_EQ(Run({"runs", "list", "--all"}), 0);
  EXPECT_THAT(out, HasSubstr("\ne "));
  EXPECT_THAT(err, IsEmpty());
  EXPECT_EQ(Run({"runs", "list", "--all", "--json"}), 0);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
}

TEST_F(RunsTest, TablesFitTheTerminal) {
  AddRun("a", v1::RUN_STATE_RUNNING).set_waiting_for(std::string(200, 'x'));
  terminal = true;
  width = 70;
  EXPECT_EQ(Run({"runs", "list"}), 0);
  std::istringstream lines(out);
  std::string line;
  while (std::getline(lines, line)) EXPECT_LE(line.size(), 72u) << line;
}

TEST_F(RunsTest, ShowsARunWithItsResult) {
  v1::Run& run = AddRun("a", v1::RUN_STATE_COMPLETED);
  run.mutable_input()->set_json_text(R"({"prompt":"hi"})");
  run.mutable_usage()->set_calls(1);
  run.mutable_usage()->set_input_tokens(10);
  run.mutable_usage()->set_output_tokens(20);
  const std::string result = R"({"text":"Hello"})";
  canned.payloads["abc"] = result;
  run.mutable_result()->mutable_ref()->set_sha256("abc");
  run.mutable_result()->mutable_ref()->set_size_bytes(
      static_cast<int64_t>(result.size()));
  run.mutable_result()->mutable_ref()->set_encoding(v1::PAYLOAD_ENCODING_JSON);
  EXPECT_EQ(Run({"runs", "show", "a"}), 0);
  EXPECT_THAT(out, HasSubstr("state    COMPLETED\n"));
  EXPECT_THAT(out, HasSubstr("usage    1 calls, 10 tokens in, 20 out"));
  EXPECT_THAT(out, HasSubstr("input    {\"prompt\":\"hi\"}\n"));
  EXPECT_THAT(out, HasSubstr("result\n{\n  \"text\": \"Hello\"\n}\n"));
  EXPECT_EQ(Run({"runs", "show", "a", "--result", "--json"}), 0);
  EXPECT_EQ(out, result + "\n");
  EXPECT_EQ(Run({"runs", "show", "a", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("{\"run\":{\"runId\":\"a\""));
}

TEST_F(RunsTest, ShowTellsWhatAnOpenRunWaitsFor) {
  v1::Run& run = AddRun("a", v1::RUN_STATE_BLOCKED);
  run.set_waiting_for("for a worker that offers claude.messages");
  v1::ActivityInfo& activity = *run.add_waiting_activities();
  activity.set_seq(3);
  activity.set_activity_type("claude.messages");
  activity.set_name("opus/turn-1");
  activity.set_state(v1::ACTIVITY_STATE_READY);
  activity.set_no_worker(true);
  run.mutable_blocked()->set_reason(v1::BLOCKED_REASON_NON_DETERMINISM);
  run.mutable_blocked()->set_report("recorded: a\ncurrent: b");
  EXPECT_EQ(Run({"runs", "show", "a"}), 0);
  EXPECT_THAT(out, HasSubstr("waits    for a worker that offers"));
  EXPECT_THAT(out, HasSubstr("#3 opus/turn-1 waits: no connected worker"));
  EXPECT_THAT(out, HasSubstr("blocked  NON_DETERMINISM\nrecorded: a\ncurrent"));
  EXPECT_EQ(Run({"runs", "show", "a", "--result"}), 2);
  EXPECT_THAT(err, HasSubstr("has no result"));
}

TEST_F(RunsTest, PrintsTheHistory) {
  v1::GetHistoryResponse first;
  v1::HistoryEvent started = Event(1);
  started.mutable_run_started()->set_flow("claude_chat");
  started.mutable_run_started()->mutable_input()->set_json_text("{}");
  *first.add_events() = started;
  AddScheduled(first, "opus/turn-1");
  v1::GetHistoryResponse second;
  v1::HistoryEvent done = Event(3);
  done.mutable_activity_completed()->set_seq(1);
  done.mutable_activity_completed()->mutable_result()->set_json_text("7");
  done.mutable_activity_completed()->mutable_info()->set_attempt(2);
  done.mutable_activity_completed()->mutable_info()->set_failed_attempts(1);
  *second.add_events() = done;
  v1::ActivityInfo& open = *second.add_open_activities();
  open.set_seq(2);
  open.set_name("opus/turn-2");
  open.set_state(v1::ACTIVITY_STATE_RUNNING);
  open.set_attempt(1);
  open.set_worker("host-1");
  canned.history = {first, second};
  EXPECT_EQ(Run({"runs", "history", "a"}), 0);
  EXPECT_EQ(out,
            "   1  22:13:20.000  RunStarted              claude_chat {}\n"
            "   2  22:13:20.000  ActivityScheduled       #1 claude.messages "
            "opus/turn-1\n"
            "   3  22:13:20.000  ActivityCompleted       #1 opus/turn-1, "
            "attempt 2, 1 failed: 7\n"
            "open  #2 opus/turn-2 attempt 1 runs on host-1\n");
  EXPECT_EQ(Run({"runs", "history", "a", "--json"}), 0);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_THAT(out, HasSubstr("\"activityCompleted\":"));
}

TEST_F(RunsTest, WatchShowsEventsAndTokens) {
  v1::GetHistoryResponse page;
  AddScheduled(page, "opus/turn-1");
  v1::WatchRunResponse scheduled;
  *scheduled.mutable_event() = page.events(0);
  v1::WatchRunResponse tokens;
  tokens.mutable_progress()->set_seq(1);
  tokens.mutable_progress()->set_attempt(1);
  tokens.mutable_progress()->set_text("Hello\nthere");
  v1::WatchRunResponse done;
  *done.mutable_event() = Event(3);
  done.mutable_event()->mutable_activity_completed()->set_seq(1);
  v1::WatchRunResponse last;
  *last.mutable_final_run() = AddRun("a", v1::RUN_STATE_COMPLETED);
  canned.watch = {scheduled, tokens, done, last};
  EXPECT_EQ(Run({"runs", "watch", "a"}), 0);
  EXPECT_EQ(out,
            "   2  22:13:20.000  ActivityScheduled       #1 claude.messages "
            "opus/turn-1\n"
            "[opus/turn-1] Hello\n"
            "[opus/turn-1] there\n"
            "   3  22:13:20.000  ActivityCompleted       #1 opus/turn-1, "
            "attempt 0:\n"
            "run a COMPLETED after 2.0 s\n");
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
  EXPECT_EQ(Run({"runs", "watch", "a", "--json", "--cursor", "1"}), 0);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_THAT(out, HasSubstr("{\"cursor\":\"2\",\"progress\":"));
}

TEST_F(RunsTest, WatchOfAFailedRunIsOne) {
  v1::WatchRunResponse last;
  *last.mutable_final_run() = AddRun("a", v1::RUN_STATE_TERMINATED);
  last.mutable_final_run()->set_reason("stuck");
  canned.watch = {last};
  EXPECT_EQ(Run({"runs", "watch", "a"}), 1);
  EXPECT_EQ(out, "run a TERMINATED after 2.0 s: stuck\n");
}

TEST_F(RunsTest, ListsWhatAFilterMeans) {
  AddRun("a", v1::RUN_STATE_FAILED);
  EXPECT_EQ(Run({"runs", "list", "--filter", "state = FAILED"}), 0);
  EXPECT_EQ(canned.lists.at(0).filter(), "state = FAILED");
  canned.errors["ListRuns"] = {testing::ErrorWith(
      grpc::StatusCode::INVALID_ARGUMENT, "filter: column 9: expected a state",
      {.reason = "INVALID_FILTER", .domain = "anabranch"})};
  EXPECT_EQ(Run({"runs", "list", "--filter", "state = DONE"}), 2);
  EXPECT_THAT(err, HasSubstr("column 9"));
  EXPECT_THAT(err, HasSubstr("hint: for example --filter"));
}

TEST_F(RunsTest, ShowTellsWhereARunComesFromAndWhatHoldsIt) {
  v1::Run& run = AddRun("a", v1::RUN_STATE_PAUSED);
  run.set_generation(3);
  run.mutable_parent()->set_run_id("boss");
  run.mutable_parent()->set_seq(4);
  run.mutable_pause()->mutable_time()->set_seconds(1700000001);
  run.mutable_pause()->set_reason("budget");
  run.mutable_deadline()->set_seconds(1700000100);
  run.add_published("progress");
  v1::ChildInfo& child = *run.add_waiting_children();
  child.set_seq(2);
  child.set_run_id("a/2");
  child.set_flow("branch");
  v1::ActivityInfo& parked = *run.add_waiting_activities();
  parked.set_seq(5);
  parked.set_name("opus");
  parked.set_state(v1::ACTIVITY_STATE_PARKED);
  parked.set_attempt(3);
  parked.mutable_last_failure()->set_type("overloaded_error");
  parked.set_parked_because(v1::RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED);
  EXPECT_EQ(Run({"runs", "show", "a"}), 0);
  EXPECT_THAT(out, HasSubstr("parent   boss, child #4\n"));
  EXPECT_THAT(out, HasSubstr("gen.     3; 'runs history a --generation N'"));
  EXPECT_THAT(out, HasSubstr("paused   since 2023-11-14 22:13:21: budget\n"));
  EXPECT_THAT(out, HasSubstr("deadline 2023-11-14 22:15:00\n"));
  EXPECT_THAT(out, HasSubstr("child #2 branch a/2 is being started\n"));
  EXPECT_THAT(out, HasSubstr("#5 opus is parked after attempt 3: "
                             "overloaded_error (MAXIMUM_ATTEMPTS_REACHED)"));
  EXPECT_THAT(out, HasSubstr("query    progress\n"));
}

TEST_F(RunsTest, HistoryOfAnEarlierGeneration) {
  EXPECT_EQ(Run({"runs", "history", "a", "--generation", "2"}), 0);
  EXPECT_EQ(canned.histories.at(0).generation(), 2);
  EXPECT_EQ(Run({"runs", "history", "a", "--generation", "0"}), 2);
}

}  // namespace
}  // namespace anabranch::cli
