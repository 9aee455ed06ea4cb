#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "anabranch/v1/history.pb.h"
#include "sdk/flow_instance.h"
#include "tests/program/interpret.h"
#include "tests/program/options.h"
#include "tests/program/parse.h"
#include "tests/program/print.h"

namespace anabranch::program {
namespace {

using ::testing::HasSubstr;

// One of each, at least.
constexpr char kEverything[] = R"(call echo {"a": [1, 2]} attempts=3 backoff=1s
timer 1m30s
receive "two words"
await_cancel
now
random
uuid
side_effect draw
many 3
  call echo null
loop 2
  timer 5s
go
  receive never
all
  branch
    call echo 1
    call echo 2
  branch
    timer 1s
settled
  branch
    fail boom "it broke"
any
  branch
    timer 1s
try
  call echo 1
on timeout
  return [1]
on *
  return
first
  branch
    call echo 1
race
  branch
    timer 1s
suggested
scope s
  cancel s
  shield
    call echo null
publish state {"a": 1}
answer state
answer fixed 1
patch "two ways"
  now
else
  uuid
deprecate_patch p
child c policy=abandon timeout=5s wait=started
  return 1
child flow=other
continue
  now
throw "no more"
log line
)";

std::string ProblemWith(const std::string& text) {
  auto program = ParseProgram(text);
  EXPECT_FALSE(program.ok()) << text;
  return std::string(program.status().message());
}

TEST(ParseProgram, PrintsAsItWasRead) {
  auto program = ParseProgram(kEverything);
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(PrintProgram(*program), kEverything);
}

TEST(ParseProgram, TakesAStatementOnTheLineOfItsBody) {
  auto program = ParseProgram("many 2 loop 3 call echo {\"a\": 1} attempts=2");
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(PrintProgram(*program),
            "many 2\n  loop 3\n    call echo {\"a\": 1} attempts=2\n");
}

TEST(ParseProgram, AStatementInAJoinIsABranch) {
  auto program = ParseProgram("any\n  timer 1s\n  branch\n    receive go");
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(std::get<Join>(program->front().kind).branches.size(), 2u);
}

TEST(ParseProgram, ErrorsNameTheLine) {
  EXPECT_THAT(ProblemWith("call echo 1\n\njump"),
              HasSubstr("line 3, `jump`: unknown verb"));
  EXPECT_THAT(ProblemWith("timer soon"), HasSubstr("needs a duration"));
  EXPECT_THAT(ProblemWith("call echo {\"a\""), HasSubstr("is not closed"));
  EXPECT_THAT(ProblemWith("call echo nul"), HasSubstr("nul is not JSON"));
  EXPECT_THAT(ProblemWith("call echo 1 speed=9"),
              HasSubstr("speed=9 is no option of call"));
  EXPECT_THAT(ProblemWith("all"), HasSubstr("needs branches"));
  EXPECT_THAT(ProblemWith("try\n  now"), HasSubstr("needs `on TYPE`"));
  EXPECT_THAT(ProblemWith("now\n  now"), HasSubstr("stands deeper"));
  EXPECT_THAT(ProblemWith("  now\nnow"), HasSubstr("further left"));
  EXPECT_THAT(ProblemWith("many x now"), HasSubstr("needs a number"));
  EXPECT_THAT(ProblemWith("child c"), HasSubstr("needs either flow="));
  EXPECT_THAT(ProblemWith("child c policy=keep\n  now"),
              HasSubstr("policy=keep is no option of child"));
}

TEST(ToActivityOptions, AConstantBackoffWithoutJitter) {
  auto options = ToActivityOptions({{"backoff", "2s"}, {"attempts", "4"}});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->retry().initial_interval().seconds(), 2);
  EXPECT_EQ(options->retry().maximum_interval().seconds(), 2);
  EXPECT_EQ(options->retry().backoff_coefficient(), 1);
  EXPECT_EQ(options->retry().jitter_factor(), 0);
  EXPECT_EQ(options->retry().maximum_attempts(), 4);
}

// A program as the engine drives it.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() : flows_("test") { RegisterInterpreter(flows_, environment_); }

  void Start(const std::string& text) {
    flow_ = flows_.Find("program")->create();
    v1::HistoryEvent event;
    event.mutable_run_started()->mutable_input()->set_text(text);
    flow_->Deliver(event);
  }
  void Complete(int64_t seq, const std::string& json) {
    v1::HistoryEvent event;
    event.mutable_activity_completed()->set_seq(seq);
    event.mutable_activity_completed()->mutable_result()->set_json_text(json);
    flow_->Deliver(event);
  }
  void Fail(int64_t seq, const std::string& type) {
    v1::HistoryEvent event;
    event.mutable_activity_failed()->set_seq(seq);
    event.mutable_activity_failed()->mutable_failure()->set_type(type);
    flow_->Deliver(event);
  }
  // All commands that were not taken yet, shortly.
  std::string Commands() {
    std::string text;
    while (auto command = flow_->TakeCommand()) {
      if (command->has_schedule_activity()) {
        text += command->schedule_activity().activity_type() + " ";
      } else if (command->has_start_timer()) {
        text += "timer ";
      } else if (command->has_complete_run()) {
        text += "completed " + command->complete_run().result().json_text();
      } else if (command->has_fail_run()) {
        text += "failed " + command->fail_run().failure().type() + ": " +
                command->fail_run().failure().message();
      } else if (command->has_cancel_activity()) {
        text += "cancel ";
      } else {
        text += command->ShortDebugString();
      }
    }
    return text;
  }

  Environment environment_;
  sdk::FlowRegistry flows_;
  std::unique_ptr<sdk::FlowInstance> flow_;
};

TEST_F(ProgramTest, ReturnsTheValuesOfItsStatements) {
  Start("call a 1\ncall b 2");
  EXPECT_EQ(Commands(), "a ");
  Complete(1, "\"x\"");
  EXPECT_EQ(Commands(), "b ");
  Complete(2, "{\"y\": 2}");
  EXPECT_EQ(Commands(), "completed [\"x\",{\"y\": 2}]");
}

TEST_F(ProgramTest, BranchesKeepTheirOwnValues) {
  Start("all\n  branch\n    call a\n    call b\n  call c");
  EXPECT_EQ(Commands(), "a c ");
  Complete(2, "3");
  Complete(1, "1");
  EXPECT_EQ(Commands(), "b ");
  Complete(3, "2");
  EXPECT_EQ(Commands(), "completed [[[1,2],[3]]]");
}

TEST_F(ProgramTest, TheFirstOfAnyGoesOn) {
  Start("any\n  call a\n  call b\nreturn");
  EXPECT_EQ(Commands(), "a b ");
  Complete(2, "7");
  EXPECT_EQ(Commands(), "completed [[1,[7]]]");
}

TEST_F(ProgramTest, AHandlerTakesOverByType) {
  Start("try\n  call a\non other\n  return 1\non boom\n  call b");
  EXPECT_EQ(Commands(), "a ");
  Fail(1, "boom");
  EXPECT_EQ(Commands(), "b ");
  Fail(2, "other");
  EXPECT_EQ(Commands(), "failed other: ");
}

TEST_F(ProgramTest, SettledShowsFailuresByType) {
  Start("settled\n  call a\n  fail boom broken");
  EXPECT_EQ(Commands(), "a ");
  Complete(1, "1");
  EXPECT_EQ(Commands(), "completed [[[1],{\"failed\":\"boom\"}]]");
}

TEST_F(ProgramTest, ManyRunSideBySide) {
  Start("many 3 call a\nloop 2 call b");
  EXPECT_EQ(Commands(), "a a a ");
  for (int seq : {3, 1, 2}) Complete(seq, std::to_string(seq));
  EXPECT_EQ(Commands(), "b ");
  Complete(4, "4");
  Complete(5, "5");
  EXPECT_EQ(Commands(), "b completed [[[1],[2],[3]],4,5]");
}

TEST_F(ProgramTest, ARaceCancelsTheOthers) {
  Start("race\n  call a\n  call b\nreturn");
  EXPECT_EQ(Commands(), "a b ");
  Complete(2, "7");
  EXPECT_EQ(Commands(), "cancel completed [[1,[7]]]");
}

TEST_F(ProgramTest, TheFirstSuccessCounts) {
  Start("first\n  call a\n  call b");
  EXPECT_EQ(Commands(), "a b ");
  Fail(1, "boom");
  Complete(2, "7");
  EXPECT_EQ(Commands(), "completed [[1,[7]]]");
}

TEST_F(ProgramTest, AScopeIsCancelledByName) {
  Start(
      "scope s\n  all\n    try\n      call a\n    on cancelled\n"
      "      return 1\n    branch\n      call b\n      cancel s");
  EXPECT_EQ(Commands(), "a b ");
  Complete(2, "7");
  EXPECT_EQ(Commands(), "cancel completed [[1,[7]]]");
}

TEST_F(ProgramTest, AnswersQueriesWhileItsBranchGoesOn) {
  Start("answer so_far\ncall a\ncall b");
  Complete(1, "1");
  auto answer = flow_->Query("so_far", v1::Payload());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->json_text(), "[1]");
}

TEST_F(ProgramTest, ATextThatDoesNotParseFailsTheRun) {
  Start("jump");
  EXPECT_THAT(Commands(), HasSubstr("failed bad_program: line 1, `jump`"));
}

TEST_F(ProgramTest, ThrowLeavesTheFlow) {
  Start("throw \"no more\"");
  EXPECT_EQ(flow_->exception(), "no more");
}

}  // namespace
}  // namespace anabranch::program
