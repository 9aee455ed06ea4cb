#include "flows/fork_compare_input.h"

#include <string>

#include "base/error_details.h"
#include "claude/transcript_fixture.h"
#include "flows/fork_compare.h"
#include "flows/testing/prepare_fixture.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// An input with this list of branches.
std::string Branches(const std::string& branches,
                     const std::string& rest = "") {
  return R"({"conversation":"c","fork_at_step":1,"branches":)" + branches +
         rest + "}";
}

std::string Problem(const std::string& input) {
  const auto parsed = ParseForkCompareInput(input);
  return parsed.ok() ? "OK" : std::string(parsed.status().message());
}

TEST(ForkCompareInput, FillsInDefaults) {
  const auto input = ParseForkCompareInput(Branches(R"([{"name":"a"}])"));
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->conversation, "c");
  EXPECT_EQ(input->CutJson(), R"({"fork_at_step":1})");
  const BranchSpec& branch = input->branches[0];
  EXPECT_EQ(branch.max_turns, 5);
  EXPECT_EQ(branch.max_tokens, 4096);
  EXPECT_EQ(branch.timeout_seconds, 0);
  EXPECT_EQ(branch.model_json, "");
  EXPECT_EQ(branch.system_json, "");
}

TEST(ForkCompareInput, TakesWhatIsSetAndKeepsTextsAsTheyStand) {
  const auto input = ParseForkCompareInput(Branches(
      R"([{"name":"A.b_c-9","model":"m\u0031","inject_message":["\ud83d","x"],)"
      R"("replace_message":"r\n","system_prompt":" ","max_turns":2,)"
      R"("max_tokens":9,"timeout_seconds":7},{"name":"b",)"
      R"("inject_message":"one","system_prompt":"s"}])",
      R"(,"leaf":"u","settings":{"max_turns":3,"timeout_seconds":60})"));
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(input->CutJson(), R"({"fork_at_step":1,"leaf":"u"})");
  const BranchSpec& a = input->branches[0];
  EXPECT_EQ(a.model_json, R"("m\u0031")");
  EXPECT_THAT(a.messages_json, ElementsAre(R"("\ud83d")", R"("x")"));
  EXPECT_EQ(a.replace_json, R"("r\n")");
  EXPECT_EQ(a.system_json, R"("")");
  EXPECT_EQ(a.max_turns, 2);
  EXPECT_EQ(a.max_tokens, 9);
  EXPECT_EQ(a.timeout_seconds, 7);
  const BranchSpec& b = input->branches[1];
  EXPECT_THAT(b.messages_json, ElementsAre(R"("one")"));
  EXPECT_EQ(b.system_json, R"("s")");
  EXPECT_EQ(b.max_turns, 3);
  EXPECT_EQ(b.timeout_seconds, 60);
}

TEST(ForkCompareInput, NamesWhatIsMissing) {
  EXPECT_EQ(Problem("{}"),
            "conversation: is required; fork_at_step: is required; "
            "branches: is required");
  EXPECT_EQ(Problem("[]"), "input: must be a JSON object, not an array");
  EXPECT_EQ(Problem(Branches("[]")),
            "branches: must be a list of 1 to 50 branches");
  EXPECT_EQ(Problem(Branches("{}")),
            "branches: must be a list of 1 to 50 branches");
  EXPECT_EQ(Problem(Branches("[{}]")), "branches[0].name: is required");
  EXPECT_EQ(Problem(Branches("[7]")),
            "branches[0]: must be a JSON object, not a number");
}

TEST(ForkCompareInput, BoundsTheNumberOfBranches) {
  std::string branches;
  for (int i = 0; i < 50; ++i) {
    branches += R"({"name":"b)" + std::to_string(i) + "\"},";
  }
  const std::string fifty = branches.substr(0, branches.size() - 1);
  EXPECT_EQ(Problem(Branches("[" + fifty + "]")), "OK");
  EXPECT_EQ(Problem(Branches("[" + branches + R"({"name":"b50"}])")),
            "branches: must be a list of 1 to 50 branches");
}

TEST(ForkCompareInput, ChecksNames) {
  for (const char* name : {"", ".a", "a b", "a/b", "é"}) {
    EXPECT_THAT(Problem(Branches(R"([{"name":")" + std::string(name) + "\"}]")),
                StartsWith("branches[0].name: must begin with"))
        << name;
  }
  const std::string longest(64, 'n');
  EXPECT_EQ(Problem(Branches(R"([{"name":")" + longest + "\"}]")), "OK");
  EXPECT_THAT(Problem(Branches(R"([{"name":")" + longest + "n\"}]")),
              StartsWith("branches[0].name: must begin with"));
  EXPECT_EQ(Problem(Branches(R"([{"name":1}])")),
            "branches[0].name: must be a string, not a number");
  EXPECT_EQ(Problem(Branches(R"([{"name":"a"},{"name":"b"},{"name":"a"}])")),
            R"(branches[2].name: "a" is the name of branches[0] too)");
  EXPECT_THAT(
      Problem(Branches(R"([{"name":"original"}])")),
      StartsWith(R"(branches[0].name: "original" is the transcript's)"));
}

TEST(ForkCompareInput, ChecksMessages) {
  const auto problem = [](const std::string& members) {
    return Problem(Branches(R"([{"name":"a",)" + members + "}]"));
  };
  EXPECT_EQ(problem(R"("inject_message":[])"), "OK");
  EXPECT_EQ(problem(R"("inject_message":7)"),
            "branches[0].inject_message: must be a string or a list of "
            "strings");
  EXPECT_EQ(problem(R"("inject_message":" ")"),
            "branches[0].inject_message: must not be empty");
  EXPECT_EQ(problem(R"("inject_message":["a","",1])"),
            "branches[0].inject_message[1]: must not be empty; "
            "branches[0].inject_message[2]: must be a string");
  EXPECT_EQ(problem(R"("replace_message":"")"),
            "branches[0].replace_message: must not be empty");
  EXPECT_EQ(problem(R"("inject_message":["1","2","3"],"max_turns":2)"),
            "branches[0].max_turns: must be at least 3, one for each injected "
            "message, not 2");
  EXPECT_EQ(problem(R"("inject_message":["1","2","3","4","5","6"])"),
            "branches[0].max_turns: must be at least 6, one for each injected "
            "message, not 5");
}

TEST(ForkCompareInput, ChecksNumbersAndUnknownFields) {
  EXPECT_EQ(
      Problem(Branches(
          R"([{"name":"a","max_turns":0,"max_tokens":128001,)"
          R"("timeout_seconds":86401,"tools":[]}])",
          R"(,"settings":{"max_turns":101,"save_results":true},"x":1)")),
      "x: is unknown; known: conversation, fork_at_step, leaf, branches, "
      "settings; settings.save_results: is unknown; known: max_turns, "
      "timeout_seconds; settings.max_turns: must be an integer from 1 to 100; "
      "branches[0].tools: is unknown; known: name, model, inject_message, "
      "replace_message, system_prompt, max_turns, max_tokens, "
      "timeout_seconds; branches[0].max_turns: must be an integer from 1 to "
      "100; branches[0].max_tokens: must be an integer from 1 to 128000; "
      "branches[0].timeout_seconds: must be an integer from 1 to 86400");
  EXPECT_EQ(Problem(R"({"conversation":"c","fork_at_step":0,)"
                    R"("branches":[{"name":"a"}]})"),
            "fork_at_step: must be an integer from 1 to 2147483647");
}

// The door, over the transcript
// 1 prompt, 2 tool call, 3 results, 4 reply, 5 prompt, 6 reply.
class ForkCompareDoor : public ::testing::Test {
 protected:
  ForkCompareDoor() {
    context_.Add("c", claude::ReadTranscriptFile("in_place_branch.jsonl"));
  }

  absl::Status Check(int step, const std::string& branches,
                     const std::string& rest = "") {
    return ForkCompare()
        .prepare(R"({"conversation":"c","fork_at_step":)" +
                     std::to_string(step) + R"(,"branches":)" + branches +
                     rest + "}",
                 context_)
        .status();
  }

  static std::string Violation(const absl::Status& status) {
    google::rpc::PreconditionFailure failure;
    const auto payload =
        status.GetPayload("type.googleapis.com/google.rpc.PreconditionFailure");
    if (!payload || !failure.ParseFromString(std::string(*payload)) ||
        failure.violations_size() != 1) {
      return "none";
    }
    return failure.violations(0).type() + " " + failure.violations(0).subject();
  }

  FakePrepareContext context_;
};

TEST_F(ForkCompareDoor, PinsTheConversation) {
  const auto start = ForkCompare().prepare(
      R"({"conversation":"c","fork_at_step":3,"branches":[{"name":"a"}]})",
      context_);
  ASSERT_TRUE(start.ok()) << start.status();
  ASSERT_EQ(start->attachments.size(), 1u);
  EXPECT_EQ(start->attachments.at("conversation").ref().sha256(), "hash-of-c");
}

TEST_F(ForkCompareDoor, AcceptsEveryValidCut) {
  EXPECT_TRUE(Check(1, R"([{"name":"a"}])").ok());
  EXPECT_TRUE(Check(3, R"([{"name":"a"}])").ok());
  EXPECT_TRUE(Check(4, R"([{"name":"a","inject_message":"m"}])").ok());
  EXPECT_TRUE(Check(5, R"([{"name":"a","replace_message":"m"}])").ok());
  EXPECT_TRUE(Check(6, R"([{"name":"a","inject_message":["m"]}])").ok());
}

TEST_F(ForkCompareDoor, RefusesAStepOutOfRangeWithTheRange) {
  const absl::Status status = Check(7, R"([{"name":"a"}])");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldProblems(status)[0].field, "fork_at_step");
  EXPECT_THAT(FieldProblems(status)[0].problem, HasSubstr("1 to 6"));
}

TEST_F(ForkCompareDoor, RefusesACutBetweenCallAndResults) {
  const absl::Status status =
      Check(2, R"([{"name":"a","inject_message":"m"}])");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "FORK_POINT_INVALID");
  EXPECT_EQ(Violation(status), "FORK_POINT fork_at_step");
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 and 3"));
}

TEST_F(ForkCompareDoor, RefusesAReplyUnlessEveryBranchInjects) {
  const absl::Status status = Check(
      4, R"([{"name":"a","inject_message":"m"},{"name":"b","model":"m"}])");
  EXPECT_EQ(ErrorReason(status), "FORK_POINT_INVALID");
  EXPECT_EQ(Violation(status), "FORK_POINT branches[1].inject_message");
  EXPECT_THAT(std::string(status.message()), HasSubstr("3 and 5"));
}

TEST_F(ForkCompareDoor, RefusesToReplaceWhatIsNoPrompt) {
  const absl::Status status =
      Check(3, R"([{"name":"a"},{"name":"b","replace_message":"m"}])");
  EXPECT_EQ(ErrorReason(status), "FORK_POINT_INVALID");
  EXPECT_EQ(Violation(status), "FORK_POINT branches[1].replace_message");
}

TEST_F(ForkCompareDoor, RefusesUnknownConversationsAndLeaves) {
  const auto status = ForkCompare()
                          .prepare(R"({"conversation":"x","fork_at_step":1,)"
                                   R"("branches":[{"name":"a"}]})",
                                   context_)
                          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "CONVERSATION_NOT_FOUND");
  EXPECT_EQ(
      FieldProblems(Check(1, R"([{"name":"a"}])", R"(,"leaf":"x")"))[0].field,
      "leaf");
}

TEST_F(ForkCompareDoor, AsksForAModelWhenTheConversationNamesNone) {
  claude::TranscriptBuilder builder;
  builder.User("u1", "", R"("hello")");
  context_.Add("new", builder.text());
  const auto check = [this](const std::string& branch) {
    return ForkCompare()
        .prepare(R"({"conversation":"new","fork_at_step":1,"branches":[)" +
                     branch + "]}",
                 context_)
        .status();
  };
  EXPECT_EQ(std::string(check(R"({"name":"a"})").message()),
            "branches[0].model: is required: the conversation names no model");
  EXPECT_TRUE(check(R"({"name":"a","model":"m"})").ok());
}

}  // namespace
}  // namespace anabranch::flows
